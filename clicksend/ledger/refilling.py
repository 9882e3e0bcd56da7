"""Messages that are known to have gone out, though not from this ledger: written so that none goes again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from clicksend.ledger.recording import count, final_ids, replacing
from clicksend.ledger.records import Sent
from clicksend.ledger.store import insert
from clicksend.ledger.tables import IS_FINAL, claims, outcomes


def refill(connection: Connection, run_id: str, found: Sequence[Sent], now: datetime) -> set[str]:
    """Write messages as sent where nothing final stands; return the ids of what was written.

    What is there and not final (``dry_run``, ``failed``, ``held`` and others) would be sent again, so it
    yields. All are counted: those that were known already as ``duplicate``.
    """
    by_id: dict[str, Sent] = {}
    for one in found:
        by_id.setdefault(one.outcome_id, one)
    for name in final_ids(connection, by_id):
        del by_id[name]
    if by_id:
        rows = [_row(one, run_id, now) for one in by_id.values()]
        connection.execute(replacing(insert(connection, outcomes), ~IS_FINAL), rows)
    _claim(connection, by_id.values(), now)
    _count(connection, run_id, found, by_id)
    return set(by_id)


def _row(one: Sent, run_id: str, now: datetime) -> dict[str, Any]:
    about = {"outcome_id": one.outcome_id, "run_id": run_id, "attempts": 1}
    return msgspec.structs.asdict(one.outcome) | about | {"created_at": now, "updated_at": now}


def _claim(connection: Connection, written: Collection[Sent], now: datetime) -> None:
    """Let the duplicate window know those whose recipient, text and time are known."""
    rows = [
        {
            "outcome_id": one.outcome_id,
            "recipient_hash": one.recipient_hash,
            "body_hash": one.body_hash,
            "claimed_at": one.at,
            "lease_until": now,
        }
        for one in written
        if one.at is not None
    ]
    if rows:
        connection.execute(insert(connection, claims).on_conflict_do_nothing(), rows)


def _count(connection: Connection, run_id: str, found: Sequence[Sent], written: Mapping[str, Sent]) -> None:
    count(
        connection,
        run_id,
        [
            one.outcome
            if written.get(one.outcome_id) is one
            else msgspec.structs.replace(one.outcome, outcome="duplicate")
            for one in found
        ],
    )
