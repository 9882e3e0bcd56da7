"""Checks of settings against their JSON schemas, in sentences that never quote a value."""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from clicksend.config import Schema
from clicksend.errors import SettingsError
from clicksend.text import is_blank

LARGEST_INTEGER = 2**63 - 1

LIMITS: dict[str, Schema] = {
    "flattening_max_depth": {"minimum": 0},
    "flattening_max_key_length": {"minimum": 1},
}
"""What the SDK's own schemas lack."""
MAY_BE_EMPTY = ("stream_maps", "stream_map_config", "faker_config")
"""Settings of the SDK that plugin definitions of projects often leave empty."""
REMOVED = (None, "__NULL__")
"""What stands for a stream or column that is left out."""


def check(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> None:
    """Check a config against the JSON schemas of its settings, without ever quoting a value.

    Raises:
        SettingsError: With one sentence for each setting that is unknown or wrong.
    """
    others = {name: value for name, value in config.items() if name != "stream_maps"}
    problems = [*_unknown(config, properties), *_wrong(others, properties), *_empty(config, properties)]
    if "stream_maps" in config:
        problems += _wrong_maps(config["stream_maps"])
    if problems:
        raise SettingsError(" ".join(dict.fromkeys(problems)))


def _unknown(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> Iterator[str]:
    for name in config:
        if name not in properties:
            near = difflib.get_close_matches(name, properties, n=1)
            yield f"Unknown setting {name}" + (f": did you mean {near[0]}?" if near else ".")


def _wrong(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> Iterator[str]:
    limited = {name: schema | LIMITS.get(name, {}) for name, schema in properties.items()}
    validator = Validator({"type": "object", "properties": limited})
    for error in validator.iter_errors(dict(config)):
        yield f"Setting {'.'.join(map(str, error.absolute_path))} {_rule(error)}."
    if config.get("flattening_enabled") is True and "flattening_max_depth" not in config:
        yield "Setting flattening_enabled needs flattening_max_depth."


def _empty(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> Iterator[str]:
    """Yield a sentence for each setting that is an empty list or object."""
    for name, value in config.items():
        schema = properties.get(name, {})
        if name in MAY_BE_EMPTY:
            continue
        if value in ({}, []) and value != schema.get("default") and not {"required", "minItems"} & {*schema}:
            yield f"Setting {name} must not be empty: leave it out instead."


def _rule(error: ValidationError) -> str:
    """Return the rule that a value breaks, as a clause."""
    limit: Any = error.validator_value
    value: Any = error.instance
    schema: Any = error.schema
    if error.validator == "type":
        return _type_wanted(value, limit)
    if error.validator == "required":
        return f"needs {' and '.join(name for name in limit if name not in value)}"
    return {
        "enum": f"must be {_either(limit)}",
        "minLength": f"must have at least {limit} characters",
        "minItems": "must not be empty",
        "minimum": f"must be at least {limit}",
        "maximum": f"must be at most {limit}",
        "pattern": str(schema.get("fits")),
        "additionalProperties": f"may have {_either([*schema.get('properties', {})])} only",
        "exclusiveMinimum": f"must be greater than {limit}",
    }.get(str(error.validator), f"breaks the rule {error.validator}: {limit}")


def _type_wanted(value: Any, wanted: Any) -> str:
    if isinstance(value, str) and is_blank(value):
        return "must not be blank"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    return f"must be of type {_either(wanted)}"


def _either(options: Any) -> str:
    return " or ".join(map(str, options)) if isinstance(options, list) else str(options)


def _wrong_maps(maps: Any) -> Iterator[str]:
    """Yield a sentence for each entry of ``stream_maps`` that is wrong.

    The SDK's own schema of it is broken, and its errors quote values.
    """
    if not isinstance(maps, dict):
        yield "Setting stream_maps must be of type object."
        return
    for stream, stream_map in maps.items():
        if stream == "__else__" or not isinstance(stream_map, dict):
            if stream_map not in REMOVED:
                allowed = "null" if stream == "__else__" else "an object or null"
                yield f"Setting stream_maps.{stream} must be {allowed}."
        elif stream.startswith("__"):
            yield f"Setting stream_maps.{stream} must be the name of a stream."
        else:
            for name, value in stream_map.items():
                if must := _must(name, value):
                    yield f"Setting stream_maps.{stream}.{name} must be {must}."


def _must(name: str, value: Any) -> str | None:
    """Return what an entry of a stream map must be, None when it is that."""
    if name == "__else__":
        return None if value in REMOVED else "null"
    if name == "__key_properties__":
        is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if value is None or is_list else "a list of columns"
    if name in ("__alias__", "__source__"):
        return None if isinstance(value, str) else "the name of a stream"
    return None if (name != "__filter__" and value in REMOVED) or is_expression(value) else "an expression"


def is_expression(value: Any) -> bool:
    """Return whether a value is one that the SDK's stream maps can evaluate, as far as its form says."""
    try:
        return isinstance(value, str) and isinstance(ast.parse(value).body[0], ast.Expr)
    except (SyntaxError, ValueError, IndexError):
        return False


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
"""Takes no blank text, NaN, infinity or integer that fits nowhere for the value of a setting."""
