"""The gate for quiet hours, which are the recipient's.

A number tells little more than its country: a row without ``time_zone`` is in all zones of its number. Those
are what the phone library says, whose data are narrow or wrong for many countries (Moroccans are in the
Canaries, all Indonesian mobiles in Jakarta), and what IANA's table has for the number's country. In the USA
and Canada the area code says more than the country, so there the library's zones stay.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo

from target_clicksend.messages.message import Message
from target_clicksend.messages.moments import check_zone, zone_of
from target_clicksend.row import Postponed, Rejected

DAY = 24 * 60
LOOK_AHEAD = 3 * DAY
"""Minutes; what is open at no time of three days is open on no other day."""
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


def check_quiet_hours(setting: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the setting ``quiet_hours``, None when nothing is."""
    wrong = [name for name in ("start", "end") if not TIME.fullmatch(str(setting.get(name, "")))]
    if wrong:
        return f"needs {' and '.join(wrong)} as a time like 21:00, in quotes"
    if setting["start"] == setting["end"]:
        return "has the same start and end: that may be the whole day or none of it"
    return None


@dataclass(frozen=True)
class QuietHours:
    """Minutes of the day from ``start`` up to ``end``, which may be on the next day."""

    start: int
    end: int
    policy: Literal["schedule", "hold"] = "schedule"

    @classmethod
    def from_setting(cls, setting: Mapping[str, Any]) -> QuietHours:
        """Return what a checked setting says."""
        return cls(_minute(setting["start"]), _minute(setting["end"]), setting.get("policy", "schedule"))

    def place(self, message: Message, now: datetime) -> int | None:
        """Return the schedule (Unix seconds, None for now) with which a message is sent in open hours.

        Raises:
            Postponed: It must wait, and ``policy`` says that its row does.
            Rejected: Nobody knows the recipient's zone, or there is no minute for it.
        """
        if message.is_transactional:
            return message.schedule
        at = now if message.schedule is None else max(now, datetime.fromtimestamp(message.schedule, UTC))
        opens = self.next_open(at, zones_of(message))
        if opens == at:
            return message.schedule
        if self.policy == "schedule":
            return int(opens.timestamp())
        if at > now:
            raise Rejected(
                "its schedule is in the recipient's quiet hours: correct it, or set policy to schedule"
            )
        raise Postponed("quiet hours where the recipient is")

    def next_open(self, at: datetime, zones: tuple[str, ...]) -> datetime:
        """Return a time if it is open in all zones, else the first minute after it that is.

        Raises:
            Rejected: There is none.
        """
        minute = int(at.timestamp()) // 60
        opens = _next_open(self, minute, zones)
        if opens is None:
            raise Rejected(
                "no minute of the day is outside quiet hours in all zones that the number may be in: add a"
                " column time_zone"
            )
        return at if opens == minute else datetime.fromtimestamp(opens * 60, UTC)

    def wait(self, minute: int, zone: ZoneInfo) -> int:
        """Return how many minutes from a time on are quiet in a zone, or some of them.

        Args:
            minute: Unix minutes.
            zone: The zone.
        """
        local = datetime.fromtimestamp(minute * 60, zone)
        since_start = (local.hour * 60 + local.minute - self.start) % DAY
        wait = (self.end - self.start) % DAY - since_start
        if wait <= 0:
            return 0
        # Where clocks change meanwhile, go minute by minute.
        same = datetime.fromtimestamp((minute + wait) * 60, zone).utcoffset() == local.utcoffset()
        return wait if same else 1


@lru_cache(maxsize=4096)
def _next_open(quiet: QuietHours, minute: int, zones: tuple[str, ...]) -> int | None:
    last = minute + LOOK_AHEAD
    while minute <= last:
        wait = max(quiet.wait(minute, zone_of(zone)) for zone in zones)
        if not wait:
            return minute
        minute += wait
    return None


def _minute(time: str) -> int:
    hour, _, minute = time.partition(":")
    return int(hour) * 60 + int(minute)


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
