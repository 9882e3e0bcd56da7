"""Zones of numbers: every clock of the number's country counts, whatever the phone library says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from target_clicksend.messages.gates.quiet_hours import (
    BY_AREA_CODE,
    NOT_IN_TABLE,
    QuietHours,
    zones_of_number,
)
from target_clicksend.row import Postponed
from tests.target.messages.gates.cases import message

YEAR = [datetime(2026, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=12 * n) for n in range(730)]
"""Each half day: winter, summer, Ramadan, and the days around every change of the clocks."""
WINTER, SUMMER = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)
MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS - set(BY_AREA_CODE))


@cache
def clock(zone):
    """Return a zone's offsets in the course of the year."""
    return tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in YEAR)


@cache
def clocks(zones):
    """Return the offsets in force in some zones, by half day."""
    return [set(offsets) for offsets in zip(*map(clock, zones), strict=True)]


def countries():
    """Return the zones of countries by the table that the code does not read."""
    table = {}
    for line in files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("ascii").splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            table.setdefault(country, []).append(zone)
    return table


def mobiles(region, most=10):
    """Yield some mobile numbers of a region, as unlike in their first digits as they come."""
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if example is None:
        return
    national = str(example.national_number)
    found = {national}
    for start in range(37, 1037):
        one = str(start * 7919 % 1000).zfill(3) + national[3:]
        number = phonenumbers.parse(f"+{example.country_code}{one}")
        if (
            phonenumbers.region_code_for_number(number) == region
            and phonenumbers.number_type(number) in MOBILE
        ):
            found.add(one)
        if len(found) == most:
            break
    yield from (f"+{example.country_code}{one}" for one in sorted(found))


@pytest.mark.parametrize("region", REGIONS)
def test_every_clock_of_the_country_counts(region):
    theirs = clocks(tuple(countries()[NOT_IN_TABLE.get(region, region)]))
    numbers = list(mobiles(region))
    # The sweep would be empty if the library had no examples.
    assert numbers or region in {"AC", "TA", "GS"}, region
    for number in numbers:
        ours = clocks(zones_of_number(number))
        for at, mine, there in zip(YEAR, ours, theirs, strict=True):
            assert there <= mine, f"{region} {at}"


@pytest.mark.parametrize(
    ("number", "winter", "summer"),
    [
        ("+212650992179", {1}, {1}),  # Morocco
        ("+212528812345", {1}, {1}),  # Western Sahara
        ("+6281212345678", {7, 8, 9}, {7, 8, 9}),  # Indonesia
        ("+213551234567", {1}, {1}),  # Algeria
        ("+218912345678", {2}, {2}),  # Libya
        ("+50581234567", {-6}, {-6}),  # Nicaragua
        ("+211977123456", {2}, {2}),  # South Sudan
        ("+79261234567", set(range(2, 13)), set(range(2, 13))),  # Russia
        ("+77011234567", {5}, {5}),  # Kazakhstan
        ("+67570123456", {10, 11}, {10, 11}),  # Papua New Guinea
        ("+6913501234", {10, 11}, {10, 11}),  # Micronesia
        ("+56221234567", {-3, -5}, {-4, -6}),  # Chile
        ("+56912345678", {-3, -5}, {-4, -6}),
        ("+380501234567", {2, 3}, {3}),  # Ukraine
        ("+299221234", {-2, -4, 0}, {-1, -3, 0}),  # Greenland
        ("+34612345678", {0, 1}, {1, 2}),  # Spain
        ("+351912345678", {-1, 0}, {0, 1}),  # Portugal
        ("+64211234567", {13, 13.75}, {12, 12.75}),  # New Zealand
        ("+61412345678", {8, 8.75, 9.5, 10, 10.5, 11}, {8, 8.75, 9.5, 10, 10.5}),  # Australia
        ("+17875551234", {-4}, {-4}),  # Puerto Rico
        ("+16846221234", {-11}, {-11}),  # American Samoa
        ("+383431234567", {1}, {2}),  # Kosovo
        ("+2908123456", {0}, {0}),  # Tristan da Cunha
    ],
)
def test_clocks_of_real_numbers(number, winter, summer):
    zones = zones_of_number(number)
    for at, hours in ((WINTER, winter), (SUMMER, summer)):
        found = {at.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones}
        assert {timedelta(hours=one) for one in hours} <= found


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+12125551234", ("America/New_York",)),
        ("+14165551234", ("America/Toronto",)),
        ("+18095551234", ("America/Puerto_Rico", "America/Santo_Domingo")),
        ("+4915112345678", ("Europe/Berlin", "Europe/Zurich")),
    ],
)
def test_no_other_zones_than_need_be(number, zones):
    found = set(zones_of_number(number))
    places = {clock(zone) for zone in zones}
    assert {clock(zone) for zone in found} == places


def test_a_number_of_no_country_among_several_may_be_in_all_of_them():
    both = clocks(zones_of_number("+15551234567"))[0]
    for number in ("+12125551234", "+17875551234", "+16846221234", "+18761234567"):
        assert clocks(zones_of_number(number))[0] <= both


def test_nobody_is_texted_in_casablancas_quiet_hours():
    """The library has Morocco in the Canaries, where it is an hour earlier in winter."""
    quiet = QuietHours.from_setting({"start": "09:00", "end": "10:00", "policy": "hold"})
    for minutes, is_open in ((-1, True), (0, False), (59, False)):
        at = datetime(2026, 11, 29, 9, tzinfo=ZoneInfo("Africa/Casablanca")) + timedelta(minutes=minutes)
        moroccan = message(to="+212650992179")
        if is_open:
            assert quiet.place(moroccan, at.astimezone(UTC)) is None
        else:
            with pytest.raises(Postponed):
                quiet.place(moroccan, at.astimezone(UTC))
