"""Schedules and ages: what is a time, what is too late, what is too early."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.messages.gates.expiry import check_age, check_age_settings, check_schedule
from target_clicksend.messages.moments import LocalTimes, is_zone, read_moment, read_zone
from target_clicksend.row import Rejected
from tests.target.messages.gates.cases import AT, NOW, message

MOMENTS = st.datetimes(
    datetime(2001, 9, 10),  # noqa: DTZ001
    datetime(2286, 1, 1),  # noqa: DTZ001
    timezones=st.timezones() | st.just(timezone(timedelta(hours=-11))),
)
LIMIT = 120 * 86_400


@pytest.mark.parametrize(
    "value",
    [
        1_790_000_000,
        "1790000000",
        " 1790000000 ",
        1_790_000_000.9,
        "1790000000.5",
        Decimal("1790000000.25"),
        1_790_000_000_000,
        1_790_000_000_999,
        "1790000000999",
        "\u200b1790000000\ufeff",
        "\ufeff2026-09-21T14:13:20Z\u00a0\u200b",
        "2026-09-21\u200b 14:13:20",
        1_790_000_000_000.0,
        "2026-09-21T14:13:20Z",
        "2026-09-21T14:13:20",
        "2026-09-21 14:13:20.9+00:00",
        "2026-09-21 14:13:20+00",
        "2026-09-22T00:13:20+10:00",
        datetime(2026, 9, 21, 14, 13, 20),  # noqa: DTZ001
        datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC),
    ],
)
def test_all_spellings_of_a_time(value):
    assert read_moment({"schedule": value}, "schedule") == 1_790_000_000


@pytest.mark.parametrize("value", [None, "", "  ", "\ufeff \u200b"])
def test_no_time(value):
    assert read_moment({"schedule": value}, "schedule") is None
    assert read_moment({}, "schedule") is None


@pytest.mark.parametrize(
    "value",
    [
        *("now", "tomorrow", "0", 0, 1, -1, 179_000_000, 17_900_000_000, 1_790_000_000_000_000, "1.79e9"),
        *("2026-09-21", date(2026, 9, 21), "2026-13-01T00:00:00", "2026-09-21T25:00", "21/09/2026 14:00"),
        *(
            "2026-09-21T14:13:20 UTC",
            "14:13",
            True,
            "١٧٩٠٠٠٠٠٠٠",
            "2026-W39-1T10:00",
            [],
            {},
            "٢٠٢٦-09-21T10:00",
        ),
    ],
)
def test_what_is_no_time_never_becomes_now(value):
    with pytest.raises(Rejected, match=r"^schedule (is not a time|holds)"):
        read_moment({"schedule": value}, "schedule")


@given(MOMENTS)
def test_every_iso_time_is_read(moment):
    assert read_moment({"at": moment.isoformat()}, "at") == moment.timestamp() // 1
    assert read_moment({"at": moment}, "at") == moment.timestamp() // 1
    assert read_moment({"at": int(moment.timestamp())}, "at") == int(moment.timestamp())


NINE = "2026-12-01 09:00:00"


@pytest.mark.parametrize(
    ("setting", "zone", "expected"),
    [
        (None, None, "UTC"),
        (None, " ", "UTC"),
        ("Australia/Perth", None, "Australia/Perth"),
        (None, "Australia/Sydney", "Australia/Sydney"),
        ("Australia/Perth", "\ufeffAustralia/Sydney ", "Australia/Sydney"),
        ("Australia/Perth", "UTC", "UTC"),
    ],
)
def test_a_time_without_a_zone_is_the_rows_then_the_settings(setting, zone, expected):
    local_times, row = LocalTimes(setting), {"at": NINE, "time_zone": zone}
    at = read_moment(row, "at", local_times)
    assert datetime.fromtimestamp(at, ZoneInfo(expected)).isoformat(" ")[:19] == NINE
    naive = datetime.fromisoformat(NINE)
    assert read_moment(row | {"at": naive}, "at", local_times) == at
    assert local_times.read == {("at", expected): 2}


@pytest.mark.parametrize("value", [AT, f"{AT}", NOW, NOW.isoformat(), NOW.astimezone(ZoneInfo("Asia/Tokyo"))])
def test_a_time_that_says_where_it_is_meant_needs_no_zone(value):
    local_times = LocalTimes("Australia/Perth")
    assert read_moment({"at": value, "time_zone": "Mars/Olympus"}, "at", local_times) == AT
    assert not local_times.read


@pytest.mark.parametrize("zone", ["UTC", "utc", "GMT", "Z", "z", "Etc/UTC", "\ufeffGMT "])
def test_utc_has_other_names(zone):
    for local_times, row in (
        (LocalTimes("Australia/Perth"), {"time_zone": zone}),
        (LocalTimes(zone.strip("\ufeff ")), {}),
    ):
        at = read_moment(row | {"at": NINE}, "at", local_times)
        assert datetime.fromtimestamp(at, UTC).isoformat(" ")[:19] == NINE
        assert local_times.read == {("at", "UTC"): 1}
    assert read_zone({"time_zone": zone}) == "UTC"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "EST", "GMT+2", "Europe/", "../etc/passwd", 7])
def test_a_wrong_zone_of_a_time_that_needs_one(zone):
    with pytest.raises(Rejected, match=r"^time_zone is not a zone of the IANA data base"):
        read_moment({"at": NINE, "time_zone": zone}, "at", LocalTimes())


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-10-04T02:30", "at has no zone, and in its time zone never comes, as clocks go forward"),
        ("2026-04-05T02:30", "at has no zone, and in its time zone comes twice, as clocks go back"),
    ],
)
def test_a_local_time_that_is_none_or_two(at, said):
    said = f"{said}: write it with its offset"
    for local_times, row in (
        (LocalTimes("Australia/Sydney"), {}),
        (LocalTimes(), {"time_zone": "Australia/Sydney"}),
    ):
        with pytest.raises(Rejected, match=f"^{said}$"):
            read_moment({"at": at, **row}, "at", local_times)
        assert not local_times.read
        assert read_moment({"at": f"{at}+10:00", **row}, "at", local_times)


def clock_changes():
    """Return zones, and local times at which their clocks change in 2026."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=one) for one in range(365 * 24)]
    for key in (
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "America/Nuuk",
        "America/Santiago",
        "Europe/Dublin",
    ):
        zone, before = ZoneInfo(key), None
        for local in (hour.astimezone(zone) for hour in hours):
            if before not in (None, local.utcoffset()):
                yield key, local.replace(tzinfo=None, fold=0)
            before = local.utcoffset()


AROUND = st.tuples(st.sampled_from([*clock_changes()]), st.integers(-100, 100)).map(
    lambda one: (one[0][0], one[0][1] + timedelta(minutes=one[1]))
)
ANY_TIME = st.tuples(
    st.timezone_keys().filter(is_zone),
    st.datetimes(datetime(1890, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)


@given(AROUND | ANY_TIME)
def test_a_local_time_is_the_one_point_in_time_at_which_clocks_show_it(case):
    """Or it is rejected: there is none, or there are two."""
    key, local = case
    local, zone = local.replace(microsecond=0, fold=0), ZoneInfo(key)
    offsets = {local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    points = [(local - offset).replace(tzinfo=UTC) for offset in offsets]
    shown = [one for one in points if one.astimezone(zone).replace(tzinfo=None, fold=0) == local]
    try:
        found = [read_moment({"at": local, "time_zone": key}, "at", LocalTimes())]
    except Rejected:
        found = []
    assert found == ([one.timestamp() for one in shown] if len(shown) == 1 else [])


@given(
    st.text() | st.floats() | st.integers() | st.decimals() | st.booleans() | st.binary() | st.datetimes(),
    st.text() | st.timezone_keys(),
)
def test_anything_is_read_or_rejected(value, zone):
    with suppress(Rejected):
        assert isinstance(read_moment({"at": value, "time_zone": zone}, "at", LocalTimes()), int | None)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(None, None), (-3600, None), (-1, None), (0, None), (1, AT + 1), (LIMIT, AT + LIMIT)],
)
def test_schedules(ahead, expected):
    assert check_schedule(None if ahead is None else AT + ahead, NOW) == expected


@pytest.mark.parametrize(
    ("ahead", "said"), [(-3601, "expired"), (-AT + 10**9, "expired"), (LIMIT + 1, "120 days ahead")]
)
def test_schedules_out_of_range(ahead, said):
    with pytest.raises(Rejected, match=said):
        check_schedule(AT + ahead, NOW)


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"stale_at": AT},
        {"send_before": AT + 1},
        {"send_before": AT + 61, "schedule": AT + 60},
        {"stale_at": AT + 1, "schedule": AT + 60},
    ],
)
def test_in_time(about):
    check_age(message(**about), NOW)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"stale_at": AT - 1}, "expired: the row is older than max_row_age_hours"),
        ({"send_before": AT}, "expired: send_before has passed"),
        ({"send_before": AT + 60, "schedule": AT + 60}, "expired: it would be sent after send_before"),
    ],
)
def test_too_late(about, said):
    with pytest.raises(Rejected, match=said):
        check_age(message(**about), NOW)


def test_settings_of_age():
    assert check_age_settings({}) is None
    assert check_age_settings({"created_at_column": "made"}) is None
    assert check_age_settings({"created_at_column": "made", "max_row_age_hours": 24}) is None
    assert "needs created_at_column" in check_age_settings({"max_row_age_hours": 24})
