"""State and catalog files, checked before use."""

from __future__ import annotations

import io
import json
from typing import IO, Any

from clicksend.config import json_object
from clicksend.errors import SettingsError


def checked_state(file: IO[str]) -> IO[str]:
    """Return a state file as the SDK wants it; a whole STATE message will do.

    Raises:
        SettingsError: It is no state.
    """
    state: Any = json_object(file, "--state")
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
    catalog = json_object(file, "--catalog")
    streams = catalog.get("streams")
    if not isinstance(streams, list) or not streams or not all(map(_is_stream, streams)):
        raise SettingsError("The file given with --catalog holds no catalog: make one with --discover.")
    return io.StringIO(json.dumps(catalog))


def _is_stream(entry: Any) -> bool:
    parts = {"tap_stream_id": str, "schema": dict, "metadata": list}
    is_entry = isinstance(entry, dict) and all(
        isinstance(entry.get(name), kind) for name, kind in parts.items()
    )
    return is_entry and _is_schema(entry["schema"])


def _is_schema(schema: Any) -> bool:
    """Return whether the SDK can read a JSON schema: it knows none that is true, and no list of items."""
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties", {})
    items = [schema["items"]] if "items" in schema else []
    return isinstance(properties, dict) and all(map(_is_schema, [*properties.values(), *items]))
