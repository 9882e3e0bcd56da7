"""What a run is given: settings from files and from the environment, checked before use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from clicksend.errors import SettingsError
from clicksend.settings import Schema


def read_setting(text: str, schema: Schema) -> Any:
    """Return a setting out of its text in the environment; what cannot be read stays text."""
    if "string" in schema["type"]:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def with_defaults(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Return what is set, and the defaults of the rest; Meltano passes unset settings as ``""``."""
    given = {name: value for name, value in config.items() if value is not None and value != ""}
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema} | given


def check_config(path: str) -> None:
    """Check a config file.

    Raises:
        SettingsError: It is missing, or no JSON object.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            json_object(file, "--config")
    except OSError:
        raise SettingsError("The file given with --config cannot be read: check its name.") from None


def json_object(file: IO[str], option: str) -> dict[str, Any]:
    """Return the object in a JSON file that was given with an option.

    Raises:
        SettingsError: It holds something else.
    """
    try:
        content = json.load(file)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"The file given with {option} is no JSON object.")
    return content
