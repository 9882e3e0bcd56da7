"""A span of time read in windows, each of which proves that it is complete.

Offset pages over a moving set shift: a row that comes or goes while they are read makes others appear
twice or not at all. A window is closed when as many different messages arrived as the server counts on
every page of it.

A message that goes and another that comes leave the count as it was. They go at the old end, where ClickSend
forgets them after four months, and come at the new one: a window with both ends is asked for its first page
again when all others have arrived.
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
from tap_clicksend.progress import Progress
from tap_clicksend.rows.columns import Row, iso
from tap_clicksend.rows.encode import EncodedPage
from tap_clicksend.rows.schema import RecordBatch

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

    def holds_all(self, moments: Iterable[int]) -> bool:
        """Return whether all times lie in the span."""
        return all(map(self.holds, moments))

    def parts(self, count: int, oldest: int) -> list[Span]:
        """Return the span cut into at most ``count`` equal parts, the first as open as the span is."""
        since = oldest if self.since is None else self.since
        cuts = {since + (self.until - since) * part // count for part in range(1, count)}
        ends = [*sorted(cut for cut in cuts if since < cut < self.until), self.until]
        return [Span(start, end) for start, end in zip([self.since, *ends], ends, strict=False)]


@dataclass(frozen=True)
class HistoryPage:
    """A page of a history, as the thread that read it leaves it.

    Attributes:
        total: Rows that the server counts, None when it does not say.
        last_page: Number of the last page, None when the server does not say.
        ids: Of all rows, those outside the span too, by direction.
        dates: Of the oldest and the newest row (Unix seconds), none where no row has a date.
        rows: The rows in the span, encoded.
    """

    total: int | None
    last_page: int | None
    ids: Mapping[Any, list[Any]]
    dates: tuple[int, ...]
    rows: EncodedPage


@dataclass
class Window:
    """A span as it is read.

    Attributes:
        span: The time that it covers.
        filters: Query parameters of its pages; none where the server ignores them.
        first: Its first page.
        rows: Rows that went out.
        pages: Pages that were read, again and again where need be.
        re_reads: How often it was read again.
        proven: Whether all its rows are known to have arrived.
        emitted: Keys of the rows that went out.
    """

    span: Span
    filters: Mapping[str, int]
    first: HistoryPage
    rows: int = 0
    pages: int = 0
    re_reads: int = 0
    proven: bool = False
    emitted: set[Any] = field(default_factory=set, repr=False)

    @property
    def last_page(self) -> int:
        """Number of the last page when the first one was read."""
        return self.first.last_page or 1


@dataclass
class Pass:
    """One reading of a window: what arrived, and what the server counted on each page.

    Attributes:
        first: Its first page.
        ids: By direction: one id can stand for what was sent and for what came in.
        counted: The totals on its pages.
        strays: Whether a row lies where the server should send none from.
    """

    first: HistoryPage | None = field(default=None, compare=False)
    ids: defaultdict[Any, set[Any]] = field(default_factory=lambda: defaultdict(set))
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


class _HashSet:
    """A set of 64-bit hashes in 6 bytes each, a tenth of a Python set's memory: it lives for a whole run."""

    SIZE = 6

    def __init__(self) -> None:
        self._parts: defaultdict[int, bytearray] = defaultdict(bytearray)

    def update(self, hashes: Iterable[int]) -> None:
        """Add hashes."""
        for one in hashes:
            part, rest = self._parts[one & 0xFFFF], self._rest(one)
            if not self._is_in(part, rest):
                part += rest

    def intersection(self, hashes: Iterable[int]) -> list[int]:
        """Return the hashes that are in it."""
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
        self._ids: defaultdict[Any, _HashSet] = defaultdict(_HashSet)
        self._both: set[int] = set()

    def add(self, ids: Mapping[Any, list[Any]]) -> None:
        """Remember ids, given by direction."""
        for direction, some in ids.items():
            new = list(map(hash, filter(None, some)))
            for other, known in self._ids.items():
                if other != direction:
                    self._both.update(known.intersection(new))
            self._ids[direction].update(new)

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
class Source:
    """A history to read.

    Attributes:
        path: Like ``/sms/history``.
        params: Query parameters of every page, without dates.
        parse: Makes a stream's rows of the API's.
        encode: Makes what goes out of a stream's rows.
        date: The column that the server filters by.
    """

    path: str
    params: Mapping[str, Any]
    parse: Callable[[list[Row]], RecordBatch]
    encode: Callable[[RecordBatch], EncodedPage]
    date: str


class Windows:
    """Reads one history."""

    def __init__(self, client: Client, source: Source, progress: Progress, directions: Directions) -> None:
        self._client = client
        self._progress = progress
        self._source = source
        self._directions = directions
        self._logger = logging.getLogger("tap-clicksend")

    def read(self, span: Span) -> Iterator[EncodedPage | Window]:
        """Yield rows page by page, each message once, and each window after its rows.

        Raises:
            ClickSendError: A page could not be read, or an id stands for two messages; the windows yielded
                before are whole.
        """
        reading, idle = Pass(), IdlePages(self._source.path)
        with closing(self._client.map(self._read_planned, self._plan(span))) as pages:
            for window, number, page in pages:
                if number == 1:
                    reading, idle = Pass(), IdlePages(self._source.path)
                known = reading.messages
                yield self._new_rows(window, reading, page, filtered=bool(window.filters))
                idle.count(is_new=reading.messages > known)
                if number < window.last_page:
                    continue
                if window.first.last_page is None:
                    yield from self._until_nothing_new(window, reading)
                if reading.strays:
                    # The filter is ignored after all: what is left of the span comes in one pass.
                    window.span = Span(window.span.since, span.until)
                yield from self._prove(window, reading, span)
                self._directions.check(self._source.path, window.span)
                self._progress.windows += 1
                self._progress.re_reads += window.re_reads
                yield window
                if reading.strays:
                    return

    def _plan(self, span: Span) -> Iterator[tuple[Window, int]]:
        """Yield all windows with the numbers of their pages, cutting spans that hold too many rows."""
        spans = deque([span])
        ahead: Future[HistoryPage] | None = None
        while spans:
            part = spans.popleft()
            first = (ahead or self._client.submit(self._first_page, part)).result()
            ahead = None
            if part is span:
                self._progress.expect(first.total, windows=1)
            if not part.wider.holds_all(first.dates):
                # The server ignores the filter: all that is left comes in one pass.
                whole = Span(part.since, span.until)
                yield from _numbered(Window(whole, {}, self._page(whole, {}, 1)))
                return
            if parts := _cut(part, first):
                self._progress.expect(0, windows=len(parts) - 1)
                spans.extendleft(reversed(parts))
                continue
            if spans:
                ahead = self._client.submit(self._first_page, spans[0])
            yield from _numbered(Window(part, part.filters, first))

    def _first_page(self, span: Span) -> HistoryPage:
        return self._page(span, span.filters, 1)

    def _read_planned(self, planned: tuple[Window, int]) -> tuple[Window, int, HistoryPage]:
        window, number = planned
        return *planned, window.first if number == 1 else self._page(window.span, window.filters, number)

    def _page(self, span: Span, filters: Mapping[str, int], number: int) -> HistoryPage:
        page = read_page(self._client, self._source.path, {**self._source.params, **filters}, number)
        batch = self._source.parse(page.rows)
        ids = defaultdict(list)
        for direction, message_id in zip(batch.get("direction"), batch["message_id"], strict=True):
            ids[direction].append(message_id)
        known = [date for date in batch[self._source.date] if date is not None]
        dates = (min(known), max(known)) if known else ()
        if not span.holds_all(dates):
            batch = batch.filter(map(span.holds, batch[self._source.date]))
        return HistoryPage(page.total, page.last_page, ids, dates, self._source.encode(batch))

    def _new_rows(self, window: Window, reading: Pass, page: HistoryPage, *, filtered: bool) -> EncodedPage:
        """Add a page to a pass; return those of its rows that are new to the window."""
        window.pages += 1
        reading.first = reading.first or page
        self._directions.add(page.ids)
        reading.counted.add(page.total)
        for direction, ids in page.ids.items():
            reading.ids[direction].update(ids)
        reading.strays |= filtered and not window.span.wider.holds_all(page.dates)
        new = page.rows.without(window.emitted)
        window.emitted.update(new.keys)
        window.rows += len(new.keys)
        return new

    def _until_nothing_new(self, window: Window, reading: Pass) -> Iterator[EncodedPage]:
        """Read on behind the first page of a server that does not count."""
        number, known = 1, 0
        while reading.messages > known:
            number, known = number + 1, reading.messages
            page = self._page(window.span, window.filters, number)
            yield self._new_rows(window, reading, page, filtered=bool(window.filters))

    def _prove(self, window: Window, reading: Pass, span: Span) -> Iterator[EncodedPage]:
        """Read a window again until it is proven, or no better than before; yield what was missing."""
        window.proven = self._is_whole(window, reading, window.filters, span)
        before = None
        while not window.proven and window.re_reads < RE_READS:
            window.re_reads += 1
            again, filters = Pass(), {} if reading.strays else window.span.filters
            idle = IdlePages(self._source.path)
            number, last = 0, 1
            while (number := number + 1) <= last:
                page = self._page(window.span, filters, number)
                last, known = max(last, page.last_page or 1), again.messages
                yield self._new_rows(window, again, page, filtered=False)
                idle.count(is_new=again.messages > known)
            is_settled = again.complete and again == before
            window.proven = is_settled or self._is_whole(window, again, filters, span)
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

    def _is_whole(self, window: Window, reading: Pass, filters: Mapping[str, int], span: Span) -> bool:
        """Return whether a pass has all messages of a window, and none can have slipped past it."""
        if not reading.complete or reading.strays:
            return False
        first = reading.first
        if window.span != span or first is None or (first.last_page or 1) == 1:
            return True
        window.pages += 1
        now = self._page(window.span, filters, 1).ids
        return all(set(ids) <= set(now.get(direction, ())) for direction, ids in first.ids.items())


def _numbered(window: Window) -> Iterator[tuple[Window, int]]:
    for number in range(1, window.last_page + 1):
        yield window, number


def _cut(span: Span, first: HistoryPage) -> list[Span]:
    """Return the parts of a span that holds too many rows, none when it is right or cannot be cut."""
    if (first.total or 0) <= LARGEST_WINDOW * 1.5:
        return []
    oldest = min(first.dates, default=span.until)
    parts = span.parts(-(-(first.total or 0) // LARGEST_WINDOW), oldest)
    return parts if len(parts) > 1 else []
