"""Times, however ClickSend, settings and states write them."""

from datetime import UTC, datetime

import pytest

from clicksend.times import parse_iso, unix_seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-04",
        "2026-10-04T00:00:00",
        "2026-10-04 00:00:00+00:00",
        "2026-10-04T00:00:00Z",
        "2026-10-04T10:00:00+10:00",
    ],
)
def test_a_time_without_a_zone_is_utc_and_any_other_is_made_so(text):
    found = parse_iso(text)
    assert found == datetime(2026, 10, 4, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "0001-01-01T00:00:00+23:59"])
def test_what_is_not_a_time_of_this_calendar_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_iso(text)


@pytest.mark.parametrize(
    ("number", "seconds"),
    [
        (0, 0),
        (1_700_000_000, 1_700_000_000),
        (99_999_999_999, 99_999_999_999),
        (100_000_000_000, 100_000_000),
        (1_700_000_000_999, 1_700_000_000),
        (-1_700_000_000_000, -1_700_000_000),
    ],
)
def test_milliseconds_are_told_from_seconds(number, seconds):
    assert unix_seconds(number) == seconds
