"""When messages are sent: by the recipients' clocks, less at weekends, more each month, most in a sale."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate, count, takewhile
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clicksend.sandbox.world.countries import PLACES, Place
from clicksend.sandbox.world.profiles import (
    AT_FIRST,
    AT_MOST,
    HOURS,
    MORE_PER_WEEK,
    SALE_DAYS,
    SALE_EVERY,
    SALE_WEEK,
    WEEKDAYS,
    ZONES,
)

_HOUR, _DAY, _WEEK = 3600, 86_400, 7 * 86_400
SALE_WEEKDAY = 3  # Thursday
_HOURS_OF_WEEK = 7 * 24
_FIRST_MONDAY = 4 * _DAY  # 1970-01-05
_zone = cache(ZoneInfo)


class Hour(NamedTuple):
    """An hour of the week, in UTC: how much is sent in it, and to which countries.

    Attributes:
        weight: 1 in an average hour.
        bounds: For each of ``PLACES``, its part of the hour and that of those before it.
    """

    weight: float
    bounds: tuple[float, ...]

    def place(self, rng: Random) -> Place:
        """Draw a country by what is sent there in this hour."""
        return PLACES[bisect(self.bounds, rng.random() * self.bounds[-1], 0, len(PLACES) - 1)]


def moments(start: int, epoch: int, number: float, rng: Random) -> Iterator[tuple[int, Hour]]:
    """Yield when messages are sent that belong to no campaign; in time order and for ever.

    ``number`` of them are sent until the epoch. They are spread as evenly as the rhythm allows, so that few
    days of a small world stay silent.
    """
    total = sum(weight for _, _, weight in takewhile(lambda one: one[0] < epoch, _hours(start)))
    passed, serial = 0.0, 0
    due = rng.random()
    for begin, hour, weight in _hours(start):
        expected = number * weight / total
        while due < passed + expected:
            yield begin + int((due - passed) / expected * _HOUR), hour
            serial += 1
            due = serial + rng.random()
        passed += expected


def first_monday(start: int) -> int:
    """Return the first Monday, 00:00 UTC, after a time."""
    return _monday(start) + _WEEK


def local_time(day: date, hour: int, country: str) -> int:
    """Return when it is ``hour`` o'clock of a day in a country, Unix seconds."""
    zone = _zone(ZONES[country])
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp())


def day_of(monday: int, weekday: int) -> date:
    """Return a day of the week that begins with a Monday, 00:00 UTC."""
    return datetime.fromtimestamp(monday, UTC).date() + timedelta(days=weekday)


def sale_day(start: int) -> date:
    """Return the day of the first sale."""
    return day_of(first_monday(start) + SALE_WEEK * _WEEK, SALE_WEEKDAY)


def _monday(moment: int) -> int:
    return moment - (moment - _FIRST_MONDAY) % _WEEK


def _hours(start: int) -> Iterator[tuple[int, Hour, float]]:
    """Yield every whole hour after ``start``, for ever: its begin, its place in the week, and its weight."""
    monday, first = _monday(start), first_monday(start)
    skipped = (start - monday) // _HOUR + 1
    for begins in count(monday, _WEEK):
        week = (begins - first) // _WEEK
        growth = min(AT_MOST, AT_FIRST + MORE_PER_WEEK * (week + 1))
        sale = SALE_DAYS if week >= SALE_WEEK and (week - SALE_WEEK) % SALE_EVERY == 0 else ()
        for number, hour in enumerate(_week(_offsets(begins))[skipped:], skipped):
            day = number // 24 - SALE_WEEKDAY
            factor = sale[day] if 0 <= day < len(sale) else 1.0
            yield begins + number * _HOUR, hour, hour.weight * growth * factor
        skipped = 0


def _offsets(monday: int) -> tuple[float, ...]:
    """Return by how many hours the local times of ``PLACES`` are ahead of UTC in a week."""
    moment = datetime.fromtimestamp(monday, UTC)
    ahead = (moment.astimezone(_zone(ZONES[place.code])).utcoffset() or timedelta() for place in PLACES)
    return tuple(one / timedelta(hours=1) for one in ahead)


@cache
def _week(offsets: tuple[float, ...]) -> tuple[Hour, ...]:
    """Return the 168 hours of a week."""
    parts = [
        [place.share * _sent_at(hour + ahead) for place, ahead in zip(PLACES, offsets, strict=True)]
        for hour in range(_HOURS_OF_WEEK)
    ]
    average = sum(map(sum, parts)) / _HOURS_OF_WEEK
    return tuple(Hour(sum(part) / average, tuple(accumulate(part))) for part in parts)


def _sent_at(hour: float) -> float:
    """Return how much is sent in an hour of the local week; one that begins at half past is half and half."""
    begins, rest = divmod(hour % _HOURS_OF_WEEK, 1)
    now, later = int(begins), (int(begins) + 1) % _HOURS_OF_WEEK
    return (1 - rest) * HOURS[now % 24] * WEEKDAYS[now // 24] + rest * HOURS[later % 24] * WEEKDAYS[
        later // 24
    ]
