"""The API's rows turned into a stream's: every column, each of its one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tap_clicksend.block import Block
from tap_clicksend.columns import Column, Row, mapping, read_text, read_time, without_secrets

EXTRA = mapping(
    "Fields that this stream does not know, and values that could not be read; null when there are none.",
    personal=True,
)
TEXT = frozenset({str, type(None)})


class Table:
    """The columns of one stream: its JSON schema, and the API's rows turned into rows of it."""

    def __init__(self, columns: Mapping[str, Column], keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.schema: dict[str, Any] = {
            "type": "object",
            "properties": {
                name: column.json_schema(nullable=name not in self.keys)
                for name, column in {**columns, "extra": EXTRA}.items()
            },
            "required": list(self.keys),
        }
        self._times = frozenset(name for name, column in columns.items() if column.read is read_time)
        self._readers = {name: column.read for name, column in columns.items()}
        self._old_names = {old: name for name, column in columns.items() for old in column.old_names}

    def block(self, raw_rows: list[Row]) -> Block:
        """Return the API's rows with every column, each of its one type."""
        given = _by_column(raw_rows)
        if not self._old_names.keys().isdisjoint(given):
            raw_rows = list(map(self._renamed, raw_rows))
            given = _by_column(raw_rows)
        absent = [None] * len(raw_rows)
        extra = absent if given.keys() <= self._readers.keys() else list(map(self._unknown, raw_rows))
        columns: dict[str, Sequence[Any]] = {}
        for name, read in self._readers.items():
            values = given.get(name, absent)
            # Most of it is text as it should be: asked value by value, that would take half of all the time.
            if read is read_text and _is_plain_text(values):
                columns[name] = values
                continue
            try:
                columns[name] = [None if value is None else read(value) for value in values]
            except (ValueError, ArithmeticError):
                columns[name], misfits = _read_each(values, read)
                extra = [_with(kept, name, misfit) for kept, misfit in zip(extra, misfits, strict=True)]
        return Block({**columns, "extra": extra}, self._times)

    def _renamed(self, row: Row) -> Row:
        for old, name in self._old_names.items():
            if old in row and name not in row:
                row = {name if field == old else field: value for field, value in row.items()}
        return row

    def _unknown(self, row: Row) -> Row | None:
        return without_secrets({name: row[name] for name in row if name not in self._readers}) or None

    def whole(self, block: Block) -> Block:
        """Return the rows that have every part of their key, the same block where all do."""
        for name in self.keys:
            if None in block[name]:
                block = block.where(value is not None for value in block[name])
        return block

    def keys_of(self, block: Block) -> list[Any]:
        """Return the rows' keys, tuples where they have several parts."""
        first, *others = (block[name] for name in self.keys)
        return list(zip(first, *others, strict=True)) if others else list(first)


def _by_column(rows: list[Row]) -> dict[str, Sequence[Any]]:
    """Return what was given for each name that occurs in rows, None where it was not."""
    names = tuple(rows[0]) if rows else ()
    if {names}.issuperset(map(tuple, rows)):
        # Nearly always all rows of a page have the same fields in the same order.
        return dict(zip(names, zip(*map(dict.values, rows), strict=True), strict=True))
    every = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in every}


def _is_plain_text(values: Sequence[Any]) -> bool:
    return "" not in values and TEXT.issuperset(map(type, values))


def _read_each(values: Sequence[Any], read: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    """Return what can be read, and the values that cannot; None in the other's place."""
    typed: list[Any] = [None] * len(values)
    misfits: list[Any] = [None] * len(values)
    for index, value in enumerate(values):
        try:
            typed[index] = None if value is None else read(value)
        except (ValueError, ArithmeticError):
            misfits[index] = value
    return typed, misfits


def _with(extra: Row | None, name: str, misfit: Any) -> Row | None:
    """Return a row's ``extra`` with a value that could not be read, None for one that could."""
    return extra if misfit is None else {**(extra or {}), **without_secrets({name: misfit})} or None
