"""What came of rows: one outcome for each key, and counts for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeVar

from sqlalchemy import Connection, select

from clicksend.ledger.records import COUNTED_ONLY, OUTCOMES, Known, Outcome, outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import aliases, runs
from clicksend.ledger.writing import WANTED, final, values_of, write

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


def known(connection: Connection, sink: str, keys: Iterable[str]) -> dict[str, Known]:
    """Return what there is of those keys that must not be sent again."""
    ids = {outcome_id(sink, key): key for key in keys}
    return {ids[name]: one for name, one in final(connection, ids).items()}


def known_by_alias(connection: Connection, sink: str, keys: Iterable[str]) -> dict[str, Known]:
    """Return the same of keys that were once found as an earlier version spelled them."""
    ids = {outcome_id(sink, key): key for key in keys}
    query = select(aliases).join(WANTED, aliases.c.outcome_id == WANTED.c.key)
    found = connection.execute(query, {"wanted": dict.fromkeys(ids)})
    key_of = {row.known_as: ids[row.outcome_id] for row in found}
    return {key_of[name]: one for name, one in final(connection, key_of).items()}


def known_by_older(connection: Connection, sink: str, keys: Mapping[str, Sequence[str]]) -> dict[str, Known]:
    """Return the same of keys as an earlier version spelled them.

    Args:
        connection: To the database.
        sink: The sink.
        keys: The older spellings of each key, the likelier first; two keys may share one.
    """
    ids = {key: [outcome_id(sink, older) for older in some] for key, some in keys.items()}
    found = final(connection, chain.from_iterable(ids.values()))
    first = {key: next((found[name] for name in some if name in found), None) for key, some in ids.items()}
    return {key: one for key, one in first.items() if one is not None}


def adopt(connection: Connection, sink: str, found: Mapping[str, Known]) -> None:
    """Keep under which id a key was found: a tap that spells it otherwise one day must find it as well."""
    rows = [{"outcome_id": outcome_id(sink, key), "known_as": one.outcome_id} for key, one in found.items()]
    if rows:
        connection.execute(insert(connection.dialect, aliases).on_conflict_do_nothing(), rows)


def slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in as many as one statement takes."""
    for start in range(0, len(values), SLICE):
        yield values[start : start + SLICE]
