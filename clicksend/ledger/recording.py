"""What came of rows: one outcome for each key, and counts for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from clicksend.ledger.records import COUNTED_ONLY, OUTCOMES, Outcome, outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import IS_FINAL, SENT, UNKNOWN, outcomes, runs

SLICE = 1000
"""Rows or values in one statement; SQLite takes 32,766 parameters."""

KEPT = frozenset({"outcome_id", "created_at", "attempts"})
"""Columns that a later outcome does not replace."""

T = TypeVar("T")


def record(connection: Connection, run_id: str, new: Sequence[Outcome], now: datetime) -> None:
    """Write outcomes and count them. ``sent`` stays, ``unknown`` yields to ``sent`` only."""
    rows = [
        msgspec.structs.asdict(outcome)
        | {"outcome_id": outcome_id(outcome.sink, outcome.key), "run_id": run_id}
        | {"attempts": 1, "created_at": now, "updated_at": now}
        for outcome in new
        if outcome.outcome not in COUNTED_ONLY
    ]
    statement = insert(connection, outcomes)
    came = statement.excluded
    may_replace = and_(
        ~SENT,
        or_(~UNKNOWN, came.outcome == "sent"),
        or_(outcomes.c.outcome == "dry_run", came.outcome != "dry_run"),
    )
    if rows:
        connection.execute(replacing(statement, may_replace), rows)
    count(connection, run_id, new)


def replacing(statement: Any, may_replace: ColumnElement[bool]) -> Any:
    """Return an INSERT of outcomes that replaces those of the same keys, where it may."""
    replaced = {
        column.name: statement.excluded[column.name] for column in outcomes.c if column.name not in KEPT
    }
    return statement.on_conflict_do_update(
        index_elements=[outcomes.c.outcome_id],
        set_=replaced | {"attempts": outcomes.c.attempts + 1},
        where=may_replace,
    )


def count(connection: Connection, run_id: str, new: Iterable[Outcome]) -> None:
    """Add outcomes to the counts of a run."""
    counts = Counter((outcome.sink, outcome.outcome) for outcome in new)
    if unheard := {name for _, name in counts} - OUTCOMES:
        raise ValueError(f"no such outcome: {', '.join(sorted(unheard))}")
    if not counts:
        return
    statement = insert(connection, runs)
    added = statement.on_conflict_do_update(
        index_elements=list(runs.primary_key), set_={"rows": runs.c.rows + statement.excluded.rows}
    )
    connection.execute(
        added,
        [
            {"run_id": run_id, "sink": sink, "outcome": name, "rows": rows}
            for (sink, name), rows in sorted(counts.items())
        ],
    )


def counts(connection: Connection, run_id: str) -> dict[tuple[str, str], int]:
    """Return the rows of a run by sink and outcome."""
    found = connection.execute(select(runs).where(runs.c.run_id == run_id))
    return {(row.sink, row.outcome): row.rows for row in found}


def final(connection: Connection, sink: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the outcome of those keys that must not be sent again."""
    found = final_ids(connection, ids := {outcome_id(sink, key): key for key in keys})
    return {ids[name]: outcome for name, outcome in found.items()}


def final_ids(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return the outcome of those ids that must not be sent again."""
    found: dict[str, str] = {}
    for some in slices(list(ids)):
        query = select(outcomes.c.outcome_id, outcomes.c.outcome)
        rows = connection.execute(query.where(outcomes.c.outcome_id.in_(some), IS_FINAL))
        found |= {row.outcome_id: row.outcome for row in rows}
    return found


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in as many as one statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]
