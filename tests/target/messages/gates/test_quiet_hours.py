"""Quiet hours: what is sent is open in every zone, and nothing earlier was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers.timezone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_clicksend.messages.gates.expiry import timed
from target_clicksend.messages.gates.quiet_hours import (
    QuietHours,
    check_quiet_hours,
    zones_of,
    zones_of_number,
)
from target_clicksend.row import Postponed, Rejected
from tests.conftest import budget
from tests.target.messages.gates.cases import AT, NOW, message

NIGHT = QuietHours.from_setting({"start": "21:00", "end": "08:00"})
HOLD = QuietHours.from_setting({"start": "21:00", "end": "08:00", "policy": "hold"})
ZONES = [
    *("Australia/Perth", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu"),
    *("America/New_York", "America/Los_Angeles", "Europe/London", "Pacific/Chatham", "America/St_Johns"),
    *("Africa/Casablanca", "America/Havana", "Asia/Beirut", "Pacific/Kiritimati", "UTC"),
]
MINUTES = st.integers(0, 24 * 60 - 1)
CLOCK_CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
]
TIMES = st.builds(
    lambda day, minutes, seconds: day + timedelta(minutes=minutes, seconds=seconds),
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-2000, 2000),
    st.integers(0, 59),
)


def is_open(quiet, at, zone):
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if quiet.start < quiet.end:
        return not quiet.start <= minute < quiet.end
    return quiet.end <= minute < quiet.start


def first_open(quiet, at, zones):
    """Look at every minute."""
    if all(is_open(quiet, at, zone) for zone in zones):
        return at
    at = at.replace(second=0)
    for _ in range(3 * 1440):
        at += timedelta(minutes=1)
        if all(is_open(quiet, at, zone) for zone in zones):
            return at
    return None


@settings(max_examples=budget(100, 2000))
@given(MINUTES, MINUTES, TIMES, st.lists(st.sampled_from(ZONES), min_size=1, max_size=4, unique=True))
def test_the_first_open_minute_in_all_zones(start, end, at, zones):
    quiet = QuietHours(start, end if end != start else (end + 1) % 1440)
    expected = first_open(quiet, at, zones)
    if expected is None:
        with pytest.raises(Rejected, match="add a column time_zone"):
            quiet.next_open(at, tuple(zones))
    else:
        assert quiet.next_open(at, tuple(zones)) == expected


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2026-06-01T20:59:59+08:00", "Australia/Perth", "2026-06-01T20:59:59+08:00"),
        ("2026-06-01T21:00:00+08:00", "Australia/Perth", "2026-06-02T08:00:00+08:00"),
        ("2026-06-01T07:59:59+08:00", "Australia/Perth", "2026-06-01T08:00:00+08:00"),
        ("2026-06-01T08:00:00+08:00", "Australia/Perth", "2026-06-01T08:00:00+08:00"),
        # Clocks go forward, and back, in the night.
        ("2026-03-07T22:00:00-05:00", "America/New_York", "2026-03-08T08:00:00-04:00"),
        ("2026-10-31T22:00:00-04:00", "America/New_York", "2026-11-01T08:00:00-05:00"),
        ("2026-06-01T23:00:00+05:30", "Asia/Kolkata", "2026-06-02T08:00:00+05:30"),
    ],
)
def test_nights(at, zone, expected):
    assert NIGHT.next_open(datetime.fromisoformat(at), (zone,)) == datetime.fromisoformat(expected)


def test_hours_within_a_day():
    noon = QuietHours.from_setting({"start": "12:00", "end": "14:30"})
    at = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
    assert noon.next_open(at, ("UTC",)) == datetime(2026, 6, 1, 14, 30, tzinfo=UTC)
    assert noon.next_open(at.replace(hour=23), ("UTC",)) == at.replace(hour=23)


def test_every_zone_that_a_number_may_be_in_exists():
    named = {zone for zones in phonenumbers.timezone.TIMEZONE_DATA.values() for zone in zones}
    assert len(named) > 200
    for zone in named:
        ZoneInfo(zone)


@pytest.mark.parametrize(
    ("number", "some"),
    [
        ("+61411111111", {"Australia/Perth", "Australia/Sydney"}),
        ("+12125551234", {"America/New_York"}),
        ("+442071838750", {"Europe/London"}),
        ("+88216123456", set()),
        ("+999123456789", set()),
    ],
)
def test_zones_of_numbers(number, some):
    found = set(zones_of_number(number))
    assert some <= found
    assert bool(found) == bool(some)


def test_a_column_says_the_zone():
    assert zones_of(message(time_zone="America/New_York")) == ("America/New_York",)
    assert zones_of(message(time_zone="UTC")) == ("UTC",)


@pytest.mark.parametrize(
    "zone",
    ["EST", "Perth", "Australia/Nowhere", "Australia", "Australia/", "../etc/passwd", "+10:00", "/", "Ü/x"],
)
def test_zones_that_are_none(zone):
    with pytest.raises(Rejected, match="time_zone is not a zone"):
        zones_of(message(time_zone=zone))


def test_nobody_knows_the_zone():
    with pytest.raises(Rejected, match="add a column time_zone"):
        NIGHT.place(message(to="+88216123456"), NOW)


def test_no_minute_is_open_in_all_zones():
    office_hours = QuietHours.from_setting({"start": "18:00", "end": "09:00"})
    with pytest.raises(Rejected, match="in all zones that the number may be in: add a column time_zone"):
        office_hours.place(message(to="+18005551234"), NOW)
    assert office_hours.place(message(to="+18005551234", time_zone="Europe/London"), NOW) is None


# In Perth it is 20:00 at NOW, so 21:00 is an hour ahead.
PERTH = {"time_zone": "Australia/Perth"}
MORNING = AT + 12 * 3600


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({}, None),
        ({"schedule": AT + 60}, AT + 60),
        ({"schedule": AT + 3600}, MORNING),
        ({"schedule": AT + 4000}, MORNING),
        ({"schedule": MORNING + 5}, MORNING + 5),
        ({"schedule": AT + 4000, "purpose": "transactional"}, AT + 4000),
    ],
)
def test_schedules_move_to_open_hours(about, expected):
    assert NIGHT.place(message(**PERTH, **about), NOW) == expected


def test_a_message_for_now_waits_at_clicksend_or_its_row_waits():
    late = NOW + timedelta(hours=2, seconds=7)
    assert NIGHT.place(message(**PERTH), late) == MORNING
    with pytest.raises(Postponed, match="quiet hours"):
        HOLD.place(message(**PERTH), late)
    assert HOLD.place(message(**PERTH, schedule=MORNING), late) == MORNING
    assert HOLD.place(message(**PERTH, purpose="transactional"), late) is None
    with pytest.raises(Rejected, match="its schedule is in the recipient's quiet hours"):
        HOLD.place(message(**PERTH, schedule=MORNING - 60), late)


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ({"start": "21:00", "end": "08:00"}, None),
        ({"start": "9:00", "end": "08:00"}, "start as a time"),
        ({"start": "21:00"}, "end as a time"),
        ({"start": "24:00", "end": "8"}, "start and end as a time"),
        ({"start": "٢١:00", "end": "08:00"}, "start as a time"),
        ({"start": "08:00", "end": "08:00"}, "same start and end"),
    ],
)
def test_the_setting(setting, wrong):
    found = check_quiet_hours(setting)
    assert found is wrong if wrong is None else wrong in found


def test_all_gates_for_time():
    late = NOW + timedelta(hours=2)
    plain = message(**PERTH)
    assert timed(plain, None, late) is plain
    assert timed(plain, NIGHT, NOW) is plain
    assert timed(plain, NIGHT, late).schedule == MORNING
    assert timed(message(**PERTH, schedule=AT - 60), NIGHT, NOW).schedule is None
    with pytest.raises(Rejected, match="expired: it would be sent after send_before"):
        timed(message(**PERTH, send_before=MORNING), NIGHT, late)
    with pytest.raises(Rejected, match="expired: its schedule"):
        timed(message(**PERTH, schedule=AT - 4000), NIGHT, NOW)


def test_a_common_hour_that_only_a_change_of_clocks_makes():
    """From 10 to 12 in both zones: never while they are two hours apart, as until 25 October 2026."""
    quiet, before = QuietHours(12 * 60, 10 * 60), datetime(2026, 10, 23, 11, 30, tzinfo=UTC)
    zones = ("UTC", "Europe/Berlin")
    assert quiet.next_open(before, zones) == datetime(2026, 10, 25, 10, tzinfo=UTC)
    with pytest.raises(Rejected, match="add a column time_zone"):
        quiet.next_open(before - timedelta(days=7), zones)
