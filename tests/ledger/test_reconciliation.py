"""What the ledger says of unknown messages, and of messages of which it knows nothing; in both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clicksend.ledger.records import outcome_id
from tests.ledger.cases import claim, outcome

SINK = "sms_messages"


@pytest.mark.both_databases
def test_unknown_by_run_and_lease(ledger, ledger_time):
    start = ledger_time()
    assert (ledger.claims.unknown(SINK).count, ledger.claims.unknown(SINK).since) == (0, None)
    ledger.claims.claim("run 2", SINK, map(claim, "ab"), lease_seconds=60)
    ledger_time.advance(seconds=30)
    ledger.claims.claim("run 1", SINK, map(claim, "cde"), lease_seconds=60)
    ledger.claims.claim("run 1", "mms_messages", [claim("f")], lease_seconds=10)
    ledger.claims.settle("run 1", [outcome("c", "unknown", SINK), outcome("d", "sent", SINK)])
    found = ledger.claims.unknown(SINK)
    assert (found.count, found.run_ids, found.since) == (1, ("run 1",), ledger_time())
    assert (found.leased, found.leased_until) == (3, ledger_time() + timedelta(seconds=60))
    ledger_time.advance(seconds=30)
    found = ledger.claims.unknown(SINK)
    assert (found.count, found.run_ids, found.since) == (3, ("run 2", "run 1"), start)
    assert found.leased == 1
    ledger_time.advance(seconds=30)
    assert (ledger.claims.unknown(SINK).leased, ledger.claims.unknown(SINK).leased_until) == (0, None)


@pytest.mark.parametrize("found", [1, 2])
def test_counts_move(ledger, found):
    ledger.claims.claim("run", SINK, map(claim, "abc"), lease_seconds=60)
    ledger.claims.settle(
        "run", [outcome(key, name, SINK) for key, name in zip("abc", ["unknown"] * 2 + ["sent"], strict=True)]
    )
    ledger.outcomes.count_found("run", SINK, found)
    left = {(SINK, "unknown"): 2 - found} if found < 2 else {}
    assert ledger.outcomes.counts("run") == {(SINK, "sent"): 1 + found, **left}


@pytest.mark.both_databases
def test_strange_is_what_went_though_it_was_not_sent(ledger, ledger_time):
    ledger.claims.claim("run", SINK, map(claim, ("sent", "lost", "claimed", "released")), lease_seconds=60)
    ledger.claims.settle("run", [outcome("sent", "sent", SINK), outcome("lost", "unknown", SINK)])
    went = ledger_time() + timedelta(seconds=100)
    for name in ("held", "failed", "rejected", "suppressed", "dry_run"):
        ledger.outcomes.record("run", [outcome(f"{name} before", name, SINK)])
    ledger_time.advance(seconds=200)
    ledger.claims.release(["released"], force=True)
    for name in ("held", "failed", "rejected", "suppressed", "dry_run"):
        ledger.outcomes.record("run", [outcome(f"{name} after", name, SINK)])
    ledger.claims.retry("failed")
    states = [
        f"{name} {when}"
        for name in ("held", "failed", "rejected", "suppressed", "dry_run")
        for when in ("before", "after")
    ]
    ids = {outcome_id(SINK, key): key for key in ("sent", "lost", "claimed", "released", "none", *states)}
    strange = {ids[one] for one in ledger.reconciliation.unrecorded(dict.fromkeys(ids, went))}
    before = {state for state in states if state.endswith("before")}
    assert strange == {"none", "dry_run after", "failed after", *before}
    assert ledger.reconciliation.unrecorded({}) == set()
    unrecorded = ledger.reconciliation.unrecorded(dict.fromkeys(ids))
    known = {ids[one] for one in ids} - {ids[one] for one in unrecorded}
    assert known == {"sent", "lost", "claimed"}


@pytest.mark.both_databases
def test_known_until(ledger, ledger_time):
    assert ledger.reconciliation.known_until(SINK) is None
    ledger.outcomes.record("run", [outcome("x", "rejected", SINK)])
    assert ledger.reconciliation.known_until(SINK) is None
    claimed = ledger_time()
    ledger.claims.claim("run", SINK, [claim("a")], lease_seconds=60)
    ledger_time.advance(hours=1)
    ledger.claims.settle("run", [outcome("a", "sent", SINK)])
    assert claimed - timedelta(hours=1) < ledger.reconciliation.known_until(SINK) < claimed
    assert ledger.reconciliation.known_until("mms_messages") is None
    noted = claimed + timedelta(minutes=30)
    ledger.reconciliation.set_known_until(SINK, noted)
    assert ledger.reconciliation.known_until(SINK) == noted
    ledger_time.advance(hours=1)
    assert ledger.outcomes.prune(ledger_time()) == 2
    assert ledger.reconciliation.known_until(SINK) > noted + timedelta(minutes=30)
