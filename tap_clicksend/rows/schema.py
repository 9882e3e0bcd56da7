"""A stream's schema, and its rows column by column: parsed, and with personal data kept, hashed or dropped.

A stream's rows all have the same columns. Work that is done for a column at once costs a fraction of what it
costs row by row, and Arrow wants columns anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from typing import Any

import msgspec
from singer_sdk.contrib.msgspec import encoder

from clicksend.hashing import hasher
from tap_clicksend.rows.columns import Column, Row, iso, mapping, read_text, read_time, without_secrets

EXTRA = mapping(
    "Fields that this stream does not know, and values that could not be read; null when there are none.",
    personal=True,
)
TEXT = frozenset({str, type(None)})


@dataclass(frozen=True)
class RecordBatch:
    """Rows, column by column.

    Attributes:
        columns: The values of every column, as many in each as there are rows.
        times: Names of the columns that hold Unix seconds.
    """

    columns: Mapping[str, Sequence[Any]]
    times: frozenset[str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    def get(self, name: str) -> Sequence[Any]:
        """Return a column, None for each row where there is no such column."""
        return self.columns.get(name) or [None] * len(self)

    def filter(self, flags: Iterable[bool]) -> RecordBatch:
        """Return the rows whose flag is true; there is one flag for each row."""
        kept = list(flags)
        columns = {name: list(compress(values, kept)) for name, values in self.columns.items()}
        return replace(self, columns=columns)

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> RecordBatch:
        """Return the same rows with other values in some columns."""
        return replace(self, columns={**self.columns, **columns})

    def rows(self) -> list[Row]:
        """Return each row as a dictionary, times as ISO 8601."""
        columns = self._formatted
        names = tuple(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def json_lines(self) -> bytes:
        """Return a line of JSON for each row, times as ISO 8601."""
        columns = self._formatted
        return encoder.encode_lines(list(map(_row_type(tuple(columns)), *columns.values())))

    @property
    def _formatted(self) -> Mapping[str, Sequence[Any]]:
        times = {name: [None if time is None else iso(time) for time in self[name]] for name in self.times}
        return {**self.columns, **times}


@lru_cache
def _row_type(names: tuple[str, ...]) -> Callable[..., msgspec.Struct]:
    """Return a type that msgspec makes and encodes in half a dictionary's time."""
    fields = {f"column_{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Row", fields, rename=fields, gc=False)


class StreamSchema:
    """The columns of one stream.

    Attributes:
        keys: Names of the key columns, which are never null.
        json_schema: JSON schema of a row, with a description of each column.
    """

    def __init__(self, columns: Mapping[str, Column], keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.json_schema: dict[str, Any] = {
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

    def parse(self, raw_rows: list[Row]) -> RecordBatch:
        """Return the API's rows with every column, each value of its column's type.

        A value that cannot be read leaves its column null and goes into ``extra``, as do unknown fields.
        """
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
        return RecordBatch({**columns, "extra": extra}, self._times)

    def _renamed(self, row: Row) -> Row:
        for old, name in self._old_names.items():
            if old in row and name not in row:
                row = {name if field == old else field: value for field, value in row.items()}
        return row

    def _unknown(self, row: Row) -> Row | None:
        return without_secrets({name: row[name] for name in row if name not in self._readers}) or None

    def with_keys(self, batch: RecordBatch) -> RecordBatch:
        """Return the rows that have every part of their key, the same batch where all do."""
        for name in self.keys:
            if None in batch[name]:
                batch = batch.filter(value is not None for value in batch[name])
        return batch

    def keys_of(self, batch: RecordBatch) -> list[Any]:
        """Return the rows' keys, tuples where they have several parts."""
        first, *others = (batch[name] for name in self.keys)
        return list(zip(first, *others, strict=True)) if others else list(first)


def _by_column(rows: list[Row]) -> dict[str, Sequence[Any]]:
    """Return the values of each field that occurs in rows, None in rows without it."""
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


class Mask:
    """Keeps, hashes or drops the personal columns of one stream, and ``extra``, which can hold anything.

    A hash is an HMAC-SHA256 in hex: the same value has the same hash in every stream, and without the key
    nobody can try all phone numbers.
    """

    def __init__(self, columns: Mapping[str, Column], pii: str, key: str = "") -> None:
        """Prepare.

        Args:
            columns: The stream's columns.
            pii: ``keep``, ``hash`` or ``drop``.
            key: Key of the hashes.
        """
        personal = {name: column for name, column in columns.items() if column.personal}
        hashed = [name for name, column in personal.items() if column.read is read_text and pii == "hash"]
        self._hashed: list[str] = hashed
        self._dropped = [name for name in [*personal, "extra"] if name not in hashed] if pii != "keep" else []
        self._hash = hasher(key) if hashed else str

    def __call__(self, batch: RecordBatch) -> RecordBatch:
        """Return the rows, masked."""
        dropped = {name: [None] * len(batch) for name in self._dropped}
        hashed = {name: [value and self._hash(value) for value in batch[name]] for name in self._hashed}
        return batch.with_columns({**dropped, **hashed})
