"""Whole collections, page by page, whatever the server makes of ``page`` and ``limit``.

Only ``total``, ``last_page`` and the rows are read. ``next_page_url`` loses filters and changes hosts
(observed), ``current_page`` past the end differs between servers (unconfirmed): neither is used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from clicksend.client import Client
from clicksend.errors import UnexpectedAnswerError

LARGEST_PAGE = 100
PAGER = frozenset({"current_page", "last_page", "per_page", "next_page_url"})
"""Fields of a pager that no row has."""

MOST_IDLE_PAGES = 10
"""So many pages in a row without a new row are not a collection that shrinks while it is read: its counts are
wrong, and reading would never end."""

TRIES = 3
"""How often a collection is read that changes while it is read."""

Row = dict[str, Any]

logger = logging.getLogger("clicksend")


class IdlePages:
    """Counts pages in a row that bring nothing new."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pages = 0

    def count(self, *, is_new: bool) -> None:
        """Count a page.

        Raises:
            UnexpectedAnswerError: It is the last of ``MOST_IDLE_PAGES`` without anything new.
        """
        self._pages = 0 if is_new else self._pages + 1
        if self._pages >= MOST_IDLE_PAGES:
            raise UnexpectedAnswerError(
                f"GET {self._path}: {MOST_IDLE_PAGES} pages in a row brought no new row, though the answers"
                " count more. Check api_url, and any proxy in between; else run again later."
            )


class Tally:
    """What arrives of a collection, next to what the server counts.

    When a row goes while pages are read, those behind it move up, and one slips to a page that was read
    before. Then fewer arrive than were counted at first.

    Attributes:
        rows: Rows that arrived.
        most: The most that a page counted.
    """

    def __init__(self) -> None:
        self.rows = self.most = 0

    def counted(self, pages: Iterable[Page]) -> Iterator[Page]:
        """Yield pages, and count them."""
        for page in pages:
            self.rows += len(page.rows)
            self.most = max(self.most, page.total or 0)
            yield page

    @property
    def is_whole(self) -> bool:
        """Whether as many arrived as were ever counted; a server that does not count is believed."""
        return self.rows >= self.most


@dataclass(frozen=True)
class Page:
    """One page of a collection.

    Attributes:
        rows: The rows as the API sent them.
        total: Rows in the whole collection, None when the server does not say.
        last_page: Number of the last page, None when the server does not say.
        date: The server's clock (UTC).
    """

    rows: list[Row]
    total: int | None
    last_page: int | None
    date: datetime


def read_page(client: Client, path: str, params: Mapping[str, Any], number: int = 1) -> Page:
    """Read one page.

    Raises:
        ClickSendError: The call failed, or its answer is not a valid page.
    """
    answer = client.get(path, {**params, "page": number})
    try:
        return _page(answer.data, number, answer.date)
    except ValueError as unlike:
        raise UnexpectedAnswerError(
            f"GET {path} answered with what is not a valid page of a collection: {unlike}. Nothing was taken"
            " from it. Check api_url; if that is right, ClickSend has changed: look for a newer version of"
            " singer-clicksend."
        ) from None


def _page(data: Any, number: int, date: datetime) -> Page:
    """Take a page out of an answer: a pager, or all rows in an array (documented for a few collections).

    Empty are only the recorded shapes: ``[]``, and a pager that counts no row, with or without ``data``.

    Raises:
        ValueError: It is something else; were it read as empty, all rows would be missing unnoticed.
    """
    if isinstance(data, list):
        return Page(_rows(data), len(data), 1, date)
    if not isinstance(data, dict) or not data.keys() & {"data", "total"}:
        raise ValueError("it has no rows")
    total, given = _count(data, "total"), data.get("data")
    rows = _rows([] if given is None else given)
    last_page = _last_page(data, total, len(rows))
    if total and not rows and (number == 1 or (given is None and number <= (last_page or 1))):
        raise ValueError(f"it counts {total} rows and has none")
    return Page(rows, total, last_page, date)


def _rows(given: Any) -> list[Row]:
    """Return rows as they are.

    Raises:
        ValueError: They are not rows, or they are pagers.
    """
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise ValueError("its rows are not objects in an array")
    if any(row.keys() & PAGER or isinstance(row.get("data"), list) for row in given):
        raise ValueError("its rows are pagers")
    return given


def read_pages(
    client: Client, path: str, params: Mapping[str, Any] | None = None, *, first: Page | None = None
) -> Iterator[Page]:
    """Read all pages, in order, several at once after the first.

    Args:
        client: The connection.
        path: Like ``/lists``.
        params: ``limit`` and filters.
        first: The first page, where it was read ahead.

    Raises:
        ClickSendError: A page could not be read; those before it were yielded.
    """
    params = {"limit": LARGEST_PAGE, **(params or {})}
    first = first or read_page(client, path, params)
    tally, known, idle = Tally(), set[int](), IdlePages(path)
    for page in tally.counted(chain([first], _further_pages(client, path, params, first))):
        mark = _fingerprint(page.rows)
        idle.count(is_new=bool(page.rows) and mark not in known)
        known.add(mark)
        yield page
    if not tally.is_whole:
        logger.warning("GET %s: %d rows arrived of the %d it counts.", path, tally.rows, tally.most)


def read_whole(client: Client, path: str) -> list[Row]:
    """Read all rows of a collection, again where rows went while it was read.

    Raises:
        ClickSendError: A page could not be read, or the collection changed each time.
    """
    before = None
    for _ in range(TRIES):
        tally = Tally()
        rows = [row for page in tally.counted(read_pages(client, path)) for row in page.rows]
        # A server that gives the same twice counts what it does not give.
        if tally.is_whole or rows == before:
            return rows
        before = rows
    raise UnexpectedAnswerError(f"GET {path} changed each time that it was read. Run again later.")


def _fingerprint(rows: list[Row]) -> int:
    """Return a number that differs between pages; only the first and last row are looked at."""
    return hash(str([len(rows), *rows[:1], *rows[-1:]]))


def id_of(row: Any, name: str, endpoint: str) -> int:
    """Return a numeric id of an answer.

    Args:
        row: A row, or the whole answer.
        name: The id's field.
        endpoint: For error texts, like ``GET /lists``.

    Raises:
        UnexpectedAnswerError: It has none, or something else in its place.
    """
    value = row.get(name) if isinstance(row, Mapping) else None
    if not re.fullmatch(r"[0-9]{1,18}", str(value)):
        raise UnexpectedAnswerError(f"{endpoint} answered without a valid {name}. Check api_url.")
    return int(str(value))


def _further_pages(client: Client, path: str, params: Mapping[str, Any], first: Page) -> Iterator[Page]:
    if first.last_page is None:
        yield from _until_empty(client, path, params, first)
        return
    read, last = 1, first.last_page
    while read < last:
        for page in client.map(
            lambda number: read_page(client, path, params, number), range(read + 1, last + 1)
        ):
            read += 1
            # A collection that grows while it is read has more pages at the end than at the start.
            last = max(last, page.last_page or 0)
            yield page


def _until_empty(client: Client, path: str, params: Mapping[str, Any], page: Page) -> Iterator[Page]:
    number, before = 1, None
    # A server that never ends is noticed by whoever takes the pages.
    while page.rows and page.rows != before:
        number, before = number + 1, page.rows
        page = read_page(client, path, params, number)
        if page.rows != before:
            yield page


def _last_page(data: Row, total: int | None, rows: int) -> int | None:
    """Return the larger of what the server says and what its counts imply: some say 0, some nothing."""
    per_page = _count(data, "per_page") or rows
    said = _count(data, "last_page")
    if total is None or not per_page:
        return said
    return max(said or 0, -(-total // per_page))


def _count(data: Row, name: str) -> int | None:
    """Return a number of a pager, None when it has none.

    Raises:
        ValueError: It has something else.
    """
    value = data.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", str(value)):
        raise ValueError(f"its {name} is not a valid count")
    return int(value)
