"""Reports: usage by month, statistics by day. An answer is one object of figures, not a collection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.errors import ForbiddenError, UnexpectedAnswerError
from tap_clicksend.rows.columns import Column, Row, integer, price, text, time
from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.settings import moment
from tap_clicksend.streams.account import NO_PERMISSION
from tap_clicksend.streams.messages import NO_VOICE

FOUR_MONTHS = timedelta(days=122)
"""How far back messages are kept (documented); older usage may be there, and is read with a start_date."""

PERIOD = "period"

DATE = time("The day, its midnight in UTC.")
OUTBOUND: dict[str, Column] = {
    "outbound_count": integer("Sent that day."),
    "outbound_price": price("What they cost, in the account's currency."),
}
BOUNCED: dict[str, Column] = {
    "bounced_count": integer("Not delivered."),
    "bounced_price": price("What these cost, in the account's currency; mostly absent."),
}


class AccountUsage(ClickSendStream):
    """What each subaccount used in each month, by channel."""

    name = "account_usage"
    path = "/account/usage/{year}/{month}/subaccount"
    primary_keys = ("year", "month", "channel", "subaccount_id")
    replication_key = PERIOD
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "year": integer("Year."),
        "month": integer("Month, 1 to 12."),
        "channel": text("sms, mms, voice, fax, post, email, email_transactional or postcards."),
        "subaccount_id": integer("The subaccount."),
        "username": text("Its name.", personal=True),
        "total_count": integer("Message parts, pages or e-mails that were billed."),
        "total_price": price("What they cost, in the account's currency."),
        "notes": text("Notes on the subaccount.", personal=True),
        PERIOD: time("First day of the month."),
    }

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        """Yield one page for each month.

        The bookmark is the month of the last run; that month and the one before it are read again.
        """
        months = list(self._months())
        for month, rows in zip(months, self.tap.client.map(self._month, months), strict=True):
            yield rows
            self.advance(int(month.timestamp()))

    def _month(self, month: datetime) -> list[Row]:
        path = self._path(month)
        parts = {"year": month.year, "month": month.month, PERIOD: int(month.timestamp())}
        return [
            {**row, **parts, "channel": channel}
            for channel, rows in _figures(path, self.tap.client.get(path).data).items()
            if isinstance(rows, list)
            for row in _rows(path, rows)
        ]

    def _months(self) -> Iterator[datetime]:
        start_date, end_date = moment(self.config, "start_date"), moment(self.config, "end_date")
        now = self._now()
        month = _first_day(start_date or now - FOUR_MONTHS)
        if bookmark := self.bookmark:
            last_run = _first_day(datetime.fromtimestamp(bookmark, UTC))
            month = max(month, _first_day(last_run - timedelta(days=1)))
        while month <= now and (end_date is None or month < end_date):
            yield month
            month = _first_day(month + timedelta(days=32))

    def _now(self) -> datetime:
        """Return the server's clock."""
        client = self.tap.client
        return client.started_at or client.get(self._path(datetime.now(UTC))).date

    def _path(self, month: datetime) -> str:
        return self.path.format(year=month.year, month=month.month)


class DailyStatistics(ClickSendStream):
    """The last 30 days with their counts, which become one column each."""

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        data = _figures(self.path, self.tap.client.get(self.path).data)
        # Older answers say stat.
        days = data.get("stats", data.get("stat", []))
        yield [_flat(day) for day in _rows(self.path, days)]


class StatisticsSms(DailyStatistics):
    """Text messages of the last 30 days, counted by day."""

    name = "statistics_sms"
    path = "/statistics/sms"
    primary_keys = ("date",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "date": DATE,
        **OUTBOUND,
        "inbound_count": integer("Received that day."),
        "inbound_price": price("What these cost, in the account's currency; mostly absent."),
        **BOUNCED,
    }


class StatisticsVoice(DailyStatistics):
    """Calls of the last 30 days, counted by day."""

    name = "statistics_voice"
    path = "/statistics/voice"
    primary_keys = ("date",)
    selected_by_default = False
    unavailable: ClassVar = {ForbiddenError: NO_VOICE}
    columns: ClassVar[dict[str, Column]] = {"date": DATE, **OUTBOUND, **BOUNCED}


def _first_day(day: datetime) -> datetime:
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


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
        UnexpectedAnswerError: It is not an object.
    """
    if not isinstance(data, dict) and data != []:
        raise UnexpectedAnswerError(
            f"GET {path} answered with something that is not a report. Check api_url."
        )
    return data or {}


def _rows(path: str, rows: Any) -> list[Row]:
    """Return the rows of a report.

    Raises:
        UnexpectedAnswerError: They are not objects in an array.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswerError(f"GET {path} answered with rows that are not objects. Check api_url.")
    return rows
