"""Cancellations: one message, or all with a custom_string, once each."""

import pytest

from clicksend.ledger.records import Claim
from tests.target.messages.cases import OTHER, ROWS, TO
from tests.target.runner import record, schema, stream_of

TOO_LATE = "too late: it was sent, or cancelled elsewhere, or never there"


@pytest.fixture
def cancel(out):
    """Return a function that cancels."""
    return lambda *rows, **config: out.run(stream_of("cancellations", rows), **config)


@pytest.fixture
def scheduled(out):
    """Return a function that schedules messages of a channel, and returns their ids."""

    def scheduled(*custom_strings, sink="sms_messages"):
        before = len(out.arrivals)
        rows = [
            {**ROWS[sink], "custom_string": one, "schedule": out.at + 86_400, "body": f"{before}-{number}"}
            for number, one in enumerate(custom_strings)
        ]
        keys = {"key_namespace": f"{before}"}
        assert out.run(stream_of(sink, rows), **keys).rows(sink) == {"sent": len(rows)}
        return [one["message_id"] for one in out.arrivals[before:]]

    return scheduled


def writes(ran):
    return [(one["path"], one["body"]) for one in ran.requests if one["method"] != "GET"]


def left(out):
    """Return the ids of what is still scheduled."""
    return [one["message_id"] for one in out.arrivals if one["status"] == "Scheduled"]


@pytest.mark.parametrize(("sink", "channel"), [("sms_messages", "SMS"), ("voice_messages", "voice")])
def test_one_message(out, cancel, scheduled, sink, channel):
    first, second = scheduled("a", "a", sink=sink)
    row = {"message_id": first, "channel": channel}
    ran = cancel(row)
    assert (ran.rows("cancellations"), ran.code) == ({"cancelled": 1}, 0)
    assert writes(ran) == [(f"/{channel.lower()}/{first}/cancel", None)]
    assert left(out) == [second]
    again = cancel(row)
    assert (again.rows("cancellations"), writes(again)) == ({"unchanged": 1}, [])
    assert out.counts(again) == {"cancellations": {"unchanged": 1}}


def test_without_a_channel_it_is_a_text(cancel, scheduled):
    (message_id,) = scheduled("a")
    assert cancel({"message_id": message_id.lower(), "channel": None}).rows("cancellations") == {
        "cancelled": 1
    }


@pytest.mark.parametrize(("sink", "channel"), [("sms_messages", "sms"), ("voice_messages", "voice")])
def test_all_of_a_custom_string(out, cancel, scheduled, sink, channel):
    meant = scheduled("spring", "spring", sink=sink)
    others = scheduled("summer", "spring1", "SPRING", "sprin", sink=sink)
    ran = cancel({"custom_string": "spring", "channel": channel})
    assert sorted(writes(ran)) == sorted((f"/{channel}/{one}/cancel", None) for one in meant)
    assert (ran.rows("cancellations"), left(out)) == ({"cancelled": 1}, others)
    with out.ledger() as ledger:
        (row,) = ledger.outcomes.newest(sink="cancellations")
        assert (row["reason"], row["custom_string"]) == ("2 messages", ledger.privacy.fingerprint("spring"))


def test_what_was_scheduled_since_stays(out, cancel, scheduled):
    scheduled("spring")
    row = {"custom_string": "spring"}
    cancel(row)
    since = scheduled("spring")
    assert (cancel(row).rows("cancellations"), left(out)) == ({"unchanged": 1}, since)
    assert cancel(row, row | {"id": 2}).rows("cancellations") == {"unchanged": 1, "cancelled": 1}
    assert left(out) == []


def test_a_row_that_comes_twice_in_one_run_is_done_once(cancel, scheduled):
    scheduled("spring")
    ran = cancel({"id": 1, "custom_string": "spring"}, {"id": 1, "custom_string": "spring"})
    assert (ran.rows("cancellations"), len(writes(ran))) == ({"cancelled": 1, "unchanged": 1}, 1)


def test_a_row_that_was_changed_wants_something_else(out, cancel, scheduled):
    scheduled("spring", "summer")
    first, second = scheduled("autumn", "winter")
    strings = {"custom_string": "spring"}, {"custom_string": "summer"}
    for row in (*strings, {"message_id": first}, {"message_id": second}):
        assert cancel(row).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_everything_and_only_when_it_is_said(out, cancel, scheduled, channel):
    kept = scheduled("a", sink={"sms": "voice_messages", "voice": "sms_messages"}[channel])
    scheduled("b", "c", "* ", sink=f"{channel}_messages")
    for near in (" *", "* ", "*\n"):
        ran = cancel({"custom_string": near, "channel": channel})
        assert (ran.rows("cancellations"), writes(ran)) == ({"rejected": 1}, [])
    for near in ("**", "%", "*.*", "ALL", "[]"):
        ran = cancel({"custom_string": near, "channel": channel})
        assert (ran.rows("cancellations"), writes(ran)) == ({"rejected": 1}, [])
    assert len(left(out)) == 4
    ran = cancel({"custom_string": "*", "channel": channel})
    assert writes(ran) == [(f"/{channel}/cancel-all", None)]
    assert left(out) == kept


def test_a_custom_string_as_messages_carry_it(out, cancel, scheduled):
    """Blanks around it are the padding of a ``char`` column, on either side."""
    scheduled(" order 7 ", "order 8")
    assert cancel({"custom_string": "order 7"}).rows("cancellations") == {"cancelled": 1}
    assert cancel({"custom_string": "order 8   "}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "give either message_id or custom_string"),
        ({"custom_string": ""}, "give either message_id or custom_string"),
        ({"custom_string": "  "}, "give either message_id or custom_string"),
        ({"custom_string": None, "message_id": None}, "give either message_id or custom_string"),
        ({"custom_string": "a", "message_id": "0" * 36}, "give either message_id or custom_string"),
        ({"custom_string": ["*"]}, "custom_string holds a list"),
        ({"message_id": "*"}, "message_id is not a valid message id"),
        ({"message_id": "../cancel-all"}, "message_id is not a valid message id"),
        ({"custom_string": "a", "channel": "mms"}, "channel must be one of sms, voice"),
        ({"custom_string": "a", "channel": "*"}, "channel must be one of sms, voice"),
    ],
)
def test_rejected(cancel, row, reason):
    ran = cancel(row)
    assert (ran.rows("cancellations"), writes(ran), ran.code) == ({"rejected": 1}, [], 0)
    assert ran.reasons("cancellations")[0].startswith(reason)


def test_too_late(out, cancel, scheduled):
    (message_id,) = scheduled("a")
    out.advance(2 * 86_400)
    ran = cancel({"message_id": message_id}, {"message_id": "00000000-0000-0000-0000-000000000000"})
    assert (ran.rows("cancellations"), ran.code) == ({"rejected": 2}, 0)
    assert ran.reasons("cancellations")[0].startswith(TOO_LATE)


@pytest.mark.parametrize("sink", ["sms_messages", "voice_messages"])
def test_a_lost_answer_is_looked_up(out, cancel, scheduled, sink):
    (message_id,) = scheduled("a", sink=sink)
    row = {"message_id": message_id, "channel": sink[:5].strip("_m")}
    out.fault(kind="reset_after", path="/*/cancel", method="PUT")
    ran = cancel(row)
    assert (ran.rows("cancellations"), ran.code, left(out)) == ({"failed": 1}, 1, [])
    assert cancel(row).rows("cancellations") == {"cancelled": 1}


def test_a_lost_answer_to_one_for_all(out, cancel, scheduled):
    scheduled("a")
    out.fault(kind="reset_after", path="/sms/cancel-all", method="PUT")
    assert (cancel({"custom_string": "a"}).rows("cancellations"), left(out)) == ({"cancelled": 1}, [])


def test_a_dry_run_cancels_nothing(out, cancel, scheduled):
    (message_id,) = scheduled("a")
    rows = [{"message_id": message_id}, {"custom_string": "a"}, {"custom_string": "*"}, {"message_id": "x"}]
    ran = cancel(*rows, dry_run=True)
    assert (ran.rows("cancellations"), writes(ran), ran.plan("cancellations")) == (
        {"dry_run": 3, "rejected": 1},
        [],
        {"cancel": 3},
    )
    assert cancel(*rows[:1]).rows("cancellations") == {"cancelled": 1}


def test_a_dead_server_is_not_hammered(out, cancel):
    out.fault(kind="status", status=500, path="/sms/*/cancel", times=-1)
    ids = [f"00000000-0000-0000-0000-0000000000{number:02}" for number in range(60)]
    ran = cancel(*[{"message_id": one} for one in ids], max_retries=0)
    assert (ran.code, ran.rows("cancellations")) == (1, {"failed": 25})
    assert "25 writes failed in a row" in str(ran.error)


def test_before_they_are_sent_in_the_same_run(out, scheduled):
    """A cancellation is carried out when it comes."""
    scheduled("a")
    lines = [schema("cancellations", ["id", "custom_string"])]
    lines += [record("cancellations", {"id": 1, "custom_string": "a"})]
    lines += stream_of(
        "sms_messages", [{"to": OTHER, "body": "x", "custom_string": "a", "schedule": out.at + 900}]
    )
    ran = out.run(lines)
    assert ran.report["rows"] == {"cancellations": {"cancelled": 1}, "sms_messages": {"sent": 1}}
    assert (len(left(out)), TO in str(ran.report)) == (1, False)


@pytest.mark.parametrize("string", ["nosuch", "C2", "c2x"])
def test_what_cancels_nothing_is_not_cancelled(out, cancel, scheduled, string):
    scheduled("c2", sink="voice_messages")
    ran = cancel({"custom_string": string})
    assert (ran.rows("cancellations"), ran.code, len(left(out))) == ({"rejected": 1}, 0, 1)
    said = ran.reasons("cancellations")[0]
    assert said.startswith("no scheduled message has this custom_string (sms and voice)")
    assert ("other letters" in said) == (string == "C2")
    assert cancel({"custom_string": "c2"}).rows("cancellations") == {"cancelled": 1}
    # What was rejected is judged anew.
    again = scheduled(string)
    assert cancel({"custom_string": string}).rows("cancellations") == {"cancelled": 1}
    assert not set(again) & set(left(out))


def test_without_a_channel_all_are_looked_at(out, cancel, scheduled):
    scheduled("c", "c")
    scheduled("c", sink="voice_messages")
    assert cancel({"custom_string": "c"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []
    (call,) = scheduled("d", sink="voice_messages")
    assert cancel({"id": 2, "message_id": call}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


def test_an_account_that_may_not_call_cancels_its_texts(out, cancel, scheduled):
    scheduled("c")
    out.fault(kind="status", status=403, path="/voice/*", times=-1)
    assert cancel({"custom_string": "c"}).rows("cancellations") == {"cancelled": 1}
    scheduled("c")
    assert cancel({"id": 2, "custom_string": "*"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


@pytest.mark.parametrize("string", ["c", "*"])
def test_a_row_for_calls_of_an_account_that_may_not_call_has_cancelled_nothing(out, cancel, string):
    out.fault(kind="status", status=403, path="/voice/*", times=-1)
    assert cancel({"custom_string": string, "channel": "voice"}).rows("cancellations") == {"failed": 1}


@pytest.mark.parametrize(("count", "outcome"), [(1, "sent"), (2, "cancelled")])
def test_where_fewer_were_cancelled_than_are_ours_none_is_noted_as_cancelled(
    out, cancel, scheduled, count, outcome
):
    """Nobody knows which of them still ring."""
    scheduled("a", "b")
    body = {"http_code": 200, "response_code": "SUCCESS", "data": {"count": count}}
    out.fault(method="PUT", path="/sms/cancel-all", kind="body", body=body)
    assert cancel({"custom_string": "*", "channel": "sms"}).rows("cancellations") == {"cancelled": 1}
    said = "select distinct outcome from outcomes where sink = 'sms_messages'"
    assert out.query(said) == [(outcome,)]


def test_what_has_just_gone_out_is_not_among_what_must_have_been_cancelled(out, cancel, scheduled):
    scheduled("gone")
    out.advance(86_400 + 60)
    scheduled("waits")
    assert cancel({"custom_string": "*", "channel": "sms"}).rows("cancellations") == {"cancelled": 1}
    said = "select outcome from outcomes where sink = 'sms_messages' order by scheduled_for"
    assert out.query(said) == [("sent",), ("cancelled",)]


def test_two_rows_for_one_string_count_each_message_once(out, cancel, scheduled):
    scheduled("c", "c")
    ran = cancel({"id": 1, "custom_string": "c"}, {"id": 2, "custom_string": "c"})
    assert ran.rows("cancellations") == {"cancelled": 1, "rejected": 1}


def test_the_ledger_knows_what_everything_was(out, cancel, scheduled):
    scheduled("a", "b")
    scheduled("c", sink="voice_messages")
    assert cancel({"custom_string": "*"}).rows("cancellations") == {"cancelled": 1}
    said = "select distinct outcome, reason from outcomes where sink != 'cancellations'"
    assert out.query(said) == [("cancelled", "cancelled by a row of cancellations")]


LOST = [
    {"kind": "status_after", "status": 502},
    {"kind": "reset_after"},
    {"kind": "half_body"},
    {"kind": "html_after"},
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["kind"])
def test_everything_is_not_cancelled_again_after_a_lost_answer(out, cancel, scheduled, fault):
    """Whether it was done or not: asking again would take what was scheduled since."""
    scheduled("a", "b")
    out.fault(**fault, method="PUT", path="/sms/cancel-all")
    ran = cancel({"custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), ran.code) == ({"cancelled": 1}, 0)
    assert "did not say how many" in str(
        out.query("select reason from outcomes where sink = 'cancellations'")
    )
    later = scheduled("c")
    assert cancel({"custom_string": "*", "channel": "sms"}).rows("cancellations") == {"unchanged": 1}
    assert left(out) == later


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "reset_before"}])
def test_everything_is_unknown_where_nobody_knows(out, cancel, scheduled, fault):
    still = scheduled("a", "b")
    out.fault(**fault, method="PUT", path="/sms/cancel-all")
    ran = cancel({"custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), ran.code) == ({"unknown": 1}, 3)
    assert (ran.report["unknown_open"], ran.report["next"]) == (1, "clicksend ledger list --outcome unknown")
    again = cancel({"custom_string": "*", "channel": "sms"})
    assert (again.rows("cancellations"), writes(again)) == ({"unchanged": 1}, [])
    assert left(out) == still
    (key,) = out.query("select key from outcomes where outcome = 'unknown'")[0]
    assert out.released(key) == [key]
    assert cancel({"custom_string": "*", "channel": "sms"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


def test_everything_is_unknown_where_the_history_does_not_show_ours_yet(out, cancel, scheduled):
    cancel({"id": 1, "custom_string": "*"})  # what the world began with shows
    out.switch(history_lag=600)
    still = scheduled("a", "b")
    out.fault(kind="status", status=500, method="PUT", path="/sms/cancel-all")
    ran = cancel({"id": 2, "custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), ran.code) == ({"unknown": 1}, 3)
    assert left(out) == still
    assert out.query("select distinct outcome from outcomes where sink = 'sms_messages'") == [("sent",)]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429])
def test_everything_comes_again_where_certainly_nothing_was_done(out, cancel, scheduled, status):
    scheduled("a")
    out.fault(kind="status", status=status, method="PUT", path="/sms/cancel-all", times=9)
    ran = cancel({"custom_string": "*", "channel": "sms"}, max_retries=0)
    assert (ran.rows("cancellations"), ran.code) == ({"failed": 1}, 1)
    out.control("DELETE", "faults")
    assert cancel({"custom_string": "*", "channel": "sms"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == []


def test_everything_of_one_channel_is_said_where_another_fails(out, cancel, scheduled):
    scheduled("a")
    call = scheduled("b", sink="voice_messages")
    out.fault(kind="status", status=404, method="PUT", path="/voice/cancel-all")
    ran = cancel({"custom_string": "*"})
    assert (ran.rows("cancellations"), ran.code, left(out)) == ({"cancelled": 1}, 1, call)
    assert "not everything was cancelled" in str(ran.report["notes"])
    text = scheduled("c")
    assert cancel({"custom_string": "*"}).rows("cancellations") == {"unchanged": 1}
    assert left(out) == call + text


def test_a_run_that_died_while_it_asked_for_everything_is_not_repeated(out, cancel, scheduled):
    (message,) = scheduled("a")
    cancel({"custom_string": "*", "channel": "sms"}, dry_run=True)
    (key,) = out.query("select key from outcomes where sink = 'cancellations'")[0]
    with out.ledger() as ledger:
        claim = Claim(key=key, stream="cancellations", custom_string="*", recipient_hash="", body_hash="")
        ledger.claims.claim("dead", "cancellations", [claim], lease_seconds=60)
    # It may be at work: if it fails, the row must come again.
    ran = cancel({"custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), ran.code, left(out)) == ({"held": 1}, 0, [message])
    out.advance(3600)
    ran = cancel({"custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), left(out)) == ({"unchanged": 1}, [message])


def test_done_without_a_body_is_done(out, cancel, scheduled):
    out.switch(empty_writes=True)
    one, two = scheduled("a", "b")
    scheduled("c", "c")
    assert cancel({"message_id": one}).rows("cancellations") == {"cancelled": 1}
    assert cancel({"id": 2, "custom_string": "c"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == [two]
    ran = cancel({"id": 3, "custom_string": "*", "channel": "sms"})
    assert (ran.rows("cancellations"), ran.code, left(out)) == ({"cancelled": 1}, 0, [])
    assert len(writes(ran)) == 1


@pytest.mark.parametrize("how", ["resembling", "exact", "ignored"])
def test_no_filter_of_clicksends_is_relied_upon(out, cancel, scheduled, how):
    """One row's string is in another's, in other letters, or anything."""
    out.switch(cancel_filter=how)
    kept = scheduled("otp:42", "OTP:4", "x otp:4")
    scheduled("otp:4", "otp:4")
    calls = scheduled("call:40", sink="voice_messages")
    assert cancel({"custom_string": "otp:4"}).rows("cancellations") == {"cancelled": 1}
    assert left(out) == kept + calls
