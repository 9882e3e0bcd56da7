"""Reads the Opt-Out List and STOP replies into the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from clicksend.client import Client
from clicksend.errors import UnexpectedAnswerError
from clicksend.ledger.ledger import Ledger
from clicksend.paging import LARGEST_PAGE, TRIES, Page, Row, read_page, read_pages
from clicksend.phone import E164, may_mean
from target_clicksend.messages.gates.stop_words import StopWords
from target_clicksend.messages.moments import read_moment
from target_clicksend.row import Rejected

COMMIT_ROWS = 2000
HISTORY = "/sms/history"
RECEIVED = "status:Received"
"""The search for replies, one term as the official specification has it."""

Query = tuple[str, Mapping[str, Any]]
"""Path and parameters of a collection."""


class OptOutReader:
    """Takes from ClickSend who opted out; keeps hashes only."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        keywords: Iterable[str],
        country: str | None = None,
        look_at: Callable[[str], None] | None = None,
    ) -> None:
        """Read from an account into its ledger.

        Args:
            client: The connection.
            ledger: The ledger.
            keywords: Words of a STOP.
            country: ISO 3166 code for numbers without a country code.
            look_at: Takes the message id of a reply that a person should read.
        """
        keywords = sorted(keywords)
        self._client = client
        self._ledger = ledger
        self._stop_words = StopWords(keywords)
        self._country = country
        self._look_at = look_at
        self.counted = [*keywords, f"rules {self._stop_words.digest}"]
        """What counts as a STOP; replies that were read when something else did must be read again."""

    def read_list(self, list_id: int) -> datetime:
        """Read all contacts of a list.

        Returns:
            The server's time at which this began.
        """
        return self._walk((f"/lists/{list_id}/contacts", {}), "contact_id", self._store_contacts)

    def read_replies(self, date_from: int | None) -> datetime:
        """Read the replies since a time (Unix seconds, None: all there are).

        Returns:
            The server's time at which this began.
        """
        dated: dict[str, Any] = {"order_by": "date:asc"} | (
            {} if date_from is None else {"date_from": date_from}
        )
        found = 0

        def store(messages: list[Row]) -> None:
            nonlocal found
            found += self._store_replies(messages)

        began = self._walk((HISTORY, {"q": RECEIVED, **dated}), "message_id", store)
        if not found and (date_from is None or self._has_lately_received(date_from)):
            # Either nobody has written, or the search does not work as it is documented.
            self._walk((HISTORY, dated), "message_id", self._store_replies)
        return began

    def ask(self, numbers: Iterable[str], lists: Sequence[int]) -> bool:
        """Read what there is of a few E.164 numbers, in a few requests; return whether that is surely all.

        It is not where lists are longer than a page, since no source says how contacts are searched, or where
        the search for a reply that is known to be there does not find it.
        """
        for list_id in lists:
            first = read_page(self._client, f"/lists/{list_id}/contacts", {"limit": LARGEST_PAGE})
            self._store_contacts(first.rows)
            if not _is_whole(first):
                return False
        newest = {"order_by": "date:desc", "limit": LARGEST_PAGE}
        first = read_page(self._client, HISTORY, {"q": RECEIVED, **newest})
        if not self._store_replies(first.rows):
            first = read_page(self._client, HISTORY, newest)
            return not self._store_replies(first.rows) and _is_whole(first)
        if _is_whole(first):
            return True
        senders = {str(row["from"]): str(row.get("message_id")) for row in first.rows if _is_reply(row)}
        if not all(map(E164.fullmatch, senders)):
            return False
        known = next(iter(senders))
        return senders[known] in self._search([known, *numbers])

    def _search(self, numbers: Sequence[str]) -> set[str]:
        """Read the replies of numbers; return the message ids that were found.

        None where others are found as well: then nothing is searched for, and each answer is all there is.
        """
        found: set[str] = set()
        queries: list[Query] = [(HISTORY, {"limit": LARGEST_PAGE, "q": f"from:{one}"}) for one in numbers]
        firsts = self._client.map(lambda one: read_page(self._client, *one), queries)
        for number, (path, params), first in zip(numbers, queries, firsts, strict=True):
            if not all(number.lstrip("+") in str(row.get("from")) for row in first.rows):
                return set()
            for page in read_pages(self._client, path, params, first=first):
                self._store_replies(page.rows)
                found.update(str(row.get("message_id")) for row in page.rows)
        return found

    def _has_lately_received(self, date_from: int) -> bool:
        """Return whether the newest messages have a reply that the search for replies has not found."""
        newest = {"order_by": "date:desc", "limit": LARGEST_PAGE, "date_from": date_from}
        return any(map(_is_reply, read_page(self._client, HISTORY, newest).rows))

    def _walk(self, query: Query, id_name: str, store: Callable[[list[Row]], Any]) -> datetime:
        path, params = query[0], {"limit": LARGEST_PAGE, **query[1]}
        before: set[Any] | None = None
        for _ in range(TRIES):
            first, ids, total, rows = read_page(self._client, path, params), set(), 0, []
            for page in read_pages(self._client, path, params, first=first):
                ids |= {row.get(id_name) for row in page.rows}
                total = max(total, page.total or 0)
                rows += page.rows
                if len(rows) >= COMMIT_ROWS:
                    store(rows)
                    rows = []
            store(rows)
            # When rows go while pages are read, others slip to a page that was read before. A server that
            # gives the same rows twice counts what it does not give.
            if len(ids) >= total or ids == before:
                return first.date
            before = ids
        raise UnexpectedAnswerError(f"GET {path} changed each time that it was read. Run again later.")

    def _store_contacts(self, contacts: list[Row]) -> None:
        numbers = (str(contact.get("phone_number") or "") for contact in contacts)
        meant = (one for number in numbers if number.strip() for one in self._numbers_meant(number))
        phones = [self._ledger.privacy.hash(one) for one in meant]
        if phones:
            self._ledger.memory.add_opt_outs(phones, source="list", kind="phone")
        emails = [
            self._ledger.privacy.hash(str(contact["email"])) for contact in contacts if contact.get("email")
        ]
        if emails:
            self._ledger.memory.add_opt_outs(emails, source="list", kind="email")

    def _store_replies(self, messages: list[Row]) -> int:
        """Keep who wrote a STOP, and when; return how many of the messages are replies."""
        written_at: dict[str, float] = {}
        replies = [message for message in messages if _is_reply(message)]
        for message in replies:
            number, body = str(message["from"]), str(message.get("body") or "")
            if self._stop_words.are_in(body):
                at = _written_at(message)
                for hashed in map(self._ledger.privacy.hash, self._numbers_meant(number)):
                    written_at[hashed] = max(at, written_at.get(hashed, at))
            elif self._look_at and self._stop_words.may_be_in(body):
                self._look_at(str(message.get("message_id")))
        if written_at:
            self._ledger.memory.add_stops(written_at)
        return len(replies)

    def _numbers_meant(self, number: str) -> Iterable[str]:
        """Return all numbers that one may mean: nobody's STOP is overlooked; itself where it means none."""
        return may_mean(number, self._country) or [number]


def _is_reply(message: Row) -> bool:
    return message.get("direction") == "in" and bool(str(message.get("from") or "").strip())


def _is_whole(page: Page) -> bool:
    """Return whether a page is the only one of its collection."""
    return page.total is not None and len(page.rows) >= page.total


def _written_at(reply: Row) -> float:
    """Return when a reply was written, in Unix seconds; one without a date is newer than any opt-in."""
    try:
        at = read_moment(reply, "date")
    except Rejected:
        at = None
    return math.inf if at is None else at
