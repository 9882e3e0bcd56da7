"""Refilling a lost ledger without a server: which rows of a history are messages of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from clicksend.client import Answer
from clicksend.errors import ForbiddenError, UnexpectedAnswerError
from clicksend.ledger.records import outcome_id, token
from target_clicksend.rebuild import rebuild

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
BEGAN = datetime(2026, 11, 1, 11, 59, tzinfo=UTC)
TO = "+61411111111"


class Api:
    """A client whose server shows text messages, and no others; the first answers may lack some rows."""

    started_at = BEGAN

    def __init__(self):
        self.rows, self.lacking, self.asked, self.errors = [], 0, [], {}

    def get(self, path, params):
        self.asked.append((path, params))
        if error := self.errors.get(path):
            raise error
        if path != "/sms/history":
            return Answer([], BEGAN)
        shown = self.rows[:-1] if self.lacking else self.rows
        self.lacking = max(self.lacking - 1, 0)
        return Answer({"data": shown, "total": len(self.rows), "last_page": 1, "per_page": 100}, BEGAN)


@pytest.fixture
def run(ledger, ledger_time):
    return SimpleNamespace(id="run 2", ledger=ledger, now=ledger_time, client=Api(), currency="AUD")


def shown(ledger, key, **about):
    name = token(outcome_id("sms_messages", key), ledger.privacy.key_id)
    row = {"message_id": f"M-{key}", "custom_string": name, "direction": "out", "to": TO, "body": "Hello"}
    return (
        row
        | {"date": int(SINCE.timestamp()) + 60, "message_parts": "2.00", "message_price": "0.0792"}
        | about
    )


def found(run):
    return {one.sink: one for one in rebuild(run, SINCE)}["sms_messages"]


def known(run, *keys):
    return set(run.ledger.outcomes.known("sms_messages", dict.fromkeys(keys, ())))


def test_what_went_out_is_sent_and_nothing_else(run):
    mine = run.ledger
    run.client.rows = [
        shown(mine, "a"),
        shown(mine, "reply", direction="in"),
        shown(mine, "b", message_id=None),
        shown(mine, "c", direction=None),
        shown(mine, "own", custom_string="order 7"),
    ]
    result = found(run)
    assert (result.ours, result.new, result.foreign, result.of_other_keys) == (2, 2, 1, 0)
    assert known(run, "a", "reply", "b", "c", "own") == {"a", "c"}
    assert mine.reconciliation.known_until("sms_messages") == BEGAN


def test_it_is_read_from_the_second_before_in_case_the_bound_is_exclusive(run):
    found(run)
    assert {params["date_from"] for _, params in run.client.asked} == {int(SINCE.timestamp()) - 1}


def test_the_window_knows_who_got_what_and_when(run, ledger_time):
    run.client.rows = [shown(run.ledger, "a")]
    found(run)
    pair = run.ledger.privacy.hash(TO), run.ledger.privacy.fingerprint("Hello")
    at = SINCE + timedelta(seconds=60)
    assert run.ledger.claims.recently_sent([pair], since=at) == {pair}
    assert run.ledger.claims.recently_sent([pair], since=at + timedelta(seconds=1)) == set()
    (row,) = run.ledger.outcomes.newest()
    assert (row["parts"], row["price"], row["currency"]) == (2, Decimal("0.0792"), "AUD")


def test_messages_of_another_key_are_said_and_the_history_is_not_known(run):
    other = token(outcome_id("sms_messages", "a"), "0" * 8)
    run.client.rows = [shown(run.ledger, "a", custom_string=other), shown(run.ledger, "b")]
    result = found(run)
    assert (result.ours, result.new, result.of_other_keys) == (1, 1, 1)
    assert known(run, "a", "b") == {"b"}
    assert run.ledger.reconciliation.known_until("sms_messages") is None


def test_a_history_that_shows_less_than_it_counts_is_read_again_and_counted_once(run):
    run.client.rows = [shown(run.ledger, one) for one in "abc"]
    run.client.lacking = 2
    result = found(run)
    assert (result.ours, result.new) == (3, 3)
    run.client.lacking = 9
    with pytest.raises(UnexpectedAnswerError, match="run rebuild again"):
        found(run)


@pytest.mark.parametrize("channel", ["sms", "mms", "voice"])
def test_who_may_not_call_has_called_nobody(run, channel):
    run.client.errors = {f"/{channel}/history": ForbiddenError("GET", 403, "FORBIDDEN")}
    if channel == "voice":
        assert [one.sink for one in rebuild(run, SINCE) if one.absent] == ["voice_messages"]
        return
    with pytest.raises(ForbiddenError):
        list(rebuild(run, SINCE))
