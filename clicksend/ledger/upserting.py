"""Many rows in one statement: they go to the database as one JSON object, under their outcome ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    true,
)

from clicksend.ledger.store import insert
from clicksend.ledger.tables import outcomes

KEPT = frozenset({"outcome_id", "created_at", "attempts"})
"""Columns that a later outcome does not replace."""

ROWS = func.json_each(bindparam("rows", type_=JSON)).table_valued(
    column("key", Text), column("value", JSON), name="came"
)
"""The rows, as the statement's parameter ``rows`` gives them: objects by outcome id."""

T = TypeVar("T")


def field(name: str) -> ColumnElement[Any]:
    """Return the value that a row gives for a column of outcomes, null where it gives none."""
    text, kind = ROWS.c.value[name].as_string(), outcomes.c[name].type
    return text if isinstance(kind, String) else cast(text, kind)


def upsert(  # noqa: PLR0913
    connection: Connection,
    rows: Mapping[str, Any],
    names: Iterable[str],
    same: Mapping[str, Any],
    may_replace: ColumnElement[bool],
    *,
    kept: Iterable[str] = (),
) -> None:
    """Write outcomes; those of the same ids are replaced where they may be.

    Args:
        connection: To the database.
        rows: What gives the columns ``names``, by outcome id.
        names: Columns that each row gives.
        same: Columns that are the same in all rows.
        may_replace: Whether what stands there yields.
        kept: Columns that are not replaced, beside those that never are.
    """
    if not rows:
        return
    new = {name: field(name) for name in names}
    new |= {name: literal(value, outcomes.c[name].type) for name, value in same.items()}
    # Without a condition, SQLite would take ON CONFLICT for one of a join.
    given = select(ROWS.c.key, *new.values()).where(true())
    statement = insert(connection, outcomes).from_select(["outcome_id", *new], given)
    replaced = {
        one.name: statement.excluded[one.name] for one in outcomes.c if one.name not in KEPT.union(kept)
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[outcomes.c.outcome_id],
            set_=replaced | {"attempts": outcomes.c.attempts + 1},
            where=may_replace,
        ),
        {"rows": rows},
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
