"""Sending without a server: what is claimed, until when a request may begin, what a failure means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from clicksend.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidRecipientError,
    TooLateError,
    UnreachableError,
)
from target_clicksend.messages.message import Template
from target_clicksend.messages.response import UNDER_WAY, SendResult
from target_clicksend.messages.send import Sender, breaker_of_sends, result_of_failure
from target_clicksend.row import Row
from tests.target.messages.gates.cases import message

SINK = "sms_messages"
TIMEOUT = 40


def numbered(number, key=None, **about):
    return message(row=Row(number, "texts", key or f"key {number}", "{}", {}), **about)


class Way:
    """A route that sends nothing, and makes so many requests for each message."""

    def __init__(self, each=0, asks=()):
        self.each, self.asks = each, asks
        self.posted, self.answers = [], []

    def requests(self, messages):
        return messages * self.each or 1

    def post(self, messages, may_begin):
        self.posted += messages
        for ask in self.asks:
            ask()
            self.answers.append(may_begin(messages))
        return [SendResult("sent", message_id=f"M{one.row.number}") for one in messages]


@pytest.fixture
def sender(ledger, ledger_time):
    """Return a function that makes a sender of a run with a way."""

    def sender(way, may_go=lambda _: True):
        settings = SimpleNamespace(timeout=TIMEOUT)
        run = SimpleNamespace(
            id="run 1",
            ledger=ledger,
            client=SimpleNamespace(settings=settings),
            now=ledger_time,
            currency="AUD",
            config={},
        )
        return Sender(run, SINK, way, may_go)

    return sender


def known(ledger, key):
    return ledger.outcomes.known(SINK, {key: ()})[key]


def test_a_claim_holds_when_its_message_goes_out_and_all_that_is_in_it(ledger, sender):
    at = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)
    picture = {"subject": "Sale", "media_file": "https://example.com/a.jpg"}
    template = Template(template_id="t", variables={"name": "Ann"})
    sent = [
        numbered(1, schedule=int(at.timestamp())),
        numbered(2, **picture),
        numbered(3, body="", template=template),
    ]
    sender(Way()).send(sent)
    found = [known(ledger, one.row.key) for one in sent]
    (scheduled,) = ledger.schedules.to_recipients([ledger.privacy.hash(sent[0].to)], opted_out=False)
    assert (scheduled.key, scheduled.scheduled_for) == (sent[0].row.key, at)
    assert [one.body_hash for one in found] == [ledger.privacy.fingerprint(one.content) for one in sent]
    assert len({one.body_hash for one in found}) == 3
    assert {one.recipient_hash for one in found} == {ledger.privacy.hash(sent[0].to)}


def test_what_another_worker_has_is_not_posted(ledger, sender):
    way, messages = Way(), [numbered(1), numbered(2)]
    sender(way).send(messages[:1])
    came = sender(way).send(messages)
    assert [result for _, result in came] == [UNDER_WAY, SendResult("sent", message_id="M2")]
    assert [one.row.number for one in way.posted] == [1, 2]


def test_a_request_begins_only_when_all_of_its_messages_may_go(sender):
    may_not = numbered(2)
    way = Way(asks=[lambda: None])
    sender(way, lambda one: one.row.key != may_not.row.key).send([numbered(1), may_not])
    assert way.answers == [False]


@pytest.mark.parametrize("each", [0, 1])
def test_a_request_begins_within_two_minutes_of_the_one_before_it(ledger_time, sender, each):
    """Where each message is a request, the one before may take all of its time-outs."""
    count, began = 5, ledger_time()
    last = timedelta(seconds=120 + (2 * TIMEOUT * (count - 1) if each else 0))

    def turn(to):
        ledger_time.time = began + to

    second = timedelta(seconds=1)
    way = Way(each, [lambda: turn(last - second), lambda: turn(last)])
    sender(way).send([numbered(number) for number in range(1, count + 1)])
    assert way.answers == [True, False]


def test_of_two_messages_that_are_called_off_the_first_has_the_outcome(sender):
    first, second = numbered(1, "key"), numbered(2, "key")
    assert sender(Way()).call_off([first, second], "why") == [first]


@pytest.mark.parametrize(
    ("error", "outcome", "ends"),
    [
        (TooLateError(), "failed", False),
        (ForbiddenError("POST /sms/send", 403, "FORBIDDEN"), "failed", True),
        (UnreachableError("It broke."), "unknown", False),
        # Of a whole batch nobody knows whose fault that is, nor whether a proxy had passed it on.
        (BadRequestError("POST /sms/send", 400, "SOMETHING_NEW"), "unknown", False),
        (InvalidRecipientError("POST /sms/send", 422, "INVALID_RECIPIENT"), "unknown", False),
    ],
)
def test_what_a_failure_means(error, outcome, ends):
    breaker = breaker_of_sends()
    assert result_of_failure(error, breaker).outcome == outcome
    assert bool(breaker.reason) == ends


def test_two_answers_in_a_row_that_say_nothing_are_enough():
    breaker = breaker_of_sends()
    result_of_failure(UnreachableError("It broke."), breaker)
    assert breaker.reason is None
    breaker.count_success()
    result_of_failure(UnreachableError("It broke."), breaker)
    assert breaker.reason is None
    result_of_failure(UnreachableError("It broke."), breaker)
    assert breaker.reason
