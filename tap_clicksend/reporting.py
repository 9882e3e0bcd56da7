"""How reports are read: answers that are one object of figures, turned into rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from clicksend.errors import UnexpectedAnswerError
from tap_clicksend.columns import Row
from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.times import seconds_of

FOUR_MONTHS = timedelta(days=122)
"""How far back messages are kept (documented); older usage may be there, and is read with a start_date."""


class DailyStatistics(ClickSendStream):
    """Days with their counts, which become one column each."""

    @override
    def read(self) -> Iterator[list[Row]]:
        data = _figures(self.path, self.tap.client.get(self.path).data)
        # Older answers say stat.
        days = data.get("stats", data.get("stat", []))
        yield [_flat(day) for day in _rows(self.path, days)]


class MonthlyUsage(ClickSendStream):
    """What was used in each month, by channel: one request a month.

    The bookmark is the month of the last run; that month and the one before it are read again.
    """

    period: ClassVar[str] = "period"

    @override
    def read(self) -> Iterator[list[Row]]:
        months = list(self._months())
        for month, rows in zip(months, self.tap.client.map(self._month, months), strict=True):
            yield rows
            if self.replication_method == REPLICATION_INCREMENTAL:
                self._move_bookmark(month)

    def _month(self, month: datetime) -> list[Row]:
        path = self._path(month)
        parts = {"year": month.year, "month": month.month, self.period: int(month.timestamp())}
        return [
            {**row, **parts, "channel": channel}
            for channel, rows in _figures(path, self.tap.client.get(path).data).items()
            if isinstance(rows, list)
            for row in _rows(path, rows)
        ]

    def _months(self) -> Iterator[datetime]:
        start_date, end_date, bookmark = *map(self.tap.moment, ("start_date", "end_date")), self._bookmark()
        now = self._now()
        month = _first_day(start_date or now - FOUR_MONTHS)
        if bookmark:
            month = max(month, _first_day(bookmark - timedelta(days=1)))
        while month <= now and (end_date is None or month < end_date):
            yield month
            month = _first_day(month + timedelta(days=32))

    def _now(self) -> datetime:
        """Return the server's clock."""
        client = self.tap.client
        return client.started_at or client.get(self._path(datetime.now(UTC))).date

    def _path(self, month: datetime) -> str:
        return self.path.format(year=month.year, month=month.month)

    def _bookmark(self) -> datetime | None:
        """Return the first day of the month that the last run ended in.

        Raises:
            SettingsError: The state holds something else.
        """
        value = self.stream_state.get("replication_key_value")
        if not value or self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return _first_day(datetime.fromtimestamp(seconds_of(value, self.name), UTC))

    def _move_bookmark(self, month: datetime) -> None:
        reached = max(filter(None, (self._bookmark(), month)))
        self.stream_state["replication_key"] = self.period
        self.stream_state["replication_key_value"] = reached.isoformat(timespec="seconds")


def _first_day(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _flat(day: Row) -> Row:
    """Turn ``{"outbound": {"count": 1}}`` into ``{"outbound_count": 1}``."""
    flat: Row = {}
    for name, value in day.items():
        if isinstance(value, dict):
            flat.update((f"{name}_{part}", figure) for part, figure in value.items())
        else:
            flat[name] = value
    return flat


def _figures(path: str, data: Any) -> Row:
    """Return the object of a report; PHP sends an empty one as ``[]``.

    Raises:
        UnexpectedAnswerError: It is none.
    """
    if not isinstance(data, dict) and data != []:
        raise UnexpectedAnswerError(f"GET {path} answered with something that is no report. Check api_url.")
    return data or {}


def _rows(path: str, rows: Any) -> list[Row]:
    """Return the rows of a report.

    Raises:
        UnexpectedAnswerError: They are none.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswerError(f"GET {path} answered with rows that are no objects. Check api_url.")
    return rows
