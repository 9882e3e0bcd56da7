"""Reads the Opt-Out List and STOP replies into the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from clicksend.client import Client
from clicksend.errors import UnexpectedAnswerError
from clicksend.ledger import Ledger
from clicksend.paging import LARGEST_PAGE, Row, read_page, read_pages
from clicksend.phone import may_mean
from target_clicksend.gates.moments import read_moment
from target_clicksend.gates.stop_words import StopWords
from target_clicksend.row import Rejected

ATTEMPTS = 3
COMMIT_ROWS = 2000

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
        return self._walk((f"/lists/{list_id}/contacts", {}), "contact_id", self._keep_contacts)

    def read_replies(self, date_from: int | None) -> datetime:
        """Read the replies since a time (Unix seconds, None: all there are).

        Returns:
            The server's time at which this began.
        """
        received = {"q": "status:Received", "order_by": "date:asc"}
        dated = received if date_from is None else {**received, "date_from": date_from}
        return self._walk(("/sms/history", dated), "message_id", self._keep_replies)

    def ask(self, numbers: Iterable[str], lists: Sequence[int]) -> None:
        """Read what there is of a few E.164 numbers."""
        numbers = list(numbers)
        paths = [f"/lists/{list_id}/contacts" for list_id in lists]
        self._ask(
            [(path, {"q": f"phone_number:{one}"}) for one in numbers for path in paths], self._keep_contacts
        )
        replies = [("/sms/history", {"q": f"status:Received,from:{one}"}) for one in numbers]
        self._ask(replies, self._keep_replies)

    def _walk(self, query: Query, id_name: str, keep: Callable[[list[Row]], None]) -> datetime:
        path, params = query[0], {"limit": LARGEST_PAGE, **query[1]}
        before: set[Any] | None = None
        for _ in range(ATTEMPTS):
            first, ids, total, rows = read_page(self._client, path, params), set(), 0, []
            for page in read_pages(self._client, path, params, first=first):
                ids |= {row.get(id_name) for row in page.rows}
                total = max(total, page.total or 0)
                rows += page.rows
                if len(rows) >= COMMIT_ROWS:
                    keep(rows)
                    rows = []
            keep(rows)
            # When rows go while pages are read, others slip to a page that was read before. A server that
            # gives the same rows twice counts what it does not give.
            if len(ids) >= total or ids == before:
                return first.date
            before = ids
        raise UnexpectedAnswerError(f"GET {path} changed each time that it was read. Run again later.")

    def _ask(self, queries: Iterable[Query], keep: Callable[[list[Row]], None]) -> None:
        queries = [(path, {"limit": LARGEST_PAGE, **params}) for path, params in queries]
        firsts = self._client.map(lambda one: read_page(self._client, *one), queries)
        for (path, params), first in zip(queries, firsts, strict=True):
            for page in read_pages(self._client, path, params, first=first):
                keep(page.rows)

    def _keep_contacts(self, contacts: list[Row]) -> None:
        numbers = (str(contact.get("phone_number") or "") for contact in contacts)
        meant = (one for number in numbers if number.strip() for one in self._spelled(number))
        phones = [self._ledger.hash(one) for one in meant]
        if phones:
            self._ledger.add_opt_outs(phones, source="list", kind="phone")
        emails = [self._ledger.hash(str(contact["email"])) for contact in contacts if contact.get("email")]
        if emails:
            self._ledger.add_opt_outs(emails, source="list", kind="email")

    def _keep_replies(self, messages: list[Row]) -> None:
        """Keep who wrote a STOP, and when; a server that ignores ``q`` sends other messages too."""
        written_at: dict[str, float] = {}
        for message in messages:
            number, body = str(message.get("from") or ""), str(message.get("body") or "")
            if message.get("direction") != "in" or not number.strip():
                continue
            if self._stop_words.are_in(body):
                at = _written_at(message)
                for hashed in map(self._ledger.hash, self._spelled(number)):
                    written_at[hashed] = max(at, written_at.get(hashed, at))
            elif self._look_at and self._stop_words.may_be_in(body):
                self._look_at(str(message.get("message_id")))
        if written_at:
            self._ledger.add_stops(written_at)

    def _spelled(self, number: str) -> Iterable[str]:
        """Return all numbers that one may mean: nobody's STOP is overlooked; itself where it means none."""
        return may_mean(number, self._country) or [number]


def _written_at(reply: Row) -> float:
    """Return when a reply was written, in Unix seconds; one without a date is newer than any opt-in."""
    try:
        at = read_moment(reply, "date")
    except Rejected:
        at = None
    return math.inf if at is None else at
