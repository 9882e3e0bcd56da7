"""Time zones of recipients.

A number tells little more than its country: a row without ``time_zone`` is in all zones of its number.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from target_clicksend.gates.message import Message
from target_clicksend.row import Rejected

UNKNOWN_ZONE = "Etc/Unknown"


def zones_of(message: Message) -> tuple[str, ...]:
    """Return the zones that a recipient may be in: the row's, else all that the number allows.

    Raises:
        Rejected: There is none.
    """
    if message.time_zone is None:
        zones = zones_of_number(message.to)
        if not zones:
            raise Rejected("nobody knows the zone of this number: add a column time_zone")
        return zones
    check_zone(message.time_zone)
    return (message.time_zone,)


def check_zone(name: str) -> None:
    """Check what the column ``time_zone`` holds.

    Raises:
        Rejected: It is no zone.
    """
    if not is_zone(name):
        raise Rejected("time_zone is no zone of the IANA data base, like Australia/Perth")


def is_zone(name: str) -> bool:
    """Return whether a name is an IANA zone like ``Area/City``, or UTC."""
    try:
        # Names without a slash are abbreviations like EST, which know no summer time.
        zone_of(name if "/" in name or name == "UTC" else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zones_of_number(number: str) -> tuple[str, ...]:
    """Return the zones that an E.164 number may be in; none where nothing is known of it."""
    # Imported here: only quiet hours need its data.
    from phonenumbers import NumberParseException, parse  # noqa: PLC0415
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415

    try:
        return tuple(zone for zone in time_zones_for_number(parse(number)) if zone != UNKNOWN_ZONE)
    except NumberParseException:
        return ()


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone, read once."""
    return ZoneInfo(name)
