"""A span of time read in windows, each of which proves that it is complete.

Offset pages over a moving set shift: a row that comes or goes while they are read makes others appear
twice or not at all. A window is closed when as many different messages arrived as the server counts on
every page of it.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from clicksend.client import Client
from clicksend.errors import UnexpectedAnswerError
from clicksend.paging import IdlePages, read_page
from tap_clicksend.block import Block
from tap_clicksend.columns import Row
from tap_clicksend.packed import Packed
from tap_clicksend.progress import Progress
from tap_clicksend.times import iso

LARGEST_WINDOW = 10_000
"""Rows; what a killed run has to read again at most, and what memory holds the keys of."""

RE_READS = 3


@dataclass(frozen=True)
class Span:
    """Time from ``since`` (None: from the oldest row on) up to, not including, ``until``; Unix seconds."""

    since: int | None
    until: int

    def __str__(self) -> str:
        return f"{iso(self.since) if self.since is not None else 'the oldest'} to {iso(self.until)}"

    @property
    def filters(self) -> dict[str, int]:
        """Query parameters, a second wider on both sides: whether the ends belong to it is unconfirmed."""
        since = {} if self.since is None else {"date_from": self.since - 1}
        return {**since, "date_to": self.until + 1}

    def holds(self, moment: int | None) -> bool:
        """Return whether a time (Unix seconds) lies in the span; one that is missing does."""
        return moment is None or ((self.since is None or self.since <= moment) and moment < self.until)

    @cached_property
    def wider(self) -> Span:
        """What a server that keeps to ``filters`` may send."""
        return Span(None if self.since is None else self.since - 1, self.until + 2)

    def holds_all(self, moments: list[int]) -> bool:
        """Return whether all times lie in the span."""
        return not moments or (self.holds(min(moments)) and self.holds(max(moments)))

    def parts(self, count: int, oldest: int) -> list[Span]:
        """Return the span cut into at most ``count`` equal parts, the first as open as the span is."""
        since = oldest if self.since is None else self.since
        cuts = {since + (self.until - since) * part // count for part in range(1, count)}
        ends = [*sorted(cut for cut in cuts if since < cut < self.until), self.until]
        return [Span(start, end) for start, end in zip([self.since, *ends], ends, strict=False)]


@dataclass
class Window:
    """What was read of a span."""

    span: Span
    rows: int = 0
    pages: int = 0
    re_reads: int = 0
    proven: bool = False
    """Whether all its rows are known to have arrived."""
    emitted: set[Any] = field(default_factory=set, repr=False)


@dataclass
class Walk:
    """One reading of a window: what arrived, and what the server counted on each page."""

    ids: defaultdict[Any, set[Any]] = field(default_factory=lambda: defaultdict(set))
    """By direction: one id can stand for what was sent and for what came in."""
    counted: set[int | None] = field(default_factory=set)
    strays: bool = False

    @property
    def messages(self) -> int:
        """Different messages that arrived."""
        return sum(map(len, self.ids.values()))

    @property
    def complete(self) -> bool:
        """Whether all arrived that every page counted; a server that does not count is believed."""
        return self.counted in ({None}, {self.messages})


class _Hashes:
    """A set of 64-bit hashes, which is kept for a whole run: 6 bytes each, a tenth of what a set takes."""

    SIZE = 6

    def __init__(self) -> None:
        self._parts: defaultdict[int, bytearray] = defaultdict(bytearray)

    def add(self, hashes: Iterable[int]) -> None:
        """Add some, those that are in it already too."""
        for one in hashes:
            part, rest = self._parts[one & 0xFFFF], self._rest(one)
            if not self._is_in(part, rest):
                part += rest

    def those_of(self, hashes: Iterable[int]) -> list[int]:
        """Return those that are in it."""
        found = []
        for one in hashes:
            part = self._parts.get(one & 0xFFFF)
            if part is not None and self._is_in(part, self._rest(one)):
                found.append(one)
        return found

    def _rest(self, one: int) -> bytes:
        return ((one >> 16) & 0xFFFF_FFFF_FFFF).to_bytes(self.SIZE, "big")

    def _is_in(self, part: bytearray, rest: bytes) -> bool:
        place = part.find(rest)
        while place % self.SIZE and place >= 0:
            place = part.find(rest, place + 1)
        return place >= 0


class Directions:
    """Which way each message of a run went.

    A row is kept by its id alone: of two messages that share one, the loader would keep whichever came last.
    """

    def __init__(self) -> None:
        self._ids: defaultdict[Any, _Hashes] = defaultdict(_Hashes)
        self._both: set[int] = set()

    def take(self, ids: Mapping[Any, list[Any]]) -> None:
        """Remember ids, given by direction."""
        for direction, some in ids.items():
            new = list(map(hash, filter(None, some)))
            for other, known in self._ids.items():
                if other != direction:
                    self._both.update(known.those_of(new))
            self._ids[direction].add(new)

    def check(self, path: str, span: Span) -> None:
        """Refuse ids that stand for two messages.

        Raises:
            UnexpectedAnswerError: There are such, as a span that was just read shows.
        """
        if self._both:
            raise UnexpectedAnswerError(
                f"GET {path}, {span}: ids came in both directions ({len(self._both)} of them), and a message"
                " that was sent and one that came in cannot both be kept under the key message_id. Ask"
                " ClickSend's support about them; until then set end_date to before them, or deselect the"
                " stream."
            )


@dataclass(frozen=True)
class _Page:
    """A page with typed rows; see ``clicksend.paging.Page``."""

    block: Block
    total: int | None
    last_page: int | None


@dataclass(frozen=True)
class _Task:
    """One page to read."""

    span: Span
    filters: Mapping[str, int]
    number: int
    first: _Page


def _tasks(span: Span, filters: Mapping[str, int], first: _Page) -> Iterator[_Task]:
    for number in range(1, (first.last_page or 1) + 1):
        yield _Task(span, filters, number, first)


@dataclass(frozen=True)
class Source:
    """A history to read.

    Attributes:
        path: Like ``/sms/history``.
        params: Query parameters of every page, without dates.
        typed: Makes a stream's rows of the API's.
        pack: Makes what goes out of a stream's rows.
        date: The column that the server filters by.
    """

    path: str
    params: Mapping[str, Any]
    typed: Callable[[list[Row]], Block]
    pack: Callable[[Block], Packed]
    date: str


@dataclass(frozen=True)
class _Sheet:
    """A page as the thread that read it leaves it.

    Attributes:
        total: Rows that the server counts.
        last_page: Number of the last page.
        ids: Of all rows, those outside the window too, by direction.
        strays: Whether a row lies where the server should send none from.
        packed: The rows in the window.
    """

    total: int | None
    last_page: int | None
    ids: Mapping[Any, list[Any]]
    strays: bool
    packed: Packed


class Windows:
    """Reads one history."""

    def __init__(self, client: Client, source: Source, progress: Progress, directions: Directions) -> None:
        self._client = client
        self._progress = progress
        self._source = source
        self._directions = directions
        self._logger = logging.getLogger("tap-clicksend")

    def read(self, span: Span) -> Iterator[Packed | Window]:
        """Yield rows page by page, each message once, and each window after its rows.

        Raises:
            ClickSendError: A page could not be read, or an id stands for two messages; the windows yielded
                before are whole.
        """
        window, walk, idle = Window(span), Walk(), IdlePages(self._source.path)
        with closing(self._client.map(self._sheet_of, self._tasks(span))) as sheets:
            for task, sheet in sheets:
                if task.number == 1:
                    window, walk, idle = Window(task.span), Walk(), IdlePages(self._source.path)
                known = walk.messages
                yield self._new_rows(window, walk, sheet, bool(task.filters))
                idle.count(is_new=walk.messages > known)
                if task.number < (task.first.last_page or 1):
                    continue
                if task.first.last_page is None:
                    yield from self._until_nothing_new(window, walk, task.filters)
                if walk.strays:
                    # The filter is ignored after all: what is left of the span comes in one walk.
                    window.span = Span(window.span.since, span.until)
                yield from self._prove(window, walk)
                self._directions.check(self._source.path, window.span)
                self._progress.windows += 1
                self._progress.re_reads += window.re_reads
                yield window
                if walk.strays:
                    return

    def _tasks(self, span: Span) -> Iterator[_Task]:
        """Yield all pages of all windows, cutting spans that hold too many rows."""
        spans = deque([span])
        ahead: Future[_Page] | None = None
        while spans:
            part = spans.popleft()
            first = (ahead or self._client.submit(self._first_page, part)).result()
            ahead = None
            if part is span:
                self._progress.expect(first.total, windows=1)
            if not part.wider.holds_all(self._dates(first.block)):
                # The server ignores the filter: all that is left comes in one walk.
                yield from _tasks(Span(part.since, span.until), {}, first)
                return
            if parts := self._cut(part, first):
                self._progress.expect(0, windows=len(parts) - 1)
                spans.extendleft(reversed(parts))
                continue
            if spans:
                ahead = self._client.submit(self._first_page, spans[0])
            yield from _tasks(part, part.filters, first)

    def _cut(self, span: Span, first: _Page) -> list[Span]:
        """Return the parts of a span that holds too many rows, none when it is right or cannot be cut."""
        if (first.total or 0) <= LARGEST_WINDOW * 1.5:
            return []
        dates = self._dates(first.block)
        oldest = min(dates, default=span.until)
        parts = span.parts(-(-(first.total or 0) // LARGEST_WINDOW), oldest)
        return parts if len(parts) > 1 else []

    def _first_page(self, span: Span) -> _Page:
        return self._read_typed(span.filters, 1)

    def _sheet_of(self, task: _Task) -> tuple[_Task, _Sheet]:
        page = task.first if task.number == 1 else self._read_typed(task.filters, task.number)
        return task, self._sheet(task.span, page)

    def _sheet(self, span: Span, page: _Page) -> _Sheet:
        block, dates = page.block, self._dates(page.block)
        ids = defaultdict(list)
        for direction, message_id in zip(block.get("direction"), block["message_id"], strict=True):
            ids[direction].append(message_id)
        if not span.holds_all(dates):
            block = block.where(map(span.holds, block[self._source.date]))
        return _Sheet(
            total=page.total,
            last_page=page.last_page,
            ids=ids,
            strays=not span.wider.holds_all(dates),
            packed=self._source.pack(block),
        )

    def _read_typed(self, filters: Mapping[str, int], number: int) -> _Page:
        page = read_page(self._client, self._source.path, {**self._source.params, **filters}, number)
        return _Page(self._source.typed(page.rows), page.total, page.last_page)

    def _new_rows(self, window: Window, walk: Walk, sheet: _Sheet, filtered: bool) -> Packed:  # noqa: FBT001
        """Take note of a page and return those of its rows that are new to the window."""
        window.pages += 1
        self._directions.take(sheet.ids)
        walk.counted.add(sheet.total)
        for direction, ids in sheet.ids.items():
            walk.ids[direction].update(ids)
        walk.strays |= filtered and sheet.strays
        new = sheet.packed.without(window.emitted)
        window.emitted.update(new.keys)
        window.rows += len(new.keys)
        return new

    def _until_nothing_new(self, window: Window, walk: Walk, filters: Mapping[str, int]) -> Iterator[Packed]:
        """Read on behind the first page of a server that does not count."""
        number, known = 1, 0
        while walk.messages > known:
            number, known = number + 1, walk.messages
            sheet = self._sheet(window.span, self._read_typed(filters, number))
            yield self._new_rows(window, walk, sheet, bool(filters))

    def _dates(self, block: Block) -> list[int]:
        return [date for date in block[self._source.date] if date is not None]

    def _prove(self, window: Window, walk: Walk) -> Iterator[Packed]:
        """Read a window again until it is proven, or no better than before; yield what was missing."""
        window.proven = walk.complete and not walk.strays
        before = None
        while not window.proven and window.re_reads < RE_READS:
            window.re_reads += 1
            again, filters = Walk(), {} if walk.strays else window.span.filters
            idle = IdlePages(self._source.path)
            number, last = 0, 1
            while (number := number + 1) <= last:
                sheet = self._sheet(window.span, self._read_typed(filters, number))
                last, known = max(last, sheet.last_page or 1), again.messages
                yield self._new_rows(window, again, sheet, filtered=False)
                idle.count(is_new=again.messages > known)
            window.proven = again.complete
            if not window.proven and again == before:
                self._logger.warning(
                    "%s, %s: the server counts %s messages but sends %d, twice alike; going on with these.",
                    self._source.path,
                    window.span,
                    "/".join(map(str, again.counted)),
                    again.messages,
                )
                window.proven = True
            before = again
        if not window.proven:
            self._logger.warning(
                "%s, %s: changes too fast to be read whole; the next run reads it again.",
                self._source.path,
                window.span,
            )
