"""Whatever happens to a send, a key's message arrives at most once, and what certainly did not goes later."""

from __future__ import annotations

import socket
from collections import Counter

import pytest

SEND = {"method": "POST", "path": "/sms/send"}
ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(5, 9)]
PROCESSED = ["reset_after", "half_body", "html_after", "status_after 500", "status_after 503"]
PERHAPS = ["reset_before", "status 500", "status 502", "status 302", "status 409", "status 418", "html"]
REFUSED = [401, 402, 403, 404, 405]


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


def fault(out, kind, times=1, **options):
    kind, _, status = kind.partition(" ")
    out.fault(kind=kind, times=times, **SEND, **({"status": int(status)} if status else {}), **options)


def outcomes(out):
    return dict(out.query("select outcome, count(*) from outcomes group by outcome"))


def check_once(out):
    """Check that no key's message arrived twice; a token stands for its key."""
    arrived = Counter(one["custom_string"] for one in out.arrivals)
    assert not [token for token, count in arrived.items() if count > 1]


@pytest.mark.parametrize("kind", PROCESSED)
def test_a_lost_answer_is_found_in_the_history(out, kind):
    fault(out, kind)
    ran = out.send(*ROWS)
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 4})
    assert outcomes(out) == {"sent": 4}
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 4}
    assert len(out.arrivals) == 4
    check_once(out)


@pytest.mark.parametrize("kind", PROCESSED)
def test_while_the_history_lags_it_stays_unknown_and_is_not_sent_again(out, kind):
    out.switch(history_lag=3600)
    fault(out, kind)
    assert out.send(*ROWS).code == 3
    again = out.send(*ROWS)
    assert (again.code, again.rows("sms_messages")) == (3, {"duplicate": 4})
    assert outcomes(out) == {"unknown": 4}
    out.advance(3700)
    later = out.send(*ROWS)
    assert (later.code, later.rows("sms_messages")) == (0, {"duplicate": 4})
    assert outcomes(out) == {"sent": 4}
    assert len(out.arrivals) == 4
    check_once(out)


@pytest.mark.parametrize("kind", PERHAPS)
def test_what_may_have_arrived_is_never_sent_again(out, kind):
    fault(out, kind)
    assert out.send(*ROWS).rows("sms_messages") == {"unknown": 4}
    for _ in range(3):
        out.advance(86_400)
        assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 4}
    assert outcomes(out) == {"unknown": 4}
    assert out.arrivals == []


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_sent_nothing_stops_the_run_and_goes_later(out, status):
    fault(out, f"status {status}")
    ran = out.send(*ROWS, batch_size_rows=2)
    assert (ran.code, ran.rows("sms_messages")) == (1, {"failed": 4})
    assert len([one for one in ran.requests if one["path"] == "/sms/send"]) == 1
    assert out.send(*ROWS).rows("sms_messages") == {"sent": 4}
    check_once(out)


@pytest.mark.parametrize("options", [{}, {"retry_after": 20}])
def test_429_sent_nothing_and_is_waited_for(out, options):
    fault(out, "status 429", times=2, **options)
    assert out.send(*ROWS).rows("sms_messages") == {"sent": 4}
    check_once(out)
    fault(out, "status 429", times=-1, **options)
    ran = out.send({"to": "+61491570150", "body": "x", "id": 99})
    assert (ran.code, ran.rows("sms_messages")) == (1, {"failed": 1})


def test_no_connection_sent_nothing(out):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        out.send({"to": ROWS[0]["to"], "body": "first", "id": 1})
        api_url, out.api_url = out.api_url, f"http://127.0.0.1:{unused.getsockname()[1]}/v3"
        assert out.send(*ROWS).code == 1
    out.api_url = api_url
    assert out.send(*[row | {"id": 10 + n} for n, row in enumerate(ROWS)]).rows("sms_messages") == {"sent": 4}
    check_once(out)


def test_a_batch_is_halved_until_the_bad_message_is_alone(out):
    out.control("POST", "statuses", {"to": ROWS[2]["to"], "status": "BAD_REQUEST", "times": -1})
    ran = out.send(*ROWS)
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 3, "rejected": 1})
    assert ROWS[2]["to"] not in {one["to"] for one in out.arrivals}
    check_once(out)


def test_a_row_that_the_answer_lacks_is_unknown_until_it_is_found(out):
    fault(out, "row_missing")
    ran = out.send(*ROWS)
    assert ran.rows("sms_messages") == {"sent": 4}
    assert outcomes(out) == {"sent": 4}
    assert len(out.arrivals) == 4


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_answers_in_another_order_are_matched(out, order):
    out.switch(answer_order=order)
    out.control("POST", "statuses", {"to": ROWS[1]["to"], "status": "COUNTRY_NOT_ENABLED", "times": -1})
    assert out.send(*ROWS).rows("sms_messages") == {"sent": 3, "rejected": 1}
    rejected = out.query("select source_key from outcomes where outcome = 'rejected'")
    assert rejected == [('{"id": 2}',)]


def test_after_two_unanswered_requests_nothing_more_is_sent(out):
    fault(out, "reset_before", times=-1)
    ran = out.send(*ROWS, batch_size_rows=1)
    assert ran.rows("sms_messages") == {"unknown": 2, "failed": 2}
    out.control("DELETE", "faults")
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 2, "sent": 2}
    check_once(out)


def test_credit_that_runs_out_stops_the_run_and_the_rest_goes_later(out):
    out.control("POST", "statuses", {"to": ROWS[1]["to"], "status": "INSUFFICIENT_CREDIT", "times": 1})
    ran = out.send(*ROWS, batch_size_rows=2)
    assert (ran.code, ran.rows("sms_messages")) == (1, {"sent": 1, "failed": 3})
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 1, "sent": 3}
    check_once(out)


@pytest.mark.parametrize("status", ["INTERNAL_ERROR", "SOMETHING_IS_WRONG"])
def test_a_status_that_says_nothing_is_unknown(out, status):
    out.control("POST", "statuses", {"to": ROWS[1]["to"], "status": status, "times": 1})
    assert out.send(*ROWS).rows("sms_messages") == {"sent": 3, "unknown": 1}
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 4}
    check_once(out)


@pytest.mark.parametrize("kind", [None, *PROCESSED, *PERHAPS, *(f"status {status}" for status in REFUSED)])
def test_the_counts_equal_the_rows_and_no_state_passes_a_row_that_must_come_again(out, kind):
    if kind:
        fault(out, kind)
    from tests.target.runner import state, stream_of

    lines = stream_of("sms_messages", ROWS)
    lines = [*lines[:3], state({"row": 2}), *lines[3:], state({"row": 4})]
    ran = out.run(lines, batch_size_rows=2)
    assert sum(out.counts(ran)["sms_messages"].values()) == 4
    failed = ran.rows("sms_messages").get("failed", 0)
    assert ran.states[-1:] == ([] if failed else [{"row": 4}])
    check_once(out)


def test_shared_custom_strings_go_unchanged_and_are_told_apart(out):
    rows = [row | {"custom_string": "promo"} for row in ROWS]
    fault(out, "reset_after")
    out.send(*rows)
    assert outcomes(out) == {"sent": 4}
    assert {one["custom_string"] for one in out.arrivals} == {"promo"}
    ids = out.query("select count(distinct message_id) from outcomes")
    assert ids == [(4,)]
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 4}
    assert len(out.arrivals) == 4


def test_changed_rows_under_known_keys_are_not_sent(out):
    out.send(*ROWS)
    changed = [row | {"body": "Another text"} for row in ROWS]
    assert out.send(*changed).rows("sms_messages") == {"duplicate": 4}
    assert len(out.arrivals) == 4
