"""Unknown outcomes: looked up in the history by machines, reopened by people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from clicksend.errors import LedgerError
from clicksend.ledger.recording import slices
from clicksend.ledger.records import Confirmation, OpenClaim
from clicksend.ledger.tables import CLAIM, UNKNOWN, outcomes

FOUND = "no answer was recorded; found in the history"
RELEASED = "released by a person; goes out when upstream delivers it again"
TO_RETRY = "reopened by a person; is judged anew when upstream delivers it again"
RETRIED = ("rejected", "suppressed", "failed")
YOUNG = timedelta(hours=24)
"""Until then the history may still come to show the message."""


CLAIMED_AT = func.coalesce(outcomes.c.claimed_at, outcomes.c.created_at)


def nobody_sends(now: datetime) -> ColumnElement[bool]:
    """Return the condition that no run may be sending a claimed message just now."""
    lease = outcomes.c.lease_until
    return or_(lease <= now, lease.is_(None))


def open_claims(connection: Connection, sink: str, now: datetime) -> list[OpenClaim]:
    """Return the unknown outcomes of a sink that have no lease any more, the oldest first."""
    claimed_at = CLAIMED_AT.label("claimed_at")
    columns = [outcomes.c[name] for name in OpenClaim.__struct_fields__ if name != "claimed_at"]
    query = (
        select(*columns, claimed_at)
        .where(UNKNOWN, outcomes.c.sink == sink, nobody_sends(now))
        .order_by(claimed_at, outcomes.c.outcome_id)
    )
    return [OpenClaim(**row) for row in connection.execute(query).mappings()]


def known_message_ids(connection: Connection, sink: str, ids: Iterable[str]) -> set[str]:
    """Return those message ids that a key of a sink has already."""
    found: set[str] = set()
    for some in slices(sorted(set(ids))):
        query = select(outcomes.c.message_id).where(outcomes.c.message_id.in_(some), outcomes.c.sink == sink)
        found.update(connection.execute(query).scalars())
    return found


def confirm(connection: Connection, found: Sequence[Confirmation], now: datetime) -> set[str]:
    """Turn ``unknown`` into ``sent``; a message confirms one key only. Return the ids of what was turned."""
    return {one.outcome_id for one in found if _confirm(connection, one, now)}


def _confirm(connection: Connection, one: Confirmation, now: datetime) -> bool:
    other = outcomes.alias()
    taken = select(other.c.outcome_id).where(
        other.c.message_id == one.message_id, other.c.sink == outcomes.c.sink
    )
    details = {name: getattr(one, name) for name in ("parts", "price", "currency")}
    statement = (
        update(outcomes)
        .where(outcomes.c.outcome_id == one.outcome_id, UNKNOWN, ~taken.exists())
        .values(outcome="sent", reason=FOUND, message_id=one.message_id, updated_at=now, **details)
    )
    return connection.execute(statement).rowcount == 1


def release(
    connection: Connection,
    keys: Sequence[str] | None,
    run_id: str | None,
    now: datetime,
    *,
    force: bool,
) -> list[str]:
    """Reopen unknown keys; return them.

    Raises:
        LedgerError: One is too young, or may still be in the hands of its run; nothing was reopened.
    """
    if keys is None and run_id is None:
        raise LedgerError("Name the keys to release, or their run.")
    rows = _unknown(connection, keys, run_id)
    if alive := sum(row.lease_until is not None and row.lease_until > now for row in rows):
        raise LedgerError(
            f"{alive} of {len(rows)} messages may be under way just now: wait until their run has ended and"
            " their lease with it."
        )
    young = sum((row.claimed_at or row.updated_at) > now - YOUNG for row in rows)
    if young and not force:
        raise LedgerError(
            f"{young} of {len(rows)} messages were claimed less than 24 hours ago and may still appear in the"
            " history: reconcile later, or release them with --force."
        )
    _reopen(connection, [row.outcome_id for row in rows], RELEASED, now)
    return [row.key for row in rows]


def _unknown(connection: Connection, keys: Sequence[str] | None, run_id: str | None) -> list[Row[Any]]:
    columns = ("outcome_id", "key", "updated_at", "claimed_at", "lease_until")
    query = (
        select(*(outcomes.c[name] for name in columns))
        .where(UNKNOWN)
        .order_by(outcomes.c.claimed_at, outcomes.c.outcome_id)
    )
    if run_id is not None:
        query = query.where(outcomes.c.run_id == run_id)
    if keys is None:
        return list(connection.execute(query))
    return [row for some in slices(keys) for row in connection.execute(query.where(outcomes.c.key.in_(some)))]


def retry(
    connection: Connection, outcome: str, sink: str | None, run_id: str | None, now: datetime
) -> list[str]:
    """Reopen keys with an outcome that is not final; return them."""
    if outcome not in RETRIED:
        raise LedgerError(f"Only {', '.join(RETRIED)} can be retried; release reopens what is unknown.")
    query = select(outcomes.c.outcome_id, outcomes.c.key).where(outcomes.c.outcome == outcome)
    for column, value in ((outcomes.c.sink, sink), (outcomes.c.run_id, run_id)):
        if value is not None:
            query = query.where(column == value)
    rows = list(connection.execute(query.order_by(outcomes.c.updated_at)))
    _reopen(connection, [row.outcome_id for row in rows], TO_RETRY, now)
    return [row.key for row in rows]


def _reopen(connection: Connection, ids: Sequence[str], reason: str, now: datetime) -> None:
    """Make outcomes ``held``: not sent, not claimed, and judged anew with the row."""
    for some in slices(ids):
        reopened = update(outcomes).where(outcomes.c.outcome_id.in_(some)).values(dict.fromkeys(CLAIM))
        connection.execute(reopened.values(outcome="held", reason=reason, updated_at=now))
