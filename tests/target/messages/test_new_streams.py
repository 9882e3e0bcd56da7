"""Streams that the ledger has never seen, without a server: a renamed one stops before it sends again."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from clicksend.ledger.records import Claim, Outcome
from target_clicksend.keys import Keys
from target_clicksend.messages.new_streams import NewStreams, RenamedStreamError
from target_clicksend.row import Row
from tests.target.messages.gates.cases import message

SINK = "sms_messages"


@pytest.fixture
def run(ledger, ledger_time):
    config = {"resend_under_new_keys": False}
    return SimpleNamespace(ledger=ledger, now=ledger_time, dry_run=False, config=config)


def keys(*properties):
    return Keys(SINK, "texts", dict.fromkeys(properties, "id"), frozenset(), str)


def texts(stream, *numbers):
    """Return messages of a stream, to different people."""
    return [
        message(row=Row(one, stream, f"{stream} {one}", "{}", {}), to=f"+6149157{one:04}") for one in numbers
    ]


def sent(ledger, *messages):
    claims = [
        Claim(
            key=f"old {one.row.key}",
            stream="old",
            custom_string=one.row.key,
            recipient_hash=ledger.privacy.hash(one.to),
            body_hash=ledger.privacy.fingerprint(one.content),
        )
        for one in messages
    ]
    ledger.claims.claim("run 1", SINK, claims, lease_seconds=60)
    ledger.claims.settle(
        "run 1", [Outcome(sink=SINK, key=one.key, stream="old", outcome="sent") for one in claims]
    )


def judge(run, *messages, sink=SINK):
    """Look at a new stream as a run does."""
    streams = NewStreams(run, sink)
    for stream in Counter(one.row.stream for one in messages):
        streams.begin(stream, keys("id"))
    streams.look(messages)
    streams.check()


@pytest.mark.parametrize(("again", "stops"), [(2, False), (3, True), (4, True)])
def test_more_than_half_of_what_went_lately_is_a_rename(run, again, stops):
    new = texts("new", 1, 2, 3, 4)
    sent(run.ledger, *new[:again])
    if stops:
        with pytest.raises(RenamedStreamError, match=f"{again} of 4"):
            judge(run, *new)
    else:
        judge(run, *new)


@pytest.mark.parametrize(("days", "stops"), [(0, True), (30, True), (32, False)])
def test_lately_is_a_month(run, ledger_time, days, stops):
    sent(run.ledger, *texts("new", 1, 2))
    ledger_time.advance(days=days)
    if stops:
        with pytest.raises(RenamedStreamError):
            judge(run, *texts("new", 1, 2))
    else:
        judge(run, *texts("new", 1, 2))


def test_what_another_sink_sent_is_no_rename(run):
    sent(run.ledger, *texts("new", 1, 2))
    judge(run, *texts("new", 1, 2), sink="mms_messages")


@pytest.mark.parametrize("about", [{"dry_run": True}, {"config": {"test_recipient": "+61411111111"}}])
def test_a_try_makes_no_stream_known(run, about):
    trying = SimpleNamespace(**vars(run) | about | {"config": run.config | about.get("config", {})})
    judge(trying, *texts("new", 1, 2))
    sent(run.ledger, *texts("new", 1, 2))
    with pytest.raises(RenamedStreamError):
        judge(run, *texts("new", 1, 2))


def test_what_went_through_once_is_known(run):
    judge(run, *texts("new", 1, 2))
    sent(run.ledger, *texts("new", 1, 2))
    judge(run, *texts("new", 1, 2))


def test_of_two_new_streams_the_renamed_one_stops(run):
    sent(run.ledger, *texts("renamed", 1, 2))
    with pytest.raises(RenamedStreamError, match="of stream renamed"):
        judge(run, *texts("other", 3, 4, 5, 6, 7), *texts("renamed", 1, 2))
