"""Settings made of one type, whichever way they came: Python, a config file, Meltano, the environment.

The SDK reads a file's fractions as ``Decimal``, and the environment knows text only. Nothing behind this
meets either where a number is meant.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from clicksend.characters import is_blank

Schema = dict[str, Any]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
LARGEST_INTEGER = 2**63 - 1
LARGEST_EXPONENT = 18
"""Of numbers that may become integers: what is larger is none that a setting could mean."""
FLAGS = {"true": True, "false": False}


def typed(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Return what is set: each number as int, else float, and text as what it stands for.

    What cannot be read stays as it is, for ``settings.check`` to name. Null and ``""`` count as unset, as
    Meltano passes them.

    Args:
        config: Settings by name.
        properties: Their JSON schemas; settings without one stay as they are.
    """
    return {
        name: _whole(value, properties.get(name, {}))
        for name, value in config.items()
        if value is not None and value != ""
    }


def _whole(value: Any, schema: Schema) -> Any:
    try:
        return _typed(value, schema)
    except RecursionError:
        return value


def kinds(schema: Schema) -> list[str]:
    """Return the JSON types that a schema allows, none where it names none."""
    named: str | list[str] = schema.get("type", [])
    return [named] if isinstance(named, str) else named


def _typed(value: Any, schema: Schema) -> Any:
    allowed = kinds(schema)
    if isinstance(value, str) and allowed and "string" not in allowed:
        value = _read(value, allowed)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        other = others if isinstance(others, dict) else {}
        return {
            name: _typed(one, known.get(name, other))
            for name, one in value.items()
            if one not in (None, "") or not _may_be_left_out(known.get(name, {}))
        }
    if isinstance(value, list):
        return [_typed(one, schema.get("items", {})) for one in value]
    return value


def _may_be_left_out(schema: Schema) -> bool:
    return bool(kinds(schema)) and "null" not in kinds(schema)


def _read(text: str, allowed: list[str]) -> Any:
    stripped = text.strip()
    if {"number", "integer"} & {*allowed}:
        return Decimal(stripped) if NUMBER.fullmatch(stripped) else text
    if "boolean" in allowed:
        return FLAGS.get(stripped.lower(), text)
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return text
    return value if isinstance(value, dict | list) else text


def _number(value: float | Decimal) -> float:
    exact = Decimal(str(value))
    if exact.is_nan():
        return math.nan
    if exact.is_infinite() or exact.adjusted() > LARGEST_EXPONENT:
        return float(exact)
    return int(exact) if exact == int(exact) else float(exact)


def _is_number(checker: Any, value: Any) -> bool:
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_INTEGER


def _is_text(_: Any, value: Any) -> bool:
    return isinstance(value, str) and not is_blank(value)


Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"string": _is_text, "number": _is_number, "integer": _is_integer}
    ),
)
"""Knows blanks, NaN, infinity and numbers that fit nowhere for what they are: no setting."""
