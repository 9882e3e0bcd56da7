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
        self._readers = [(name, (name, *column.old_names), column.read) for name, column in columns.items()]
        self._known = {name for _, names, _ in self._readers for name in names}

    def row(self, raw: Row) -> Row:
        """Return the API's row with every column, each of its one type."""
        row: Row = {}
        unread: Row = {}
        for name, names, read in self._readers:
            value = next((raw[spelling] for spelling in names if spelling in raw), None)
            try:
                row[name] = read(value)
            except (ValueError, ArithmeticError):
                row[name], unread[name] = None, value
        if unread or not raw.keys() <= self._known:
            unread.update((name, raw[name]) for name in raw.keys() - self._known)
        row["extra"] = without_secrets(unread) or None
        return row

    def key(self, row: Row) -> tuple[Any, ...] | None:
        """Return a row's key, None where part of it is missing."""
        key = tuple(row[name] for name in self.keys)
        return None if None in key else key
