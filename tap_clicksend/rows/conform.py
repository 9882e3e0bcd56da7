"""Rows that stream maps made, converted to the types in their schema.

The SDK guesses an expression's type from how it begins, text where it cannot: its values are often
of another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from clicksend.errors import SettingsError
from tap_clicksend.rows.columns import Row
from tap_clicksend.rows.encode import json_text, plain_number

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
"""JSON's types by Python's; values of all others, such as times, are written as text."""


class Conformer:
    """Converts the rows of one stream to the types in its schema."""

    def __init__(self, name: str, schema: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            name: The name that the rows go out under.
            schema: Their JSON schema, with a type for each column.
        """
        self._name = name
        self._columns: Mapping[str, Mapping[str, Any]] = schema["properties"]
        # Most values fit as they are: one look tells.
        self._fitting = {
            column: {python for python, kind in JSON_TYPES.items() if kind in _types(schema)} - {float, list}
            for column, schema in self._columns.items()
        }

    def __call__(self, row: Row) -> Row:
        """Convert the values that are not of their column's type, in place; return the row.

        Raises:
            SettingsError: A value cannot be converted without loss.
        """
        for column, value in row.items():
            if type(value) not in self._fitting[column]:
                try:
                    row[column] = _converted(value, self._columns[column])
                except ValueError:
                    kind, wanted = _json_type(value), "/".join(sorted(_types(self._columns[column])))
                    raise SettingsError(
                        f"Setting stream_maps makes {kind} of {self._name}.{column}, whose schema says"
                        f" {wanted}: write str(), int(), float() or bool() around the expression."
                    ) from None
        return row


def _types(column: Mapping[str, Any]) -> set[str]:
    named = column.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def _json_type(value: Any) -> str:
    return JSON_TYPES.get(type(value), "string")


def _converted(value: Any, column: Mapping[str, Any]) -> Any:
    """Return a value in one of a column's types.

    Raises:
        ValueError: No type of the column can hold it.
    """
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no other word for it.
        value = None
    types, kind = _types(column), _json_type(value)
    if kind in types or not types:
        items = column.get("items") if kind == "array" else None
        return [_converted(part, items) for part in value] if items else value
    if kind == "boolean" and not types.isdisjoint({"integer", "number"}):
        return int(value)
    if kind == "integer" and "number" in types:
        return value
    if kind == "number" and "integer" in types and value == int(value):
        return int(value)
    if kind == "null" or "string" not in types:
        raise ValueError
    return plain_number(value) if isinstance(value, Decimal) else json_text(value)
