"""Times out of a row's columns: Unix seconds, or ISO 8601."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from target_clicksend.row import Rejected, Values
from target_clicksend.values import read_text

UNIX = re.compile(r"(\d{10})(\d{3})?(\.\d+)?", re.ASCII)
"""Seconds from 2001 to 2286, or 13 digits: milliseconds. Fewer or more digits are something else."""
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)


def read_moment(values: Values, name: str) -> int | None:
    """Return a column as Unix seconds, None for null and ``""``; a time without a zone is UTC.

    A date alone is refused: midnight would be a guess.

    Raises:
        Rejected: It is no time.
    """
    text = read_text(values, name)
    if not text:
        return None
    if unix := UNIX.fullmatch(text):
        return int(unix[1])
    try:
        moment = datetime.fromisoformat(text) if ISO.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise Rejected(
            f"{name} is no time: it takes Unix seconds, or ISO 8601 with time and zone like"
            " 2026-05-01T09:00:00+10:00"
        )
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
