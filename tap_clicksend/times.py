"""Times as columns and states spell them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clicksend.errors import SettingsError


def iso(seconds: int) -> str:
    """Return Unix seconds as time columns spell them; such strings sort by time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def seconds_of(value: Any, stream: str) -> int:
    """Read a time from the state of a stream, as Unix seconds.

    Raises:
        SettingsError: It is none.
    """
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise SettingsError(
            f"The state of {stream} holds no date where one is due: repair or clear it."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
