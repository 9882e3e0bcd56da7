"""Messages that are known to have gone out, though not from this ledger: written so that none goes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection, delete

from clicksend.ledger.recording import count
from clicksend.ledger.records import BASELINE, Sent
from clicksend.ledger.tables import SENT, outcomes
from clicksend.ledger.writing import Values, leave_final, values_of, write


def refill(connection: Connection, run_id: str, found: Sequence[Sent], now: datetime) -> set[str]:
    """Write messages as sent where nothing final stands; return the ids of what was written.

    What is there and not final (``dry_run``, ``failed``, ``held`` and others) would be sent again, so it
    yields. All are counted: those that were known already as ``duplicate``.
    """
    by_id: dict[str, Sent] = {}
    for one in found:
        by_id.setdefault(one.outcome_id, one)
    leave_final(connection, by_id)
    same = {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now}
    write(connection, _values(list(by_id.values())), same)
    _count(connection, run_id, found, by_id)
    return set(by_id)


def forget_baseline(connection: Connection, run_id: str) -> int:
    """Delete what a person has recorded as sent in a run; return how much it was."""
    recorded = outcomes.c.run_id == run_id, outcomes.c.reason == BASELINE, SENT
    return connection.execute(delete(outcomes).where(*recorded)).rowcount


def _values(found: Sequence[Sent]) -> Values:
    """Return outcomes; the duplicate window knows those whose recipient, text and time are known."""
    return {
        "outcome_id": [one.outcome_id for one in found],
        **values_of([one.outcome for one in found]),
        "recipient_hash": [one.at and one.recipient_hash for one in found],
        "body_hash": [one.at and one.body_hash for one in found],
        "claimed_at": [one.at for one in found],
    }


def _count(connection: Connection, run_id: str, found: Sequence[Sent], written: Mapping[str, Sent]) -> None:
    count(
        connection,
        run_id,
        [
            one.outcome if written.get(one.outcome_id) is one else replace(one.outcome, outcome="duplicate")
            for one in found
        ],
    )
