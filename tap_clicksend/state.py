"""The state: checked before use, and the times in it."""

from __future__ import annotations

import io
import json
from typing import IO, Any

from clicksend.config import json_object
from clicksend.errors import SettingsError
from clicksend.times import parse_iso


def checked_state(file: IO[str]) -> IO[str]:
    """Return a state file as the SDK reads it; a whole STATE message will do.

    Raises:
        SettingsError: It does not hold a valid state.
    """
    state: Any = json_object(file, "--state")
    if state.get("type") == "STATE":
        state = state.get("value")
    bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(isinstance(part, dict) for part in bookmarks.values()):
        raise SettingsError(
            "The file given with --state is not a valid state: repair it, or leave it out to read all."
        )
    return io.StringIO(json.dumps(state))


def seconds_of(value: Any, stream: str) -> int:
    """Return a time in the state of a stream as Unix seconds.

    Raises:
        SettingsError: It is not a valid ISO 8601 time.
    """
    try:
        return int(parse_iso(value).timestamp())
    except (TypeError, ValueError):
        raise SettingsError(
            f"The state of {stream} has something that is not a valid date where a date must be: repair or"
            " clear it."
        ) from None
