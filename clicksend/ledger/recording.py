"""What came of rows: one outcome for each key, and counts for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select

from clicksend.ledger.records import COUNTED_ONLY, FINAL, OUTCOMES, Outcome, outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import runs
from clicksend.ledger.writing import stored, values_of, write

SLICE = 1000
"""Rows or values in one statement; SQLite takes 32,766 parameters."""

T = TypeVar("T")


def record(connection: Connection, run_id: str, new: Sequence[Outcome], now: datetime) -> None:
    """Write outcomes and count them."""
    kept = [one for one in new if one.outcome not in COUNTED_ONLY]
    ids = [outcome_id(one.sink, one.key) for one in kept]
    same = {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now}
    write(connection, {"outcome_id": ids, **values_of(kept)}, same)
    count(connection, run_id, new)


def count(connection: Connection, run_id: str, new: Iterable[Outcome]) -> None:
    """Add outcomes to the counts of a run."""
    counts = Counter((outcome.sink, outcome.outcome) for outcome in new)
    if unheard := {name for _, name in counts} - OUTCOMES:
        raise ValueError(f"no such outcome: {', '.join(sorted(unheard))}")
    if not counts:
        return
    statement = insert(connection.dialect, runs)
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
    found = stored(connection, ids := {outcome_id(sink, key): key for key in keys})
    return {ids[name]: outcome for name, outcome in found.items() if outcome in FINAL}


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in as many as one statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]
