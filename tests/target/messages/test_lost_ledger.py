"""A ledger that knows less than the history shows, without a server: nothing is sent from it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from clicksend.client import Answer
from clicksend.errors import ForbiddenError
from clicksend.ledger.records import outcome_id, token
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.lost_ledger import LostLedger, LostLedgerError

BEGAN = datetime(2026, 11, 1, 11, 59, tzinfo=UTC)
SINK = "sms_messages"


class Api:
    """A client whose server shows some messages."""

    started_at = BEGAN

    def __init__(self, *rows, error=None):
        self.rows, self.error, self.asked = list(rows), error, []

    def get(self, path, params):
        self.asked.append({"path": path, **params})
        if self.error:
            raise self.error
        return Answer({"data": self.rows, "total": len(self.rows), "last_page": 1}, BEGAN)


@pytest.fixture
def run(ledger, ledger_time):
    config = {"send_without_old_ledger": False}
    run = SimpleNamespace(ledger=ledger, now=ledger_time, dry_run=False, client=Api(), config=config)
    run.warnings, run.report = [], SimpleNamespace(next=None)
    run.warn = run.warnings.append
    return run


def shown(ledger, key, **about):
    """Return how a history shows a message of a key."""
    name = token(outcome_id(SINK, key), ledger.privacy.key_id)
    return {"custom_string": name, "direction": "out", "date": int(BEGAN.timestamp()) - 60, **about}


def look(run, channel="sms", sink=SINK):
    LostLedger(run, sink, ENDPOINTS[channel]).check(brings_own=False)


def test_a_message_that_the_ledger_does_not_know_stops_everything(run):
    run.client.rows = [shown(run.ledger, "key")]
    with pytest.raises(LostLedgerError, match="has 1 message"):
        look(run)
    assert run.ledger.reconciliation.known_until(SINK) is None


def test_a_reply_that_shows_the_messages_token_is_not_a_message(run):
    run.client.rows = [shown(run.ledger, "key", direction="in")]
    look(run)


def test_the_history_is_known_as_of_before_it_was_read(run):
    """By the server's clock: what another worker sends while it is read is looked for the next time."""
    look(run)
    assert run.ledger.reconciliation.known_until(SINK) == BEGAN
    look(run)
    assert [one.get("date_from") for one in run.client.asked] == [None, int(BEGAN.timestamp()) - 1]


def test_a_dry_run_leaves_the_ledger_as_it_is(run):
    run.dry_run = True
    run.config["send_without_old_ledger"] = True
    look(run)
    run.config["send_without_old_ledger"] = False
    look(run)
    assert run.ledger.reconciliation.known_until(SINK) is None
    run.client.rows = [shown(run.ledger, "key")]
    look(run)
    assert "has 1 message" in run.warnings[0]
    run.dry_run = False
    with pytest.raises(LostLedgerError):
        look(run)


def test_the_setting_is_remembered_for_later_runs(run):
    run.client.rows = [shown(run.ledger, "key")]
    run.config["send_without_old_ledger"] = True
    look(run)
    run.config["send_without_old_ledger"] = False
    look(run)


@pytest.mark.parametrize("channel", ["sms", "mms", "voice"])
def test_who_may_not_call_has_called_nobody_and_of_others_nobody_knows(run, channel):
    run.client.error = ForbiddenError("GET", 403, "FORBIDDEN")
    if channel == "voice":
        look(run, channel)
        return
    with pytest.raises(LostLedgerError, match="nobody knows"):
        look(run, channel)


@pytest.mark.parametrize("is_same", [True, False])
def test_a_token_of_another_key_is_said(run, is_same):
    key_id = run.ledger.privacy.key_id if is_same else "0" * 8
    run.client.rows = [shown(run.ledger, "key", custom_string=token(outcome_id(SINK, "key"), key_id))]
    with pytest.raises(LostLedgerError) as stopped:
        look(run)
    assert ("another key of the ledger's hashes" in str(stopped.value)) is not is_same
