"""What answers mean that are no plain answers, in all channels; and that no claim is sent after its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clicksend.errors import LedgerError
from clicksend.ledger.claims import Claims
from tests.conftest import FakeClock
from tests.target.messages.cases import CHANNELS, OTHER, TO, posts
from tests.target.runner import state, stream_of

ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(5, 9)]
SINK = "sms_messages"


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


def fault(out, path="/sms/send", **options):
    out.fault(method="POST", path=path, **options)


def error(code, status=400):
    return {"http_code": status, "response_code": code, "response_msg": "x", "data": None}


def outcomes(out):
    return dict(out.query("select outcome, count(*) from outcomes group by outcome"))


ENVELOPE = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "x"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        [],
        {},
        error("INTERNAL_SERVER_ERROR", 500),
        error("SOMETHING_NEW", 200),
        {**ENVELOPE, "data": None},
        {**ENVELOPE, "data": {"messages": None}},
        {**ENVELOPE, "data": {"messages": ["x", {}, {"status": "SUCCESS"}]}},
        {"status": "error"},
    ],
)
def test_a_success_whose_body_is_none_is_looked_up(out, body):
    fault(out, kind="body_after", body=body)
    ran = out.send(*ROWS)
    assert (ran.code, ran.rows(SINK), outcomes(out)) == (0, {"sent": 4}, {"sent": 4})
    assert out.send(*ROWS).rows(SINK) == {"duplicate": 4}
    assert len(out.arrivals) == 4


def test_after_two_answers_without_messages_nothing_more_is_sent(out):
    fault(out, kind="body_after", body={**ENVELOPE, "data": {"messages": []}}, times=-1)
    ran = out.send(*ROWS, batch_size_rows=1)
    assert (ran.code, ran.rows(SINK)) == (1, {"sent": 2, "failed": 2})
    assert outcomes(out) == {"sent": 2, "failed": 2}
    assert len(out.arrivals) == 2


def test_an_answer_in_between_counts_anew(out):
    for skip in (0, 1, 2):
        fault(out, kind="reset_after", skip=skip)
    ran = out.send(*ROWS, {"body": "fifth"}, {"body": "sixth"}, batch_size_rows=1)
    assert (ran.rows(SINK), ran.report["found_in_history"]) == ({"sent": 6}, {SINK: 3})
    assert len(out.arrivals) == 6


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "INVALID_RECIPIENT"), (400, ""), (400, "NO_CREDIT"), (408, "BAD_REQUEST"), (413, "BAD_REQUEST")],
)
def test_other_bad_requests_may_have_arrived(out, status, code):
    fault(out, kind="status_after", status=status, body=error(code, status))
    ran = out.send(*ROWS)
    assert (ran.rows(SINK), len(posts(ran)), outcomes(out)) == ({"sent": 4}, 1, {"sent": 4})
    assert len(out.arrivals) == 4


@pytest.mark.parametrize("kind", ["status", "body"])
@pytest.mark.parametrize("code", ["BAD_REQUEST", "TOO_MANY_RECIPIENTS"])
def test_a_batch_that_one_message_spoils_is_halved(out, kind, code):
    fault(out, kind=kind, status=400, body=error(code), times=3)
    ran = out.send(*ROWS)
    assert [len(body["messages"]) for body in posts(ran)] == [4, 2, 1, 1, 2]
    assert ran.rows(SINK) == {"rejected": 1, "sent": 3}
    assert len(out.arrivals) == 3
    assert out.send(*ROWS).rows(SINK) == {"duplicate": 3, "sent": 1}


def test_what_ends_the_halving_leaves_the_rest_for_later(out):
    fault(out, kind="status", status=400, body=error("BAD_REQUEST"), times=2)
    fault(out, kind="status", status=401)
    ran = out.send(*ROWS)
    assert (ran.code, ran.rows(SINK), out.arrivals) == (1, {"failed": 4}, [])
    assert out.send(*ROWS).rows(SINK) == {"sent": 4}


@pytest.mark.parametrize("sink", CHANNELS)
def test_every_channel_is_looked_up_in_its_history(out, sink):
    channel = CHANNELS[sink]
    own = {"custom_string": "c"}
    rows = [{"to": to, "body": f"Hi {to[-1]}", **more} for to in (TO, OTHER) for more in ({}, own)]
    fault(out, f"/{channel}/send", kind="reset_after")
    ran = out.send(*rows, sink=sink)
    assert (ran.code, ran.rows(sink), outcomes(out)) == (0, {"sent": 4}, {"sent": 4})
    fault(out, f"/{channel}/send", kind="reset_before", times=-1)
    assert out.send({"id": 7}, sink=sink).code == 3
    out.control("DELETE", "faults")
    again = out.send(*rows, {"id": 7}, {"id": 8}, sink=sink)
    assert (again.code, again.rows(sink)) == (3, {"duplicate": 5, "sent": 1})
    assert len(out.arrivals) == 5


def test_pictures_go_by_media_and_an_answer_that_is_lost_is_lost_for_its_media_only(out):
    rows = [{"to": to, "media_file": f"https://example.com/{n}.jpg"} for n in (1, 2) for to in (TO, OTHER)]
    fault(out, "/mms/send", kind="status", status=500)
    ran = out.send(*rows, sink="mms_messages")
    assert (ran.code, ran.rows("mms_messages")) == (3, {"unknown": 2, "sent": 2})
    assert len(out.arrivals) == 2


class Turning(FakeClock):
    """Time that passes for both clocks."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def sleep(self, seconds):
        super().sleep(seconds)
        self.out.now += timedelta(seconds=seconds)


def test_what_waited_until_its_claim_is_old_is_not_sent_any_more(out):
    """A person may have released it by then, and another run may be sending it."""
    out.control("POST", "limits", {"POST /sms/send": [1, 150]})
    ran = out.send(*ROWS, batch_size_rows=2, clock=Turning(out))
    assert len(posts(ran)) == 1
    assert (ran.code, ran.rows(SINK)) == (1, {"failed": 2, "sent": 2})
    assert "came too late" in ran.reasons(SINK)[0]
    out.control("POST", "limits", {"POST /sms/send": [1000, 60]})
    assert out.send(*ROWS).rows(SINK) == {"duplicate": 2, "sent": 2}
    assert len(out.arrivals) == 4


@pytest.mark.parametrize("timeout", [30, 200])
def test_a_request_never_outlives_its_lease(out, monkeypatch, timeout):
    """However long the halving takes: when a request begins, its lease holds for all its time-outs."""
    from clicksend.client import Client

    left, original = [], Client.send

    def send(self, path, body, *, may_start):
        def checked():
            (until,) = out.query("select max(lease_until) from outcomes")[0]
            allowed = may_start()
            if allowed:
                left.append(until > (out.now + timedelta(seconds=2 * timeout + 30)).isoformat())
            return allowed

        out.now += timedelta(seconds=25)
        return original(self, path, body, may_start=checked)

    monkeypatch.setattr(Client, "send", send)
    fault(out, kind="status", status=400, body=error("BAD_REQUEST"), times=-1)
    ran = out.send(*ROWS, timeout=timeout)
    assert left == [True] * 4
    assert ran.rows(SINK) == {"rejected": 2, "failed": 2}


@pytest.mark.parametrize("broken", ["claim_within", "settle"])
def test_a_ledger_that_breaks(out, monkeypatch, broken):
    def breaks(*_, **__):
        raise LedgerError("The ledger is gone.")

    lines = [*stream_of(SINK, ROWS), state({"row": 4})]
    with monkeypatch.context() as patched:
        patched.setattr(Claims, broken, breaks)
        ran = out.run(lines)
    assert (ran.code, str(ran.error), ran.states) == (1, "The ledger is gone.", [])
    assert len(out.arrivals) == (4 if broken == "settle" else 0)
    out.advance(600)
    again = out.run(lines)
    assert (again.code, again.states, outcomes(out)) == (0, [{"row": 4}], {"sent": 4})
    assert again.rows(SINK) == {"duplicate" if broken == "settle" else "sent": 4}
    assert len(out.arrivals) == 4


@pytest.mark.parametrize("number", [10**12, "1e400", -1, "NaN", True, [], {}, "1" * 5000])
def test_absurd_numbers_in_an_answer_cost_no_outcome(out, number):
    row = {"to": TO, "body": "Hello", "message_id": "M", "message_parts": number, "message_price": number}
    row |= {"custom_string": "mine", "status": "SUCCESS"}
    fault(out, kind="body_after", body={**ENVELOPE, "data": {"messages": [row]}})
    account = {**ENVELOPE, "data": {"user_id": 1, "_currency": {"currency_name_short": number}}}
    out.fault(method="GET", path="/account", kind="body", body=account)
    assert out.send({"custom_string": "mine"}).rows(SINK) == {"sent": 1}
    assert out.query("select outcome, message_id from outcomes") == [("sent", "M")]
