"""What a run is given besides its config file: environment, state and catalog, checked before use."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import IO, Any

from clicksend.errors import SettingsError


def read_setting(text: str, schema: dict[str, Any]) -> Any:
    """Return a setting out of its text in the environment; what cannot be read stays text."""
    if "string" in schema["type"]:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def check_config(path: str) -> None:
    """Check a config file.

    Raises:
        SettingsError: It is missing, or no JSON object.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            _object(file, "--config")
    except OSError:
        raise SettingsError("The file given with --config cannot be read: check its name.") from None


def checked_state(file: IO[str]) -> IO[str]:
    """Return a state file as the SDK wants it; a whole STATE message will do.

    Raises:
        SettingsError: It is no state.
    """
    state: Any = _object(file, "--state")
    if state.get("type") == "STATE":
        state = state.get("value")
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(isinstance(part, dict) for part in bookmarks.values()):
        raise SettingsError(
            "The file given with --state holds no state: repair it, or leave it out to read all."
        )
    return io.StringIO(json.dumps(state))


def checked_catalog(file: IO[str]) -> IO[str]:
    """Return a catalog file.

    Raises:
        SettingsError: It is no catalog.
    """
    catalog = _object(file, "--catalog")
    streams = catalog.get("streams")
    if not isinstance(streams, list) or not streams or not all(map(_is_stream, streams)):
        raise SettingsError("The file given with --catalog holds no catalog: make one with --discover.")
    return io.StringIO(json.dumps(catalog))


def _is_stream(entry: Any) -> bool:
    parts = {"tap_stream_id": str, "schema": dict, "metadata": list}
    return isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in parts.items())


def _object(file: IO[str], option: str) -> dict[str, Any]:
    try:
        content = json.load(file)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"The file given with {option} is no JSON object.")
    return content
