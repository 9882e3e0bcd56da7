"""The API's rows turned into a stream's rows: every column, each of its one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tap_clicksend.columns import Column, Row, mapping, without_secrets

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
        self._readers = [(name, column.read) for name, column in columns.items()]
        self._renamed = [(old, name) for name, column in columns.items() for old in column.old_names]
        self._known = columns.keys()

    def row(self, raw: Row) -> Row:
        """Return the API's row with every column, each of its one type."""
        for old, name in self._renamed:
            if old in raw and name not in raw:
                raw = {name if field == old else field: value for field, value in raw.items()}
        row: Row = {}
        unread: Row = {}
        for name, read in self._readers:
            value = raw.get(name)
            try:
                row[name] = None if value is None else read(value)
            except (ValueError, ArithmeticError):
                row[name], unread[name] = None, value
        if not raw.keys() <= self._known:
            unread.update((name, value) for name, value in raw.items() if name not in self._known)
        row["extra"] = (without_secrets(unread) or None) if unread else None
        return row

    def key(self, row: Row) -> tuple[Any, ...]:
        """Return a row's key."""
        return tuple(row[name] for name in self.keys)
