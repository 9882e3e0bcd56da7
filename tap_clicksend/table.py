"""The API's rows turned into a stream's rows: every column, each of its one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from tap_clicksend.columns import Column, Row, mapping, read_text, without_secrets

EXTRA = mapping(
    "Fields that this stream does not know, and values that could not be read; null when there are none.",
    personal=True,
)


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
        self._texts = [name for name, column in columns.items() if column.read is read_text]
        self._readers = {name: column.read for name, column in columns.items()}
        self._others = [(name, read) for name, read in self._readers.items() if read is not read_text]
        self._renamed = [(old, name) for name, column in columns.items() for old in column.old_names]

    def row(self, raw: Row) -> Row:
        """Return the API's row with every column, each of its one type."""
        for old, name in self._renamed:
            if old in raw and name not in raw:
                raw = {name if field == old else field: value for field, value in raw.items()}
        row = self._blank.copy()
        odd = []
        # Most values are text as it should be: a call for each would take half of all the time.
        for name in self._texts:
            value = raw.get(name)
            if value.__class__ is str:
                row[name] = value or None
            elif value is not None:
                odd.append((name, read_text))
        unread: Row = {}
        for name, read in [*self._others, *odd] if odd else self._others:
            value = raw.get(name)
            if value is not None:
                try:
                    row[name] = read(value)
                except (ValueError, ArithmeticError):
                    unread[name] = value
        if unread or not raw.keys() <= self._readers.keys():
            unread.update((name, value) for name, value in raw.items() if name not in self._readers)
            row["extra"] = without_secrets(unread) or None
        return row

    def whole(self, rows: list[Row]) -> list[Row]:
        """Return the rows that have every part of their key, the same list where all do."""
        for name in self.keys:
            if None in map(itemgetter(name), rows):
                rows = [row for row in rows if row[name] is not None]
        return rows

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return a row's key."""
        return tuple(row[name] for name in self.keys)
