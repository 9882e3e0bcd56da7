"""Usage by month and statistics by day, added up from the messages; months and days are UTC's.

Whether the real ones count by ``date`` and bill parts of sent messages only, is unconfirmed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from msgspec import Struct

from clicksend.sandbox.world.store import Store

CHANNELS = ("sms", "mms", "voice")
STATISTICS_DAYS = 30
_DAY = 86_400
_DATE = attrgetter("date")


class Usage(Struct):
    """What was sent through one channel in a month."""

    messages: int = 0
    parts: int = 0
    price: Decimal = Decimal(0)


class Counted(Struct):
    """Messages and what they cost."""

    count: int = 0
    price: Decimal = Decimal(0)


class Day(Struct):
    """One day's messages; ``bounced`` are those that failed for good."""

    date: int
    outbound: Counted
    inbound: int = 0
    bounced: int = 0


def usage(store: Store, year: int, month: int) -> dict[str, Usage]:
    """Add up a month, channel by channel."""
    channels = {}
    for channel in CHANNELS:
        sent = [row for row in _month(store, channel, year, month) if row.direction == "out"]
        price = sum((Decimal(row.price) for row in sent), Decimal(0))
        channels[channel] = Usage(len(sent), sum(row.parts for row in sent), price)
    return channels


def months(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield year and month from one moment's to another's, both included."""
    begin, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
    for number in range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month):
        yield number // 12, number % 12 + 1


def usage_rows(store: Store, first: int, last: int) -> int:
    """Count the channels with traffic in each month from one moment's to another's."""
    return sum(
        any(row.direction == "out" for row in _month(store, channel, year, month))
        for year, month in months(first, last)
        for channel in CHANNELS
    )


def statistics(rows: Sequence[Any], now: int) -> tuple[list[Day], Day]:
    """Count the last 30 days of a channel, today included; days without messages too. And their total."""
    today = now // _DAY * _DAY
    days = [_day(rows, today - back * _DAY) for back in reversed(range(STATISTICS_DAYS))]
    total = Counted(
        sum(day.outbound.count for day in days), sum((day.outbound.price for day in days), Decimal(0))
    )
    return days, Day(today, total, sum(day.inbound for day in days), sum(day.bounced for day in days))


def _day(rows: Sequence[Any], date: int) -> Day:
    day = Day(date, Counted())
    for row in _between(rows, date, date + _DAY):
        if row.direction == "in":
            day.inbound += 1
            continue
        day.outbound.count += 1
        day.outbound.price += Decimal(row.price)
        day.bounced += row.delivery.code == "301"
    return day


def _month(store: Store, channel: str, year: int, month: int) -> Sequence[Any]:
    first, end = _start_of(year, month), _start_of(year + month // 12, month % 12 + 1)
    return _between(getattr(store, channel), first, end)


def _between(rows: Sequence[Any], first: int, end: int) -> Sequence[Any]:
    return rows[bisect_left(rows, first, key=_DATE) : bisect_left(rows, end, key=_DATE)]


def _start_of(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp())
