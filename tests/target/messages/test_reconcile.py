"""What a history confirms, without a server: each channel's rows as ClickSend shows them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from clicksend.client import Answer
from clicksend.ledger.records import Claim
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.reconcile import reconcile
from tests.target.messages.gates.cases import message

TO = "+61411111111"
DATES = {"sms": "date", "mms": "date_added", "voice": "date_added"}
"""The column of each history with the time (documented)."""


class Api:
    """A client whose server shows some messages."""

    def __init__(self, ledger_time):
        self.now, self.rows, self.asked = ledger_time, [], []

    def get(self, path, params):
        self.asked.append((path, params))
        return Answer({"data": self.rows, "total": len(self.rows), "last_page": 1}, self.now())


@pytest.fixture(params=sorted(DATES))
def told(request, ledger, ledger_time):
    """Return a channel, a message of which with a name of its own got no answer; and what looks it up."""
    channel = request.param
    about = {"subject": "Sale", "media_file": "https://example.com/a.jpg"} if channel == "mms" else {}
    sent, sink, api = message(to=TO, body="Hello", **about), f"{channel}_messages", Api(ledger_time)
    claim = Claim(
        key="key",
        stream="texts",
        custom_string="order 7",
        recipient_hash=ledger.privacy.hash(TO),
        body_hash=ledger.privacy.fingerprint(sent.content),
    )
    ledger.claims.claim("run 1", sink, [claim], lease_seconds=60)
    at = int(ledger_time().timestamp())
    ledger_time.advance(minutes=2)
    shown = {"message_id": "M1", "to": TO, "body": "Hello", "custom_string": "order 7", DATES[channel]: at}

    def outcome(**about):
        api.rows = [shown | about]
        reconcile(api, ledger, sink, ENDPOINTS[channel], {})
        return ledger.outcomes.known(sink, {"key": ()})["key"].outcome

    return SimpleNamespace(channel=channel, date=DATES[channel], at=at, api=api, outcome=outcome)


def test_a_message_is_found_in_its_channels_history(told):
    assert told.outcome() == "sent"
    ((path, asked),) = told.api.asked
    assert path == f"/{told.channel}/history"
    assert asked["order_by"] == f"{told.date}:asc"
    assert asked["date_from"] == told.at - 3600


@pytest.mark.parametrize(
    "about",
    [
        {"to": "+61411111112"},
        {"custom_string": "order 8"},
        {"custom_string": None},
        {"direction": "in"},
        {"message_id": None},
        {"date": None, "date_added": None},
        {"date": "soon", "date_added": "soon"},
    ],
    ids=str,
)
def test_what_is_not_surely_it_confirms_nothing(told, about):
    assert told.outcome(**about) == "unknown"


def test_an_hour_of_clocks_is_allowed_for_and_no_more(told):
    hour = int(timedelta(hours=1).total_seconds())
    assert told.outcome(**{told.date: told.at - hour - 1}) == "unknown"
    assert told.outcome(**{told.date: told.at - hour}) == "sent"


def test_another_text_is_another_message_where_the_history_shows_texts(told):
    expected = "sent" if told.channel == "mms" else "unknown"
    assert told.outcome(body="Hello again") == expected
