"""What people and the tap read of the ledger, and what people remove from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, tuple_, union

from clicksend.ledger.recording import SLICE, slices
from clicksend.ledger.records import outcome_id
from clicksend.ledger.schema import SINK
from clicksend.ledger.tables import CLAIM, UNKNOWN, aliases, meta, outcomes, runs

Columns = dict[str, Any]
"""A row of outcomes by column name, without its claim; times are aware, prices are ``Decimal``."""

SHOWN = [column for column in outcomes.c if column.name not in CLAIM]
LEASE = case((UNKNOWN, outcomes.c.lease_until)).label("lease_until")
"""Until when a run may be sending a message; what is known has none."""


def newest(connection: Connection, filters: Mapping[str, str | None], limit: int | None) -> list[Columns]:
    """Return outcomes, those changed last first."""
    query = select(*SHOWN).order_by(outcomes.c.updated_at.desc(), outcomes.c.outcome_id).limit(limit)
    for name, value in filters.items():
        if value is not None:
            query = query.where(outcomes.c[name] == value)
    return _rows(connection, query)


def of_key(connection: Connection, names: Sequence[str]) -> list[Columns]:
    """Return what came of a key, by any of its names, in each sink that saw it, with its lease."""
    claiming = func.substr(meta.c.name, len(SINK) + 1)
    sinks = union(select(runs.c.sink), select(claiming).where(meta.c.name.startswith(SINK)))
    known = [outcome_id(sink, name) for sink in connection.execute(sinks).scalars() for name in names]
    older = select(aliases.c.known_as).where(aliases.c.outcome_id.in_(known))
    known += connection.execute(older).scalars()
    query = select(*SHOWN, LEASE).order_by(outcomes.c.sink)
    return _rows(connection, query.where(outcomes.c.outcome_id.in_(known))) or _rows(
        # A key that could not be stored as it was has the id of what it was.
        connection,
        query.where(outcomes.c.key.in_(names)),
    )


def page_since(connection: Connection, since: datetime | None, after: Columns | None) -> list[Columns]:
    """Return the next outcomes in the order of their change.

    Args:
        connection: To the database.
        since: Only what changed then or later; None: all.
        after: The last row of the page before.
    """
    order = (outcomes.c.updated_at, outcomes.c.outcome_id)
    query = select(*SHOWN).order_by(*order).limit(SLICE)
    if after is not None:
        return _rows(connection, query.where(tuple_(*order) > (after["updated_at"], after["outcome_id"])))
    return _rows(connection, query if since is None else query.where(outcomes.c.updated_at >= since))


def prune(connection: Connection, before: datetime) -> int:
    """Delete some of the outcomes that last changed before a time, but no unknown ones; return how many."""
    old = select(outcomes.c.outcome_id).where(outcomes.c.updated_at < before, ~UNKNOWN).limit(10 * SLICE)
    ids = list(connection.execute(old).scalars())
    for some in slices(ids):
        connection.execute(delete(outcomes).where(outcomes.c.outcome_id.in_(some)))
    return len(ids)


def _rows(connection: Connection, query: Any) -> list[Columns]:
    return [dict(row) for row in connection.execute(query).mappings()]
