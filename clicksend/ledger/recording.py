"""What came of rows: one outcome for each key, and counts for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, literal_column, or_, select

from clicksend.ledger.records import COUNTED_ONLY, OUTCOMES, Outcome, outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import CLAIM, IS_FINAL, SENT, UNKNOWN, outcomes, runs
from clicksend.ledger.upserting import ROWS, once_each, upsert

SLICE = 1000
"""Rows or values in one statement; SQLite takes 32,766 parameters."""

T = TypeVar("T")


def record(connection: Connection, run_id: str, new: Sequence[Outcome], now: datetime) -> None:
    """Write outcomes and count them. ``sent`` stays, ``unknown`` yields to ``sent`` only."""
    came: ColumnElement[str] = literal_column("excluded.outcome")
    may_replace = and_(
        ~SENT,
        or_(~UNKNOWN, came == "sent"),
        or_(outcomes.c.outcome == "dry_run", came != "dry_run"),
    )
    stored = ((outcome_id(one.sink, one.key), one) for one in new if one.outcome not in COUNTED_ONLY)
    same = {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now}
    for rows in once_each(stored):
        upsert(connection, rows, Outcome.__struct_fields__, same, may_replace, kept=CLAIM)
    count(connection, run_id, new)


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


def final_ids(connection: Connection, ids: Mapping[str, Any]) -> dict[str, str]:
    """Return the outcome of those ids that must not be sent again."""
    query = select(outcomes.c.outcome_id, outcomes.c.outcome).join(ROWS, outcomes.c.outcome_id == ROWS.c.key)
    found = connection.execute(query.where(IS_FINAL), {"rows": dict.fromkeys(ids)})
    return {row.outcome_id: row.outcome for row in found}


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in as many as one statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]
