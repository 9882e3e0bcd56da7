"""clicksend ledger: reconcile, release and retry, against a ledger and a sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.ledger.ledger import Ledger
from tests.cli.repair_cases import HUB, SINKS, command_of, outcomes
from tests.ledger.cases import ACCOUNT, claim, outcome
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import CHANNELS, OTHER, TO


@pytest.fixture
def command(out, tmp_path):
    return command_of(out, tmp_path)


def lose_answers(out, *channels):
    """Let a send of each channel arrive and not be answered, too late for the run's own look-up."""
    out.switch(history_lag=600)
    for channel in channels:
        out.fault(path=f"/{channel}/send", kind="reset_after", times=1)


# reconcile


def test_unknown_messages_are_found_in_the_history(out, command):
    lose_answers(out, *CHANNELS.values())
    for sink in SINKS:
        assert out.send({}, {"to": OTHER}, sink=sink).rows(sink) == {"unknown": 2}
    output = command("reconcile", code=3)
    assert "sms_messages: 0 found, 2 still unknown." in output
    assert "can be released" in output
    out.switch(history_lag=0)
    output = command("reconcile")
    for sink in SINKS:
        assert f"{sink}: 2 found, 0 still unknown." in output
    assert outcomes(out) == {"sent": 6}
    assert command("reconcile") == "Nothing is unknown.\n"
    assert out.send({}, {"to": OTHER}).rows("sms_messages") == {"duplicate": 2}
    assert len(out.arrivals) == 6


def test_what_never_arrived_stays_unknown(out, command):
    out.fault(path="/sms/send", kind="reset_before", times=1)
    out.send({})
    assert "0 found, 1 still unknown" in command("reconcile", code=3)
    assert outcomes(out) == {"unknown": 1}


def test_notifications_have_no_history(out, command):
    rows = [{"to": TO, "template_id": "plain"}]
    out.fault(path="/v1/run", kind="reset_after", times=1)
    out.send(*rows, sink="notifications", hub_url=out.url, api_url=out.hub_api_url, **HUB)
    output = command("reconcile", code=3, hub_url=out.url, api_url=out.hub_api_url, **HUB)
    assert "notifications: 0 found, 1 still unknown. The hub keeps no history of them." in output


def test_a_history_that_cannot_be_read_is_an_error(out, command):
    lose_answers(out, *CHANNELS.values())
    for sink in SINKS:
        out.send({}, sink=sink)
    out.switch(history_lag=0)
    out.fault(path="/mms/history", kind="status", status=500, times=-1)
    output = command("reconcile", code=1)
    assert "mms_messages: 0 found, 1 still unknown. The history could not be read: GET /mms/history" in output
    assert outcomes(out) == {"sent": 2, "unknown": 1}


def test_reconcile_makes_no_ledger_and_takes_no_other_accounts(out, command, tmp_path):
    assert "does not exist" in command("reconcile", code=1)
    assert not (tmp_path / "ledger.db").exists()
    Ledger.open(out.ledger_url, **ACCOUNT).close()
    assert "belongs to api_url" in command("reconcile", code=1)
    assert "did you mean ledger_url" in command("reconcile", code=2, leger_url="x")
    assert "must be at most 1000" in command("reconcile", code=2, batch_size_rows=1001)


def test_settings_may_come_from_the_environment(out, command, monkeypatch, tmp_path):
    lose_answers(out, "sms")
    out.send({})
    out.switch(history_lag=0)
    settings = {"API_URL": out.api_url, "LEDGER_URL": out.ledger_url, "STREAMS": "{}"}
    for name, value in (settings | {key.upper(): value for key, value in CREDENTIALS.items()}).items():
        monkeypatch.setenv(f"TARGET_CLICKSEND_{name}", value)
    result = CliRunner().invoke(main, ["ledger", "reconcile"])
    assert result.output == "sms_messages: 1 found, 0 still unknown.\n"
    assert "sms_messages" in CliRunner().invoke(main, ["ledger", "list"]).output


# release and retry


@pytest.fixture
def claimed(out):
    """Return a function that leaves unknown keys of some age."""

    def claimed(*keys, run_id="run 1", hours=25.0, lease_seconds=90):
        then = datetime.now(UTC) - timedelta(hours=hours)
        account = {"api_url": out.api_url, "user_id": "672721"}
        with Ledger.open(out.ledger_url, **account, now=lambda: then) as ledger:
            ledger.claims.claim(run_id, "sms_messages", map(claim, keys), lease_seconds=lease_seconds)

    return claimed


def test_released_keys_go_out_when_they_are_delivered_again(out, command):
    rows = [{"id": 1, "idempotency_key": "a"}, {"id": 2, "idempotency_key": "b", "to": OTHER}]
    out.fault(path="/sms/send", kind="reset_before", times=1)
    assert out.send(*rows).rows("sms_messages") == {"unknown": 2}
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 2}
    output = command("release", "a", "--force")
    assert "1 message released" in output
    assert "when upstream delivers it again" in output
    assert out.arrivals == []
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 1, "sent": 1}
    assert [one["to"] for one in out.arrivals] == [TO]


def test_young_claims_need_force(command, claimed):
    claimed("old", run_id="run 1")
    claimed("young", run_id="run 2", hours=23)
    assert "less than 24 hours ago" in command("release", "young", code=1)
    assert "reconcile" in command("release", "old", "young", code=1)
    assert "1 message released" in command("release", "--run", "run 1")
    assert "1 message released" in command("release", "--run", "run 2", "--force")


def test_what_may_be_under_way_is_never_released(command, claimed):
    claimed("a", hours=1, lease_seconds=7200)
    assert "under way just now" in command("release", "a", "--force", code=1)


def test_release_says_what_it_does_not_find(command, claimed):
    claimed("a")
    output = command("release", "a", "b", code=1)
    assert "1 message released" in output
    assert "1 of the 2 KEYs are not unknown" in output
    assert "No message of this run is unknown" in command("release", "--run", "run 1", code=1)
    for arguments in ([], ["a", "--run", "run 1"]):
        assert "Give KEYs or --run" in command("release", *arguments, code=2)
    assert "SENT AGAIN" in command("release", "--help")


def test_retry(out, command):
    with Ledger.open(out.ledger_url, **ACCOUNT) as ledger:
        ledger.outcomes.record("run 1", [outcome("a", "rejected"), outcome("b", "rejected", "contact_lists")])
        ledger.outcomes.record(
            "run 2", [outcome("c", "rejected"), outcome("d", "failed"), outcome("e", "sent")]
        )
    assert "0 rows reopened" in command("retry", "--outcome", "rejected", "--sink", "none")
    assert "1 row reopened" in command("retry", "--outcome", "rejected", "--sink", "contact_lists")
    assert "1 row reopened" in command("retry", "--outcome", "rejected", "--run", "run 1")
    assert "1 row reopened" in command("retry", "--outcome", "rejected")
    assert outcomes(out) == {"held": 3, "failed": 1, "sent": 1}
    assert "sent" in command("retry", "--outcome", "sent", code=2)
