"""Outcomes and counts, written many at a time, by the one rule of which outcome may replace which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import BindParameter, Connection, Dialect, and_, bindparam, literal_column, or_, select, text

from clicksend.ledger.records import OUTCOMES, Outcome
from clicksend.ledger.schema import CANCELLED, IS_FINAL, SENT, UNKNOWN, outcomes, runs
from clicksend.ledger.store import WANTED, insert

NOT_REPLACED = frozenset({"outcome_id", "created_at", "attempts"})
"""Columns that a later outcome does not set anew."""

GIVEN = "given_"

Values = Mapping[str, Collection[Any]]
"""Rows: their values by column of outcomes."""


def leave_final(connection: Connection, rows: dict[str, Any]) -> None:
    """Take out the rows, by outcome id, whose outcome is final."""
    query = select(outcomes.c.outcome_id).join(WANTED, outcomes.c.outcome_id == WANTED.c.key).where(IS_FINAL)
    for name in connection.execute(query, {"wanted": dict.fromkeys(rows)}).scalars():
        del rows[name]


def columns_of(rows: Sequence[Struct]) -> Values:
    """Return the values of rows of one kind, by field."""
    columns = zip(*map(astuple, rows), strict=True)
    return dict(zip(rows[0].__struct_fields__, columns, strict=True)) if rows else {}


def write(connection: Connection, values: Values, same: Mapping[str, Any]) -> None:
    """Write outcomes, new ones and over what stands there; the second of one id after the first.

    ``sent`` stays for ever, as does what was cancelled after it; ``unknown`` yields to ``sent`` only, and
    ``dry_run`` replaces nothing but ``dry_run``.

    Args:
        connection: To the database.
        values: What is written, ``outcome_id`` among it; of what is replaced, all other columns stay.
        same: Further columns, with the one value that all have.
    """
    execute_each(connection, _upsert(connection.dialect, tuple({**same, **values})), values, same)


@lru_cache
def _upsert(dialect: Dialect, names: tuple[str, ...]) -> Any:
    statement = insert(dialect, outcomes)
    came = statement.excluded
    may_replace = and_(
        ~SENT,
        ~CANCELLED,
        or_(~UNKNOWN, came.outcome == literal_column("'sent'")),
        or_(outcomes.c.outcome == literal_column("'dry_run'"), came.outcome != literal_column("'dry_run'")),
    )
    replaced = {name: came[name] for name in names if name not in NOT_REPLACED}
    return statement.values({name: given(name) for name in names}).on_conflict_do_update(
        index_elements=[outcomes.c.outcome_id],
        set_=replaced | {"attempts": outcomes.c.attempts + literal_column("1")},
        where=may_replace,
    )


def given(name: str) -> BindParameter[Any]:
    """Return what a row gives for a column of outcomes, in a statement for ``execute_each``."""
    return bindparam(f"{GIVEN}{name}", type_=outcomes.c[name].type)


def execute_each(connection: Connection, statement: Any, values: Values, same: Mapping[str, Any]) -> None:
    """Execute a statement once for each row, one after the other.

    The driver gets all of it at once: SQLAlchemy would take longer to look at the values than the database
    to store them.

    Args:
        connection: To the database.
        statement: One of few; all its parameters are made by ``given``.
        values: The rows.
        same: Further columns, with the one value that all rows have.
    """
    sql, order = _compiled(statement, connection.dialect)
    parameters: list[Iterable[Any]] = []
    for name, convert in order:
        parameters.append(map(convert, values[name]) if name in values else repeat(convert(same[name])))
    if rows := list(zip(*parameters, strict=False)):
        connection.exec_driver_sql(sql, rows)


@lru_cache
def _compiled(statement: Any, dialect: Dialect) -> tuple[str, list[tuple[str, Callable[[Any], Any]]]]:
    """Return a statement's SQL, and its parameters: their columns, and what converts their values."""
    compiled = statement.compile(dialect=dialect)
    names = [name.removeprefix(GIVEN) for name in compiled.positiontup]
    kinds = [outcomes.c[name].type.dialect_impl(dialect) for name in names]
    return str(compiled), [
        (name, kind.bind_processor(dialect) or _unchanged) for name, kind in zip(names, kinds, strict=True)
    ]


def _unchanged(value: Any) -> Any:
    return value


def count(connection: Connection, run_id: str, new: Iterable[Outcome]) -> None:
    """Add outcomes to the counts of a run.

    Raises:
        ValueError: One of them is not in ``OUTCOMES``.
    """
    counts = Counter((outcome.sink, outcome.outcome) for outcome in new)
    if strange := {name for _, name in counts} - OUTCOMES:
        raise ValueError(f"not an outcome: {', '.join(sorted(strange))}")
    if counts:
        add_counts(connection, run_id, counts)


def add_counts(connection: Connection, run_id: str, counts: Mapping[tuple[str, str], int]) -> None:
    """Add numbers of rows, by sink and outcome, to the counts of a run."""
    rows = [
        {"run_id": run_id, "sink": sink, "outcome": name, "rows": rows}
        for (sink, name), rows in sorted(counts.items())
    ]
    statement = text(
        "INSERT INTO runs (run_id, sink, outcome, rows) VALUES (:run_id, :sink, :outcome, :rows)"
        " ON CONFLICT (run_id, sink, outcome) DO UPDATE SET rows = runs.rows + excluded.rows"
    )
    kinds = (bindparam(column.name, type_=column.type) for column in runs.columns)
    connection.execute(statement.bindparams(*kinds), rows)
