"""Messages that are known to have gone out, though not from this ledger: written so that none goes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from clicksend.ledger.recording import count
from clicksend.ledger.records import Outcome, Sent
from clicksend.ledger.tables import spelled
from clicksend.ledger.writing import leave_final, write

_NAMES = (*Outcome.__struct_fields__, "recipient_hash", "body_hash", "claimed_at")


def refill(connection: Connection, run_id: str, found: Sequence[Sent], now: datetime) -> set[str]:
    """Write messages as sent where nothing final stands; return the ids of what was written.

    What is there and not final (``dry_run``, ``failed``, ``held`` and others) would be sent again, so it
    yields. All are counted: those that were known already as ``duplicate``.
    """
    by_id: dict[str, Sent] = {}
    for one in found:
        by_id.setdefault(one.outcome_id, one)
    there = leave_final(connection, by_id)
    rows = {name: _row(one) for name, one in by_id.items()}
    same = {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now}
    write(connection, rows, _NAMES, same, there=there)
    _count(connection, run_id, found, by_id)
    return set(by_id)


def _row(one: Sent) -> dict[str, Any]:
    """Return an outcome; the duplicate window knows it where recipient, text and time are known."""
    known = {"recipient_hash": one.recipient_hash, "body_hash": one.body_hash}
    claimed = {} if one.at is None else known | {"claimed_at": spelled(one.at)}
    return msgspec.structs.asdict(one.outcome) | claimed


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
