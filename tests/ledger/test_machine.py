"""Whatever two runs and a person do in whatever order, a key is handed out for sending at most once."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine

from clicksend.errors import LedgerError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import FINAL, Confirmation, outcome_id
from clicksend.ledger.schema import metadata
from tests.conftest import budget
from tests.ledger.cases import ACCOUNT, Clock, claim, final, outcome

pytestmark = pytest.mark.both_databases

SINK = "sms_messages"
LEASE = timedelta(seconds=90)
KEYS = ["a", "b", "c", "d"]

some_keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=5)
one_key = st.sampled_from(KEYS)
run_of = st.sampled_from(["run 1", "run 2"])
answers = st.sampled_from(["sent", "unknown", "rejected", "failed", "held"])


class Runs(RuleBasedStateMachine):
    """Two runs over one ledger, and what they must find in it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.time, self.opened = url, Clock(), ExitStack()
        self.expected: dict[str, str] = {}
        self.holder: dict[str, str] = {}
        """The run that wrote a key's outcome."""
        self.claimed_at: dict[str, object] = {}
        self.leased_until: dict[str, object] = {}
        self.out: set[str] = set()
        """Keys that were handed out, and of which nobody has said since that they were not sent."""
        self.counts: Counter[tuple[str, str]] = Counter()
        self.messages: dict[str, str] = {}

    @initialize()
    def begin(self):
        Ledger.open(self.url, **ACCOUNT).close()
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete().where(table.name != "meta"))
        engine.dispose()
        self.ledgers = {
            run: self.opened.enter_context(Ledger.open(self.url, **ACCOUNT, now=self.time))
            for run in ("run 1", "run 2")
        }

    def teardown(self):
        self.opened.close()

    @rule(run=run_of, keys=some_keys)
    def claims(self, run, keys):
        got = self.ledgers[run].claims.claim(run, SINK, map(claim, keys), lease_seconds=LEASE.total_seconds())
        assert got == {key for key in keys if self.expected.get(key) not in FINAL}
        assert not got & self.out
        for key in got:
            self.expected[key], self.holder[key] = "unknown", run
            self.claimed_at[key], self.leased_until[key] = self.time(), self.time() + LEASE
        self.out |= got

    @rule(run=run_of, key=one_key, name=answers)
    def settles(self, run, key, name):
        self.ledgers[run].claims.settle(run, [outcome(key, name, SINK)])
        self.counts[run, name] += 1
        before = self.expected.get(key)
        own = before == "unknown" and self.holder[key] == run
        if before is None or before == "sent" or not (own or name in FINAL):
            return
        if own and name == "unknown" and key in self.leased_until:
            self.leased_until[key] = self.time()
        self.expected[key], self.holder[key] = name, run
        if name in FINAL:
            self.out.add(key)
        else:
            self.out.discard(key)
            self.claimed_at.pop(key, None)
            self.leased_until.pop(key, None)

    @rule(run=run_of, key=one_key, name=st.sampled_from(["sent", "unknown", "rejected", "dry_run"]))
    def records(self, run, key, name):
        self.ledgers[run].outcomes.record(run, [outcome(key, name, SINK)])
        self.counts[run, name] += 1
        before = self.expected.get(key)
        if before == "sent" or (before == "unknown" and name != "sent"):
            return
        if name == "dry_run" and before not in (None, "dry_run"):
            return
        self.expected[key], self.holder[key] = name, run
        if name in FINAL:
            self.out.add(key)

    @rule(run=run_of, key=one_key, message=st.sampled_from(["M1", "M2"]))
    def confirms(self, run, key, message):
        confirmed = self.ledgers[run].reconciliation.confirm(
            [Confirmation(outcome_id=outcome_id(SINK, key), message_id=message)]
        )
        possible = self.expected.get(key) == "unknown" and message not in self.messages.values()
        assert confirmed == ({outcome_id(SINK, key)} if possible else set())
        if possible:
            self.expected[key], self.messages[key] = "sent", message

    @rule(run=run_of, keys=some_keys, force=st.booleans())
    def releases(self, run, keys, force):
        unknown = {key for key in keys if self.expected.get(key) == "unknown"}
        alive = any(key in self.leased_until and self.leased_until[key] > self.time() for key in unknown)
        changed = {row["key"]: row["updated_at"] for row in self.ledgers[run].outcomes.newest()}
        since = {key: self.claimed_at.get(key, changed[key]) for key in unknown}
        young = any(moment > self.time() - timedelta(hours=24) for moment in since.values())
        try:
            assert set(self.ledgers[run].claims.release(keys, force=force)) == unknown
            assert not alive
            assert force or not young
        except LedgerError:
            assert alive or (young and not force)
            return
        for key in unknown:
            self.expected[key] = "held"
            self.claimed_at.pop(key, None)
            self.leased_until.pop(key, None)
        self.out -= unknown

    @rule(time=st.sampled_from([timedelta(seconds=45), timedelta(minutes=3), timedelta(days=2)]))
    def time_passes(self, time):
        self.time.time += time

    @invariant()
    def the_ledger_says_what_came_of_every_key(self):
        ledger = self.ledgers["run 1"]
        assert {row["key"]: row["outcome"] for row in ledger.outcomes.newest()} == self.expected
        expected = {key: name for key, name in self.expected.items() if name in FINAL}
        assert final(ledger, SINK, KEYS) == expected
        assert self.out == set(expected)
        known = {key for key in self.claimed_at if self.expected[key] in FINAL}
        pairs = [(f"to-{key}", "body") for key in KEYS]
        since = self.time() - timedelta(days=10_000)
        assert ledger.claims.recently_sent(pairs, since=since) == {(f"to-{key}", "body") for key in known}

    @invariant()
    def open_claims_are_those_that_nobody_is_sending(self):
        waiting = {
            key
            for key, name in self.expected.items()
            if name == "unknown" and not (key in self.leased_until and self.leased_until[key] > self.time())
        }
        assert {one.key for one in self.ledgers["run 2"].reconciliation.open_claims(SINK)} == waiting

    @invariant()
    def counts_are_what_was_recorded(self):
        for run, ledger in self.ledgers.items():
            expected = {(SINK, name): rows for (of, name), rows in self.counts.items() if of == run}
            assert ledger.outcomes.counts(run) == expected


def test_whatever_happens_a_key_is_handed_out_once(ledger_url):
    run_state_machine_as_test(
        lambda: Runs(ledger_url),
        settings=settings(
            max_examples=budget(5, 500),
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
