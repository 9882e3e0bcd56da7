"""Many rows in one statement: they go to the database as one JSON object, under what they are found by."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    String,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    update,
)

from clicksend.ledger.records import FINAL
from clicksend.ledger.tables import outcomes

KEPT = frozenset({"outcome_id", "created_at", "attempts"})
"""Columns that a later outcome does not set anew."""

ROWS = func.json_each(bindparam("rows", type_=JSON)).table_valued(
    column("key", Text), column("value", JSON), name="came"
)
"""The rows of the statement's parameter ``rows``: objects by outcome id; where only ids or hashes are looked
up, these with any value."""

T = TypeVar("T")


def field(name: str) -> ColumnElement[Any]:
    """Return the value that a row gives for a column of outcomes, null where it gives none."""
    text, kind = ROWS.c.value[name].as_string(), outcomes.c[name].type
    return text if isinstance(kind, String) else cast(text, kind)


def stored(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return the outcome of those ids that have one."""
    query = select(outcomes.c.outcome_id, outcomes.c.outcome).join(ROWS, outcomes.c.outcome_id == ROWS.c.key)
    found = connection.execute(query, {"rows": dict.fromkeys(ids)})
    return {row.outcome_id: row.outcome for row in found}


def leave_final(connection: Connection, rows: dict[str, T]) -> set[str]:
    """Take out the rows whose outcome is final; return the ids of those left that have another one."""
    there = stored(connection, rows)
    for name, outcome in there.items():
        if outcome in FINAL:
            del rows[name]
    return there.keys() & rows


def write(  # noqa: PLR0913
    connection: Connection,
    rows: Mapping[str, Any],
    names: Iterable[str],
    same: Mapping[str, Any],
    *,
    there: Container[str],
    may_replace: ColumnElement[bool] | None = None,
) -> None:
    """Write outcomes, in a transaction that writes alone: new ones, and others over what stands there.

    Args:
        connection: To the database.
        rows: What gives the columns ``names``, by outcome id.
        names: Columns that each row gives; of what is replaced, those that it does not give stay.
        same: Columns that are the same in all rows.
        there: Ids that have an outcome.
        may_replace: Whether that yields; None: it does.
    """
    new: dict[str, Any] = {name: literal(value, outcomes.c[name].type) for name, value in same.items()}
    new |= {name: field(name) for name in names}
    first = {name: row for name, row in rows.items() if name not in there}
    if first:
        given = select(ROWS.c.key, *new.values())
        connection.execute(outcomes.insert().from_select(["outcome_id", *new], given), {"rows": first})
    if len(first) < len(rows):
        replaced = {name: value for name, value in new.items() if name not in KEPT}
        statement = update(outcomes).where(outcomes.c.outcome_id == ROWS.c.key)
        if may_replace is not None:
            statement = statement.where(may_replace)
        connection.execute(
            statement.values(replaced | {"attempts": outcomes.c.attempts + 1}),
            {"rows": {name: row for name, row in rows.items() if name in there}},
        )


def once_each(pairs: Iterable[tuple[str, T]]) -> Iterator[dict[str, T]]:
    """Yield rows by outcome id, the second of one id after the first: one statement takes each id once."""
    waiting = list(pairs)
    while waiting:
        first: dict[str, T] = {}
        later: list[tuple[str, T]] = []
        for name, row in waiting:
            if name in first:
                later.append((name, row))
            else:
                first[name] = row
        yield first
        waiting = later
