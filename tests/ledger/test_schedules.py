"""Schedules: what ClickSend holds until its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.ledger.cases import claim, outcome, stored

pytestmark = pytest.mark.both_databases

SINK = "sms_messages"
LEASE = {"lease_seconds": 90}


def waiting(ledger, key, at, sink=SINK, message_id="M1", **about):
    """Send a message with a schedule."""
    about = {"custom_string": "both"} | about
    ledger.claims.claim("run 1", sink, [claim(key, scheduled_for=at, **about)], **LEASE)
    ledger.claims.settle("run 1", [outcome(key, "sent", sink, message_id=message_id)])


def test_what_waits_is_asked_for_by_its_sink_its_run_and_its_name(ledger, ledger_time):
    at = ledger_time() + timedelta(hours=1)
    waiting(ledger, "a", at)
    waiting(ledger, "b", at, "voice_messages", "M2")
    waiting(ledger, "c", at, message_id="M3", custom_string="another")
    assert sorted(ledger.schedules.message_ids(SINK, None)) == ["M1", "M3"]
    assert ledger.schedules.message_ids(SINK, " both ") == ["M1"]
    assert ledger.schedules.message_ids("voice_messages", "both") == ["M2"]
    assert ledger.schedules.message_ids(SINK, None, "run 2") == []
    assert sorted(ledger.schedules.message_ids(SINK, None, "run 1")) == ["M1", "M3"]


def test_what_is_due_comes_first(ledger, ledger_time):
    for key, hours in (("c", 3), ("a", 1), ("d", 4), ("b", 2)):
        at = ledger_time() + timedelta(hours=hours)
        waiting(ledger, key, at, message_id=f"M-{key}", recipient_hash="to")
    assert [one.key for one in ledger.schedules.to_recipients(["to"], opted_out=False)] == list("abcd")
    assert ledger.schedules.message_ids(SINK, None) == ["M-a", "M-b", "M-c", "M-d"]


def test_what_is_cancelled_is_of_one_sink(ledger, ledger_time):
    at = ledger_time() + timedelta(hours=1)
    waiting(ledger, "a", at, message_id="M-A")
    waiting(ledger, "b", at, "voice_messages", "M-A")
    ledger.schedules.cancel_messages("run 2", SINK, ["m-a"], "why")
    assert stored(ledger, "a")[SINK]["outcome"] == "cancelled"
    assert stored(ledger, "b")["voice_messages"]["outcome"] == "sent"
    assert ledger.schedules.message_ids(SINK, None) == []
    assert ledger.schedules.message_ids("voice_messages", None) == ["M-A"]


def test_what_has_gone_out_waits_no_more(ledger, ledger_time):
    """A few minutes after its schedule, that is: clocks differ."""
    waiting(ledger, "a", ledger_time() + timedelta(hours=1), message_id="M-A")
    for seconds in (0, 3600, 299):
        ledger_time.advance(seconds=seconds)
        assert ledger.schedules.has_any()
        assert [one.key for one in ledger.schedules.to_recipients(["to-a"], opted_out=False)] == ["a"]
        assert ledger.schedules.message_ids(SINK, None) == ["M-A"]
    ledger_time.advance(seconds=1)
    assert not ledger.schedules.has_any()
    assert ledger.schedules.to_recipients(["to-a"], opted_out=False) == []
    assert ledger.schedules.message_ids(SINK, None) == []


def test_what_waits_for_somebody_is_found_by_number_or_by_all_who_opted_out(ledger, ledger_time):
    at = ledger_time() + timedelta(hours=1)
    for key in ("a", "b", "c"):
        waiting(ledger, key, at, message_id=f"M-{key}")
    ledger.memory.add_opt_outs(["to-b"], source="list", kind="phone")

    def found(*hashes, opted_out):
        return sorted(one.key for one in ledger.schedules.to_recipients(hashes, opted_out=opted_out))

    assert found(opted_out=False) == []
    assert found("to-c", opted_out=False) == ["c"]
    assert found(opted_out=True) == ["b"]
    assert found("to-c", opted_out=True) == ["b", "c"]
