"""All gates together, without a server: in which order they judge, and when they ask anew."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from clicksend.ledger.records import Claim, Outcome
from target_clicksend.messages.gates.chain import Gates
from target_clicksend.row import Row
from tests.target.messages.gates.cases import message

SINK = "sms_messages"
TO, OTHER = "+61411111111", "+61411111112"
HOUR = timedelta(hours=1)


class Outs:
    """Who has opted out, and how often that was asked."""

    def __init__(self, now):
        self.now, self.known_at, self.asked, self.refreshed, self.who = now, None, [], 0, set()

    def ask(self, numbers):
        self.asked.append(set(numbers))

    def refresh(self):
        self.refreshed += 1
        self.known_at = self.now()

    def of(self, numbers):
        return self.who & set(numbers)


@pytest.fixture
def gates(ledger, ledger_time):
    """Return a function that makes the gates of a run."""

    def gates(account=None, **config):
        config = {"opt_out": "enforce", "opt_out_max_age": 1, **config}
        run = SimpleNamespace(ledger=ledger, now=ledger_time, config=config, account=account or {})
        made = Gates(run, SINK, "sms")
        made.outs = made.__dict__["_opt_outs"] = Outs(ledger_time)
        return made

    return gates


def numbered(number, key=None, **about):
    return message(row=Row(number, "texts", key or f"key {number}", "{}", {}), **about)


def came(gates, *messages, all_there_are=True):
    return [
        "passes" if result is None else result.outcome
        for _, result in gates.check(messages, all_there_are=all_there_are)
    ]


def send(ledger, one):
    wanted = Claim(
        key=one.row.key,
        stream="texts",
        custom_string=one.row.key,
        recipient_hash=ledger.privacy.hash(one.to),
        body_hash=ledger.privacy.fingerprint(one.content),
    )
    ledger.claims.claim("run 1", SINK, [wanted], lease_seconds=60)
    ledger.claims.settle("run 1", [Outcome(sink=SINK, key=one.row.key, stream="texts", outcome="sent")])


@pytest.mark.parametrize("count", [49, 50])
def test_few_are_asked_for_and_for_more_all_is_read(gates, count):
    judge = gates()
    people = [numbered(one, to=f"+6141111{one:04}") for one in range(count)]
    assert came(judge, *people) == ["passes"] * count
    assert (len(judge.outs.asked), judge.outs.refreshed) == ((1, 0) if count < 50 else (0, 1))


def test_where_more_come_all_is_read(gates):
    judge = gates()
    came(judge, numbered(1), all_there_are=False)
    assert (judge.outs.asked, judge.outs.refreshed) == ([], 1)


@pytest.mark.parametrize("all_there_are", [True, False])
def test_what_is_known_for_an_hour_is_asked_for_again(gates, ledger_time, all_there_are):
    """A run that takes longer goes on, and knows who said STOP meanwhile."""
    judge, one = gates(), numbered(1)
    assert came(judge, one, all_there_are=all_there_are) == ["passes"]
    ledger_time.advance(minutes=59, seconds=59)
    judge.outs.who = {TO}
    assert [result for _, result in judge.recheck([one])] == [None]
    assert judge.may_go(one)
    ledger_time.advance(seconds=1)
    assert not judge.may_go(one)
    ((_, result),) = judge.recheck([one])
    assert result.outcome == "suppressed"
    ((_, result),) = judge.recheck([numbered(2, to=OTHER)])
    assert result is None
    assert judge.may_go(numbered(2, to=OTHER))


@pytest.mark.parametrize("opt_out", ["column", "ignore"])
def test_where_opt_outs_are_not_enforced_nobody_is_asked(gates, ledger_time, opt_out):
    judge, one = gates(opt_out=opt_out), numbered(1, opted_out=False)
    judge.outs.who = {TO}
    assert came(judge, one) == ["passes"]
    ledger_time.advance(hours=9)
    assert judge.may_go(one)
    assert (judge.outs.asked, judge.outs.refreshed) == ([], 0)


def test_an_opt_out_counts_before_all_that_is_wrong_with_a_row(gates):
    judge = gates(dedupe_window_hours=24)
    judge.outs.who = {TO}
    assert came(judge, numbered(1, body="x" * 5000), numbered(2, to=OTHER)) == ["suppressed", "passes"]


@pytest.mark.parametrize(("minutes", "expected"), [(0, "suppressed"), (90, "suppressed"), (121, "passes")])
def test_the_window_is_in_hours(gates, ledger, ledger_time, minutes, expected):
    send(ledger, numbered(1))
    ledger_time.advance(minutes=minutes)
    assert came(gates(dedupe_window_hours=2, opt_out="ignore"), numbered(2)) == [expected]
    assert came(gates(opt_out="ignore"), numbered(2)) == ["passes"]


def test_the_window_is_of_one_person_and_one_text(gates, ledger):
    send(ledger, numbered(1))
    judge = gates(dedupe_window_hours=2, opt_out="ignore")
    rows = [numbered(2, to=OTHER), numbered(3, body="Bye"), numbered(4), numbered(5, to=OTHER)]
    assert came(judge, *rows) == ["passes", "passes", "suppressed", "suppressed"]


def test_a_used_key_is_a_duplicate_and_what_differs_is_said(gates, ledger):
    send(ledger, numbered(1, "key"))
    rows = [numbered(2, "key"), numbered(3, "key", to=OTHER), numbered(4, "key", body="Bye")]
    found = [result for _, result in gates(opt_out="ignore").check(rows, all_there_are=True)]
    assert [one.outcome for one in found] == ["duplicate"] * 3
    assert [one.reason for one in found] == [
        "an earlier run has it as sent",
        "key was sent with another recipient",
        "key was sent with another text",
    ]


def test_so_it_is_within_a_run(gates):
    rows = [
        numbered(1, "key"),
        numbered(2, "key"),
        numbered(3, "key", to=OTHER),
        numbered(4, "key", body="B"),
    ]
    found = [result for _, result in gates(opt_out="ignore").check(rows, all_there_are=True)]
    assert found[0] is None
    assert [one.reason for one in found[1:]] == [
        "another row of this run has the same key",
        "key was sent with another recipient",
        "key was sent with another text",
    ]


@pytest.mark.parametrize(
    ("account", "parts", "expected"),
    [
        ({}, 6, "passes"),
        ({}, 7, "rejected"),
        ({"setting_sms_message_char_limit": "2"}, 2, "passes"),
        ({"setting_sms_message_char_limit": "2"}, 3, "rejected"),
        ({"setting_sms_message_char_limit": None}, 7, "rejected"),
    ],
)
def test_the_account_says_how_many_parts_and_six_where_it_does_not(gates, account, parts, expected):
    assert came(gates(account, opt_out="ignore"), numbered(1, body="x" * 153 * parts)) == [expected]
