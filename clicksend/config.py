"""The config of a command: read from a file or from the environment, each setting of its own type.

The SDK reads a file's fractions as ``Decimal``, and the environment knows text only. Nothing behind this
meets either where a number is meant.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from clicksend.errors import SettingsError
from clicksend.logs import hide

Schema = dict[str, Any]
"""The JSON schema of a setting; ``fits`` in it is what a person is told instead of its pattern."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
LARGEST_EXPONENT = 18
"""Of numbers that may become integers; no setting means a larger one."""
FLAGS = {"true": True, "false": False}


def load_config(
    path: str | Path | None, properties: Mapping[str, Schema] | None = None, env_prefix: str | None = None
) -> dict[str, Any]:
    """Return the settings that a command is given, and the defaults of the rest.

    Args:
        path: The file given with ``--config``, None without one.
        properties: JSON schemas of the command's settings; others keep the type that they have.
        env_prefix: What the variables begin with that are read when there is no file, None for no variables.

    Raises:
        SettingsError: The file cannot be read, or does not hold settings.
    """
    properties = properties or {}
    if path is not None:
        given = read_config(path)
    elif env_prefix is not None:
        variables = {name: os.environ.get(f"{env_prefix}{name.upper()}") for name in properties}
        given = {name: text for name, text in variables.items() if text}
    else:
        given = {}
    return with_defaults(given, properties)


def with_defaults(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Return what is set, each setting of its own type, and the defaults of the rest.

    Secrets among them are hidden in logs from then on.
    """
    hide(*(str(value) for name, value in config.items() if properties.get(name, {}).get("secret") and value))
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return defaults | typed(config, properties)


def read_config(path: str | Path) -> dict[str, Any]:
    """Return the settings in a config file, which is opened once: what comes through a pipe is gone then.

    Raises:
        SettingsError: It is missing, not a valid JSON object, or holds a number that JSON does not have.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            content = json_object(file, "--config")
    except OSError:
        raise SettingsError("The file given with --config cannot be read: check its name.") from None
    for name, value in content.items():
        if not _is_finite(value):
            raise SettingsError(f"Setting {name} must be a finite number.")
    return content


def json_object(file: IO[str], option: str) -> dict[str, Any]:
    """Return the object in a JSON file that was given with an option.

    Raises:
        SettingsError: It holds something else.
    """
    try:
        content = json.load(file)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"The file given with {option} is not a valid JSON object.")
    return content


def _is_finite(value: Any) -> bool:
    """Return whether a value holds neither NaN nor infinity, which JSON does not have."""
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict | list):
            parts += part.values() if isinstance(part, dict) else part
        elif isinstance(part, float) and not math.isfinite(part):
            return False
    return True


def typed(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Return what is set: each number as int, else float, and text as what it stands for.

    What cannot be read stays as it is, for ``validation.check`` to name. Null and ``""`` count as unset, as
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
