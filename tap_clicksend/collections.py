"""How the kinds of collection are read: whole, in time, per list, or as one object."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from clicksend.errors import ApiError, ForbiddenError, NotFoundError, SettingsError
from clicksend.paging import Page, read_page, read_pages
from tap_clicksend.columns import Row
from tap_clicksend.sdk import ClickSendStream

RE_READ = timedelta(days=4)
"""A message's delivery can change for 72 hours after it was sent (documented); there is no updated-at."""

SECOND = timedelta(seconds=1)

FIRST_START = "start_date"
"""Key in a bookmark: the start_date that the stream began with, absent when it began with the oldest row."""

RECEIPTS = uuid.uuid5(uuid.NAMESPACE_DNS, "receipts.clicksend.com")
"""Namespace of ``receipt_id``: the name is the parts, joined with "|", a null part as nothing."""


class Collection(ClickSendStream):
    """A collection that is read whole in every run."""

    @property
    def page_params(self) -> dict[str, Any]:
        """Query parameters of every page."""
        return {"limit": self.config["page_size"]}

    @override
    def read(self) -> Iterator[Row]:
        for page in read_pages(self.tap.client, self.path, self.page_params):
            yield from page.rows


class SingleObject(ClickSendStream):
    """One object that is a stream of one row."""

    @override
    def read(self) -> Iterator[Row]:
        yield self.tap.client.get(self.path).data


class Receipts(Collection):
    """Receipts: one message has several, and several POLL rules repeat each of them."""

    channel: ClassVar[str]

    @override
    def typed(self, raw: Row) -> Row:
        row = super().typed(raw)
        parts = (row[name] or "" for name in ("message_id", "status_code", "timestamp", "digits"))
        row["receipt_id"] = str(uuid.uuid5(RECEIPTS, "|".join((self.channel, *parts))))
        return row


class History(Collection):
    """Messages by time: from the bookmark on, and once more what may have changed since.

    The bookmark is the server's clock at the start of the last whole read (or ``end_date``).
    """

    @override
    def read(self) -> Iterator[Row]:
        self._since, self._end = self._start(), self.tap.moment("end_date")
        self._read_at: datetime | None = None
        for page in read_pages(self.tap.client, self.path, self.page_params):
            self._read_at = self._read_at or page.date
            yield from page.rows

    @property
    @override
    def page_params(self) -> dict[str, Any]:
        params = {**super().page_params, "order_by": f"{self.replication_key}:asc"}
        # Asked for one second wider, and cut in wanted(): whether the ends belong to it is unconfirmed.
        if self._since:
            params["date_from"] = int((self._since - SECOND).timestamp())
        if self._end:
            params["date_to"] = int((self._end + SECOND).timestamp())
        return params

    @override
    def wanted(self, row: Row) -> bool:
        if row[self._date] is None:
            return True
        moment = datetime.fromisoformat(row[self._date])
        return (not self._since or self._since <= moment) and (not self._end or moment < self._end)

    @override
    def finished(self) -> None:
        if self.replication_method != REPLICATION_INCREMENTAL or self._read_at is None:
            return
        reached = [moment for moment in (self._read_at, self._end) if moment]
        bookmark = max(filter(None, (self._bookmark(), min(reached))))
        self.stream_state["replication_key"] = self._date
        self.stream_state["replication_key_value"] = bookmark.isoformat(timespec="seconds")

    @property
    def _date(self) -> str:
        return str(type(self).replication_key)

    def _start(self) -> datetime | None:
        """Return where to read from: ``start_date``, or the bookmark less what may have changed."""
        start_date, bookmark = self.tap.moment("start_date"), self._bookmark()
        if bookmark is None or self.replication_method != REPLICATION_INCREMENTAL:
            if start_date:
                self.stream_state[FIRST_START] = start_date.isoformat(timespec="seconds")
            return start_date
        self._report_earlier_start(start_date)
        return max(start_date or bookmark - RE_READ, bookmark - RE_READ)

    def _report_earlier_start(self, start_date: datetime | None) -> None:
        first = _moment(self.stream_state.get(FIRST_START), self.name)
        if first and (start_date is None or start_date < first):
            self.logger.warning(
                "start_date was moved before %s, where %s began: older messages are not read."
                " Backfill once with: TAP_CLICKSEND_END_DATE=%s meltano run --state-id-suffix=backfill"
                " tap-clicksend <loader>",
                first.isoformat(),
                self.name,
                first.isoformat(),
            )

    def _bookmark(self) -> datetime | None:
        return _moment(self.stream_state.get("replication_key_value"), self.name)


class ListCollection(Collection):
    """The contact lists, all or those of ``list_ids``."""

    @override
    def wanted(self, row: Row) -> bool:
        return row["list_id"] in self.config.get("list_ids", [row["list_id"]])

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        return "list_ids" not in self.config


class ContactCollection(ListCollection):
    """Contacts of one list after the other, several lists read ahead."""

    @override
    def read(self) -> Iterator[Row]:
        for list_id, first in self.tap.client.map(self._first_page, self._list_ids()):
            try:
                yield from self._contacts(list_id, first)
            except (NotFoundError, ForbiddenError):
                self.complete = False
                self.logger.warning(
                    "List %d vanished while contacts were read; going on without it.", list_id
                )

    def _contacts(self, list_id: int, first: Page | ApiError) -> Iterator[Row]:
        if isinstance(first, ApiError):
            raise first
        for page in read_pages(self.tap.client, self._path(list_id), self.page_params, first=first):
            for row in page.rows:
                yield {**row, "list_id": list_id}

    def _first_page(self, list_id: int) -> tuple[int, Page | ApiError]:
        try:
            return list_id, read_page(self.tap.client, self._path(list_id), self.page_params)
        except (NotFoundError, ForbiddenError) as error:
            return list_id, error

    def _list_ids(self) -> Iterator[int]:
        if "list_ids" not in self.config:
            for page in read_pages(self.tap.client, "/lists", self.page_params):
                yield from (int(row["list_id"]) for row in page.rows)
            return
        for list_id in self.config["list_ids"]:
            try:
                self.tap.client.get(f"/lists/{list_id}")
            except (NotFoundError, ForbiddenError):
                raise SettingsError(
                    f"Setting list_ids names list {list_id}, which this account has not."
                ) from None
            yield list_id

    def _path(self, list_id: int) -> str:
        return self.path.format(list_id=list_id)


def _moment(value: str | None, stream: str) -> datetime | None:
    """Read a time from the state.

    Raises:
        SettingsError: It is none.
    """
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if value else None
    except (TypeError, ValueError):
        raise SettingsError(
            f"The state of {stream} holds no date where one is due: repair or clear it."
        ) from None
