"""Time zones of recipients.

A number tells little more than its country: a row without ``time_zone`` is in all zones of its number. Those
are what the phone library says, whose data are narrow or wrong for many countries (Moroccans are in the
Canaries, all Indonesian mobiles in Jakarta), and what IANA's table has for the number's country. In the USA
and Canada the area code says more than the country, so there the library's zones stay.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from target_clicksend.gates.message import Message
from target_clicksend.row import Rejected

UNKNOWN_ZONE = "Etc/Unknown"
BY_AREA_CODE = ("US", "CA")
"""Regions whose area codes say more than the country."""
NOT_IN_TABLE = {"AC": "SH", "TA": "SH", "XK": "RS"}
"""Regions of the phone library that IANA's table has as part of another, or not at all."""


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
    """Return the zones that an E.164 number may be in, sorted; none where nothing is known of it."""
    # Imported here: only quiet hours need its data.
    from phonenumbers import (  # noqa: PLC0415
        COUNTRY_CODE_TO_REGION_CODE,
        NumberParseException,
        parse,
        region_code_for_number,
    )
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415

    try:
        parsed = parse(number)
    except NumberParseException:
        return ()
    named = tuple(zone for zone in time_zones_for_number(parsed) if zone != UNKNOWN_ZONE)
    region = region_code_for_number(parsed)
    if named and region in BY_AREA_CODE:
        return named
    return _with_countries(
        named, (region,) if region else COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ())
    )


@lru_cache(maxsize=4096)
def _with_countries(named: tuple[str, ...], regions: tuple[str, ...]) -> tuple[str, ...]:
    """Return zones and those of whole countries."""
    table = _zones_of_countries()
    return tuple(sorted({*named, *(zone for one in regions for zone in table[NOT_IN_TABLE.get(one, one)])}))


@cache
def _zones_of_countries() -> defaultdict[str, list[str]]:
    """Return IANA's zones by ISO 3166 code, as the installed tzdata has them."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            countries, _, zone, *_ = line.split("\t")
            for country in countries.split(","):
                found[country].append(zone)
    return found


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone, read once."""
    return ZoneInfo(name)
