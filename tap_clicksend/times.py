"""Times as columns and states spell them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from clicksend.errors import SettingsError
from clicksend.times import parse_iso


def iso(seconds: int) -> str:
    """Return Unix seconds as time columns spell them, ``YYYY-MM-DDTHH:MM:SS+00:00``; these sort by time."""
    return _hour(seconds // 3600) + _IN_AN_HOUR[seconds % 3600]


@lru_cache(maxsize=4096)
def _hour(hours: int) -> str:
    """Return the beginning of all times in one hour since 1970; most rows of a page share it."""
    return datetime.fromtimestamp(hours * 3600, UTC).isoformat(timespec="hours")[: len("YYYY-MM-DDTHH")]


_IN_AN_HOUR = [f":{seconds // 60:02}:{seconds % 60:02}+00:00" for seconds in range(3600)]


def seconds_of(value: Any, stream: str) -> int:
    """Read a time from the state of a stream, as Unix seconds.

    Raises:
        SettingsError: It is not a time.
    """
    try:
        return int(parse_iso(value).timestamp())
    except (TypeError, ValueError):
        raise SettingsError(
            f"The state of {stream} holds no date where one is due: repair or clear it."
        ) from None
