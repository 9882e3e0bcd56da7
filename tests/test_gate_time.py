"""Schedules and ages: what is a time, what is too late, what is too early."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from gate_cases import AT, NOW, message
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.gates.age import check_age, check_age_settings
from target_clicksend.gates.moments import read_moment
from target_clicksend.gates.schedule import DAYS_AHEAD, check_schedule
from target_clicksend.row import Rejected

MOMENTS = st.datetimes(
    datetime(2001, 9, 10),  # noqa: DTZ001
    datetime(2286, 1, 1),  # noqa: DTZ001
    timezones=st.timezones() | st.just(timezone(timedelta(hours=-11))),
)
LIMIT = DAYS_AHEAD * 86_400


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


@pytest.mark.parametrize("value", [None, "", "  "])
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
    with pytest.raises(Rejected, match=r"^schedule (is no time|holds)"):
        read_moment({"schedule": value}, "schedule")


@given(MOMENTS)
def test_every_iso_time_is_read(moment):
    assert read_moment({"at": moment.isoformat()}, "at") == moment.timestamp() // 1
    assert read_moment({"at": moment}, "at") == moment.timestamp() // 1
    assert read_moment({"at": int(moment.timestamp())}, "at") == int(moment.timestamp())


@given(st.text() | st.floats() | st.integers() | st.decimals() | st.booleans() | st.binary())
def test_anything_is_read_or_rejected(value):
    with suppress(Rejected):
        assert isinstance(read_moment({"at": value}, "at"), int | None)


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
