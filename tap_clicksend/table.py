"""The API's rows turned into a stream's rows: every column, each of its one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from tap_clicksend.columns import Column, Row, mapping, read_text, without_secrets

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
        self._blank: Row = dict.fromkeys([*columns, "extra"])
        self._readers = {name: column.read for name, column in columns.items()}
        self._renamed = [(old, name) for name, column in columns.items() for old in column.old_names]

    def rows(self, raw_rows: list[Row]) -> list[Row]:
        """Return the API's rows with every column, each of its one type."""
        rows = list(map(self._with_all_columns, raw_rows))
        for name, read in self._readers.items():
            # Most of it is text as it should be: asked value by value, that would take half of all the time.
            if read is not read_text or not _is_plain_text([row[name] for row in rows]):
                _read_column(rows, name, read)
        return rows

    def _with_all_columns(self, raw: Row) -> Row:
        for old, name in self._renamed:
            if old in raw and name not in raw:
                raw = {name if field == old else field: value for field, value in raw.items()}
        row = self._blank | raw
        if len(row) > len(self._blank) or row["extra"] is not None:
            row = self._blank | {name: value for name, value in raw.items() if name in self._readers}
            _set_aside(row, {name: value for name, value in raw.items() if name not in self._readers})
        return row

    def whole(self, rows: list[Row]) -> list[Row]:
        """Return the rows that have every part of their key, the same list where all do."""
        for name in self.keys:
            if None in map(itemgetter(name), rows):
                rows = [row for row in rows if row[name] is not None]
        return rows

    def keys_of(self, rows: list[Row]) -> list[Any]:
        """Return the rows' keys, tuples where they have several parts."""
        return list(map(itemgetter(*self.keys), rows))


def _is_plain_text(values: list[Any]) -> bool:
    return "" not in values and TEXT.issuperset(map(type, values))


def _read_column(rows: list[Row], name: str, read: Callable[[Any], Any]) -> None:
    for row in rows:
        value = row[name]
        if value is not None:
            try:
                row[name] = read(value)
            except (ValueError, ArithmeticError):
                row[name] = None
                _set_aside(row, {name: value})


def _set_aside(row: Row, values: Row) -> None:
    row["extra"] = {**(row["extra"] or {}), **without_secrets(values)} or None
