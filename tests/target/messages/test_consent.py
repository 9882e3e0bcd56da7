"""Who opts out does not get what was scheduled before."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import schema

DAY = 86_400
STRANGER = "+61491570158"
OPT_OUT_LIST = 3555277


@pytest.fixture
def later(out):
    """Return what was sent with a schedule to two people, by a run of ours, and one who said STOP since."""
    sent = [("sms_messages", TO), ("voice_messages", TO), ("sms_messages", OTHER)]
    for number, (sink, to) in enumerate(sent):
        row = {"id": number, "to": to, "schedule": out.at + 100 * DAY, "body": f"Hi {number}"}
        assert out.send(row, sink=sink, opt_out="enforce").rows(sink) == {"sent": 1}
    out.reply(TO, "STOP")
    out.advance(3600)
    return out


def statuses(out):
    return {one["body"]: one["status"] for one in out.arrivals}


SENDING = pytest.mark.parametrize("sink", ["sms_messages", "mms_messages", "voice_messages"])


@SENDING
def test_any_run_of_any_sink_that_sends_cancels_it(later, sink):
    ran = later.send({"id": 9, "to": STRANGER, "body": "new"}, sink=sink, opt_out="enforce")
    found = statuses(later)
    assert [found[f"Hi {number}"] for number in range(3)] == ["Cancelled", "Cancelled", "Scheduled"]
    assert ran.report["rows"]["scheduled"] == {"cancelled": 2}
    assert (ran.rows(sink), ran.code) == ({"sent": 1}, 0)
    said = "select outcome, reason from outcomes where outcome = 'cancelled'"
    assert later.query(said) == [("cancelled", "the recipient opted out")] * 2
    again = later.send({"id": 10, "to": STRANGER, "body": "newer"}, sink=sink, opt_out="enforce")
    assert "scheduled" not in again.report["rows"]
    later.advance(101 * DAY)
    assert statuses(later)["Hi 2"] in {"Sent", "Completed"}


def test_so_does_one_without_rows(later):
    ran = later.run([schema("sms_messages", ["id"])], opt_out="enforce")
    assert (statuses(later)["Hi 0"], ran.code) == ("Cancelled", 0)


def test_its_rows_are_not_sent_again(later):
    later.send({"id": 9, "to": STRANGER, "body": "new"}, opt_out="enforce")
    ran = later.send({"id": 0, "to": TO, "schedule": later.at + 100 * DAY, "body": "Hi 0"}, opt_out="enforce")
    assert ran.rows("sms_messages") == {"duplicate": 1}


def test_a_dry_run_cancels_nothing(later):
    ran = later.send({"id": 9, "to": STRANGER}, opt_out="enforce", dry_run=True)
    assert not any("cancel" in path for _, path in ran.writes)
    assert set(statuses(later).values()) == {"Scheduled"}


@pytest.mark.parametrize("opt_out", ["ignore", "column"])
def test_only_where_opt_outs_are_enforced(later, opt_out):
    later.send({"id": 9, "to": STRANGER, "opted_out": False}, opt_out=opt_out)
    assert statuses(later)["Hi 0"] == "Scheduled"


@pytest.mark.parametrize("opt_out", ["enforce", "column"])
def test_a_row_that_says_so_is_a_word_too(later, opt_out):
    later.send({"id": 9, "to": OTHER, "opted_out": True}, opt_out=opt_out)
    assert statuses(later)["Hi 2"] == "Cancelled"


def test_whoever_is_put_on_the_list_counts(out, call):
    out.send({"id": 1, "schedule": out.at + DAY}, opt_out="enforce")
    call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": TO})
    out.send({"id": 9, "to": STRANGER}, opt_out="enforce")
    assert [one["status"] for one in out.arrivals if one["to"] == TO] == ["Cancelled"]


def test_what_cannot_be_cancelled_fails_the_run(later):
    later.fault(kind="status", status=500, path="/sms/*/cancel", method="PUT", times=-1)
    ran = later.send({"id": 9, "to": STRANGER}, opt_out="enforce")
    assert (ran.code, "could not be cancelled" in ran.notes) == (1, True)
    assert statuses(later)["Hi 0"] == "Scheduled"


def test_quiet_hours_that_schedule_are_no_way_around_it(out):
    quiet = {"start": "00:00", "end": "23:59", "policy": "schedule"}
    ran = out.send({"id": 1, "time_zone": "UTC"}, quiet_hours=quiet, opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": 1}
    assert [one["status"] for one in out.arrivals] == ["Scheduled"]
    out.reply(TO, "stop")
    out.send({"id": 2, "to": OTHER, "time_zone": "UTC"}, quiet_hours=quiet, opt_out="enforce")
    assert [one["status"] for one in out.arrivals if one["to"] == TO] == ["Cancelled"]


def test_reconcile_does_it(later, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        f'{{"api_url": "{later.api_url}", "username": "sandbox", "api_key": "sandbox-key",'
        f' "ledger_url": "{later.ledger_url}"}}'
    )
    done = CliRunner().invoke(main, ["ledger", "reconcile", "--config", str(config)])
    assert (done.exit_code, "2 scheduled messages cancelled" in done.output) == (0, True), done.output
    assert statuses(later)["Hi 0"] == "Cancelled"
