"""What stream maps made, in the types that their schema says.

The SDK guesses an expression's type from how it begins, text where it cannot: what comes of it is often
something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from clicksend.errors import SettingsError
from tap_clicksend.catalog import json_text, plain_number
from tap_clicksend.columns import Row

JSON_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    str: "string",
    list: "array",
    tuple: "array",
    set: "array",
    dict: "object",
}
"""Types of JSON by those of Python; all others, such as times, are written as text."""


class Fit:
    """Makes rows of one name fit its schema."""

    def __init__(self, name: str, schema: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            name: The name that the rows go out under.
            schema: Their JSON schema; its columns name types.
        """
        self._name = name
        self._columns: Mapping[str, Mapping[str, Any]] = schema["properties"]
        # Most values fit: found out by one look.
        self._fitting = {
            column: {python for python, kind in JSON_TYPES.items() if kind in _types(said)} - {float, list}
            for column, said in self._columns.items()
        }

    def __call__(self, row: Row) -> Row:
        """Give each value the type that its column has, where that loses nothing; return the same row.

        Raises:
            SettingsError: It would lose something.
        """
        for column, value in row.items():
            if type(value) not in self._fitting[column]:
                try:
                    row[column] = _fitted(value, self._columns[column])
                except ValueError:
                    kind, said = _json_type(value), "/".join(sorted(_types(self._columns[column])))
                    raise SettingsError(
                        f"Setting stream_maps makes {kind} of {self._name}.{column}, whose schema says"
                        f" {said}: write str(), int(), float() or bool() around the expression."
                    ) from None
        return row


def _types(column: Mapping[str, Any]) -> set[str]:
    said = column.get("type", ())
    return {said} if isinstance(said, str) else set(said)


def _json_type(value: Any) -> str:
    return JSON_TYPES.get(type(value), "string")


def _fitted(value: Any, column: Mapping[str, Any]) -> Any:
    """Return a value in one of a column's types.

    Raises:
        ValueError: It is of none, and none can hold it.
    """
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no other word for it.
        value = None
    types, kind = _types(column), _json_type(value)
    if kind in types or not types:
        items = column.get("items") if kind == "array" else None
        return [_fitted(part, items) for part in value] if items else value
    if kind == "boolean" and not types.isdisjoint({"integer", "number"}):
        return int(value)
    if kind == "integer" and "number" in types:
        return value
    if kind == "number" and "integer" in types and value == int(value):
        return int(value)
    if kind == "null" or "string" not in types:
        raise ValueError
    return plain_number(value) if isinstance(value, Decimal) else json_text(value)
