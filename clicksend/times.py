"""Points in time as ClickSend, settings, states and tables write them."""

from __future__ import annotations

from datetime import UTC, datetime

FIRST_MILLISECOND = 10**11
"""Numbers from here on (13 digits in our age) are milliseconds: the API stores them unchanged (observed)."""


def parse_iso(text: str) -> datetime:
    """Return a date or time in ISO 8601 as UTC; one without a zone is taken for UTC.

    Raises:
        TypeError: It is not text.
        ValueError: It is not ISO 8601, or lies outside the years 1 to 9999.
    """
    return in_utc(datetime.fromisoformat(text))


def in_utc(moment: datetime) -> datetime:
    """Return a point in time as UTC; one without a zone is taken for UTC.

    Raises:
        ValueError: It lies outside the years 1 to 9999.
    """
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("the time lies outside the years 1 to 9999") from None


def unix_seconds(number: int) -> int:
    """Return Unix seconds; a number that is too large for them is milliseconds."""
    return number // 1000 if abs(number) >= FIRST_MILLISECOND else number
