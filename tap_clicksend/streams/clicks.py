"""Who opened shortened links: the only clicks that ClickSend tells of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import repeat
from typing import ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from typing_extensions import override

from clicksend.errors import NotFoundError, UnexpectedAnswerError
from clicksend.paging import LARGEST_PAGE, IdlePages
from tap_clicksend.readers.finality import Finality
from tap_clicksend.readers.history import History
from tap_clicksend.rows.columns import Column, Row, integer, text, time
from tap_clicksend.rows.encode import EncodedPage, Encoder, PlainRows
from tap_clicksend.rows.schema import RecordBatch, StreamSchema
from tap_clicksend.streams.account import NO_PERMISSION
from tap_clicksend.streams.messages import SmsHistory

SHORT_LINK = re.compile(r"\bsmsu\.io/\w", re.IGNORECASE)
"""ClickSend's own short links, in its documented examples; no field says that a message has one."""

NEVER_SENT = {"Failed", "Cancelled", "CancelledAfterReview"}
SEEN = ("message_id", "direction", "date", "body", "status", "schedule")


class LinkClicks(History):
    """Shortened links of texts: a row for each recipient, with how often and when it was opened."""

    name = "link_clicks"
    path = "/short-url/statistics/quick_sms/{message_id}"
    listing = SmsHistory.path
    primary_keys = ("message_id", "long_url_id", "position")
    replication_key = "date"
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "message_id": text("The message, as in sms_history."),
        "long_url_id": text("ClickSend's id of the link in this message."),
        "position": integer("Which of the link's recipients, from 1."),
        "date": time("When the message was accepted."),
        "open_count": integer("How often the recipient opened the link, 0 when never."),
        "date_opened": time("When it was first opened."),
        "user_geo_country": text("Country that it was last opened in, ISO 3166 alpha-2."),
        "user_geo_region": text("Region that it was last opened in.", personal=True),
        "user_device": text("Kind of device that it was last opened with."),
        "user_browser": text("Browser that it was last opened with."),
        "user_os": text("Operating system that it was last opened with."),
        "contact_id": integer("The recipient's contact, null when none.", zero_is_none=True),
        "first_name": text("Recipient's first name.", personal=True),
        "last_name": text("Recipient's last name.", personal=True),
        "phone_number": text("Recipient's number, E.164.", personal=True),
    }

    _messages = StreamSchema({name: SmsHistory.columns[name] for name in SEEN}, SmsHistory.primary_keys)

    @override
    def pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        self._asked = self._known = 0
        for page in super().pages(PlainRows()):
            # The server counts messages: how many links they have shows at the end only.
            self.progress.total = None
            links = list(self.tap.client.map(self._links_of, page.content))
            self._asked += len(links)
            self._known += sum(map(bool, links))
            rows = [row for rows in links for row in rows]
            yield self.encode(self.parse_masked(rows), encoder)
        if self._asked and not self._known:
            self.logger.warning(
                "GET %s knows none of the %d messages that have a shortened link.", self.path, self._asked
            )

    @override
    def summary(self) -> str:
        return f"{super().summary()}, {self._asked} messages with a shortened link"

    @override
    def parse_messages(self, raw_rows: list[Row]) -> RecordBatch:
        return self._messages.parse([{name: row.get(name) for name in SEEN} for row in raw_rows])

    @override
    def encode_messages(self, batch: RecordBatch, encoder: Encoder, finality: Finality) -> EncodedPage:
        looked_at = (batch[name] for name in ("direction", "status", "body"))
        linked = self._messages.with_keys(batch.filter(map(_has_link, *looked_at)))
        # By its date alone: a link can be opened for some days more, whatever became of its message.
        pending = finality.pending(linked, self._date)
        return EncodedPage(self._messages.keys_of(linked), encoder, encoder.encode(linked), pending)

    def _links_of(self, message: Row) -> list[Row]:
        """Return the rows of a message, none when ClickSend does not know of a link in it."""
        message_id = message["message_id"]
        # Its documentation has ids in lower case, its history in upper.
        for id_ in dict.fromkeys([message_id.lower(), message_id]):
            path = self.path.format(message_id=quote(id_, safe=""))
            try:
                links = _objects(path, self.tap.client.get(path).data)
            except NotFoundError:
                continue
            if links:
                known = {"message_id": message_id, "date": message["date"]}
                return [known | row for link in links for row in self._recipients(path, link)]
        return []

    def _recipients(self, path: str, link: Row) -> Iterator[Row]:
        """Yield the rows of one link; where nobody opened it, its counts say all there is."""
        try:
            key = str(link["long_url_id"])
            opened, total = (int(link["links"][name]) for name in ("opened_total", "total"))
        except (KeyError, TypeError, ValueError):
            raise UnexpectedAnswerError(
                f"GET {path} answered with a link without a valid id or count. Check api_url."
            ) from None
        recipients = self._tracked(key) if opened else repeat({"open_count": 0}, total)
        for position, row in enumerate(recipients, start=1):
            yield _flat(row) | {"long_url_id": key, "position": position}

    def _tracked(self, key: str) -> Iterator[Row]:
        """Yield the recipients of a link, page after page: each but the last names what to ask for next."""
        path, query = f"/short-url/tracking/{quote(key, safe='')}", {"limit": str(LARGEST_PAGE)}
        seen, count, total, idle = [query], 0, None, IdlePages(path)
        while True:
            page = self.tap.client.get(path, query).data
            rows, total = _objects(path, page), page.get("total")
            count += len(rows)
            idle.count(is_new=bool(rows))
            yield from rows
            if not page.get("next_page_url"):
                break
            # Of the link only the query: its host is ClickSend's own, whatever api_url is.
            query = dict(parse_qsl(urlsplit(str(page["next_page_url"])).query))
            if query in seen:
                raise UnexpectedAnswerError(
                    f"GET {path} gives the same page as the next one. Run again later."
                )
            seen.append(query)
        if isinstance(total, int) and count < total:
            self.logger.warning("GET %s: %d rows arrived of the %d it counts.", path, count, total)


def _has_link(direction: str | None, status: str | None, body: str | None) -> bool:
    return direction != "in" and status not in NEVER_SENT and bool(body and SHORT_LINK.search(body))


def _flat(row: Row) -> Row:
    """Return a recipient with the fields of its contact beside the others."""
    contact = row.get("contact")
    if not isinstance(contact, dict):
        return row
    return {name: value for name, value in row.items() if name != "contact"} | contact


def _objects(path: str, answer: Row) -> list[Row]:
    """Return the rows of an answer.

    Raises:
        UnexpectedAnswerError: It does not have objects in an array.
    """
    rows = answer.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswerError(
            f"GET {path} answered with what is not a valid list of links or clicks. Check api_url."
        )
    return rows
