"""What a run is given: settings from files and from the environment, checked before use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from clicksend.errors import SettingsError
from clicksend.logs import hide
from clicksend.typed import Schema, typed


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
    """Return whether there is no NaN and no infinity in it: JSON has neither."""
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict | list):
            parts += part.values() if isinstance(part, dict) else part
        elif isinstance(part, float) and not math.isfinite(part):
            return False
    return True
