"""Times and time zones out of a row's columns: Unix seconds or ISO 8601, IANA names."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clicksend.times import in_utc
from target_clicksend.row import Rejected, Values
from target_clicksend.values import read_plain

UNIX = re.compile(r"(\d{10})(\d{3})?(\.\d+)?", re.ASCII)
"""Seconds from 2001 to 2286, or 13 digits: milliseconds. Fewer or more digits are something else."""
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)


UTC_NAMES = frozenset({"utc", "etc/utc", "gmt", "z"})
"""What people call UTC; other abbreviations, like EST, know no summer time."""


def zone_meant(name: str) -> str:
    """Return the IANA zone that a name means: itself, or UTC under one of its other names."""
    return "UTC" if name.casefold() in UTC_NAMES else name


def read_zone(values: Values) -> str | None:
    """Return the column ``time_zone``, unchecked; None where nothing can be seen in it.

    Raises:
        Rejected: It is not text.
    """
    return zone_meant(read_plain(values, "time_zone")) or None


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone, read once."""
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Return whether a name is an IANA zone like ``Area/City``, or UTC."""
    try:
        # Names without a slash are abbreviations like EST, which know no summer time.
        zone_of(name if "/" in name or name == "UTC" else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def check_zone(name: str) -> None:
    """Check what the column ``time_zone`` holds.

    Raises:
        Rejected: It is not an IANA zone.
    """
    if not is_zone(name):
        raise Rejected("time_zone is not a zone of the IANA data base, like Australia/Perth")


class LocalTimes:
    """The zones of times that name none: the row's ``time_zone``, else the setting of that name, else UTC."""

    def __init__(self, default: str | None = None) -> None:
        self._default = zone_meant(default or "UTC")
        self.read: Counter[tuple[str, str]] = Counter()
        """How many times without a zone were read, by column and the zone they were read in."""

    def placed(self, values: Values, name: str, local: datetime) -> datetime:
        """Return a column's time without a zone as a point in time.

        Raises:
            Rejected: The row's zone is not an IANA zone, or clocks there show the time twice or never.
        """
        if zone := read_zone(values):
            check_zone(zone)
        zone = zone or self._default
        moment = local.replace(tzinfo=zone_of(zone))
        first, second = moment.timestamp(), moment.replace(fold=1).timestamp()
        if first != second:
            comes = (
                "comes twice, as clocks go back" if first < second else "never comes, as clocks go forward"
            )
            raise Rejected(f"{name} has no zone, and in its time zone {comes}: write it with its offset")
        self.read[name, zone] += 1
        return moment


def read_moment(values: Values, name: str, local_times: LocalTimes | None = None) -> int | None:
    """Return a column as Unix seconds, None for null and where nothing can be seen.

    A date alone is refused: midnight would be a guess.

    Args:
        values: The row.
        name: The column.
        local_times: The zones of times that name none; None: all are UTC.

    Raises:
        Rejected: It is not a time, or may be several.
    """
    text = read_plain(values, name)
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
            f"{name} is not a time: it takes Unix seconds, or ISO 8601 with time and zone like"
            " 2026-05-01T09:00:00+10:00"
        )
    if moment.tzinfo is None:
        moment = local_times.placed(values, name, moment) if local_times else in_utc(moment)
    return math.floor(moment.timestamp())
