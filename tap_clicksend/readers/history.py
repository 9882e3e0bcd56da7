"""Messages by time: complete windows, a bookmark that waits for what can still change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.paging import read_page
from clicksend.text import counted
from tap_clicksend.readers.collection import Collection
from tap_clicksend.readers.finality import DAY, Finality
from tap_clicksend.readers.windows import Directions, Source, Span, Window, Windows
from tap_clicksend.rows.columns import Row, iso
from tap_clicksend.rows.encode import EncodedPage, Encoder
from tap_clicksend.rows.schema import RecordBatch
from tap_clicksend.settings import moment
from tap_clicksend.state import seconds_of

LAG = 3600
"""Seconds that a message may take to show in its history; how long it really takes is unconfirmed."""

FIRST_START = "start_date"
"""Key in a bookmark: the start_date that the stream began with, absent when it began with the oldest row."""

WINDOW = 3
"""Parts of an entry in ``open_windows``."""

OPEN_WINDOWS = "open_windows"
"""Key in a bookmark: ``[[from, to, recheck_at]]``, what changes long after its date."""


class History(Collection):
    """Messages in windows by time.

    After each window the bookmark moves to the oldest message that may still change, at most to an hour
    before the run began.
    """

    listing: ClassVar[str] = ""
    """Path of the messages that the stream is made of, where it is not its own."""

    _settled = 100.0
    """Share of the messages that can change no more, in percent."""

    @override
    def pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        now, span = self._now(), self._span()
        self._directions = Directions()
        yield from self._recheck(now, encoder)
        finality, whole = Finality(now, self._settle_seconds), True
        if span.since is None or span.since < span.until:
            for item in self._windows(finality, encoder).read(span):
                if not isinstance(item, Window):
                    finality.add(len(item.keys), item.pending.values())
                    yield item
                    continue
                # Past a window that is not whole the bookmark never moves.
                whole = whole and item.proven
                self._close(item, finality, moves=whole and self.is_incremental)
        elif span.since > now + 1:
            self.logger.warning(
                "%s: the state lies ahead of the server's clock; nothing was read.", self.path
            )
        self._settled = 100 * (1 - finality.unsettled / max(finality.rows, 1))

    @override
    def summary(self) -> str:
        again = counted(self.progress.re_reads, "re-read")
        return f"{super().summary()}, {again}, {self._settled:.1f} % settled"

    @property
    @override
    def page_params(self) -> dict[str, Any]:
        return {**super().page_params, "order_by": f"{self._date}:asc"}

    def parse_messages(self, raw_rows: list[Row]) -> RecordBatch:
        """Return the API's messages with the columns that this stream looks at."""
        return self.parse_masked(raw_rows)

    def encode_messages(self, batch: RecordBatch, encoder: Encoder, finality: Finality) -> EncodedPage:
        """Return messages as they go out, with those that can still change as ``pending``."""
        return replace(self.encode(batch, encoder), pending=finality.pending(batch, self._date))

    def _windows(self, finality: Finality, encoder: Encoder) -> Windows:
        def encode(batch: RecordBatch) -> EncodedPage:
            return self.encode_messages(batch, encoder, finality)

        source = Source(self.listing or self.path, self.page_params, self.parse_messages, encode, self._date)
        return Windows(self.tap.client, source, self.progress, self._directions)

    def _recheck(self, now: int, encoder: Encoder) -> Iterator[EncodedPage]:
        """Read the windows again that are due, and keep those that are not final."""
        if not self.is_incremental:
            return
        waiting = self._open_windows()
        for entry in [entry for entry in waiting if entry[2] <= now]:
            finality, whole = Finality(now, self._settle_seconds), True
            span = Span(entry[0], entry[1])
            for item in self._windows(finality, encoder).read(span):
                if isinstance(item, Window):
                    whole = whole and item.proven
                else:
                    finality.add(len(item.keys), item.pending.values())
                    yield item
            waiting.remove(entry)
            waiting += finality.next_recheck(entry) if whole else [entry]
            self._set_open_windows(waiting)
            self.write_state()

    def _open_windows(self) -> list[list[int]]:
        """Return the windows that wait, as Unix seconds.

        Raises:
            SettingsError: The state holds something else.
        """
        waiting = self.stream_state.get(OPEN_WINDOWS, [])
        if not isinstance(waiting, list) or any(not isinstance(e, list) or len(e) != WINDOW for e in waiting):
            waiting = [[None]]
        return [[seconds_of(time, self.name) for time in entry] for entry in waiting]

    def _close(self, window: Window, finality: Finality, *, moves: bool) -> None:
        """Report a window and move the bookmark past it, now that its rows have been written."""
        self.logger.info(
            "%s, %s: %s, %s, %s.",
            self.name,
            window.span,
            counted(window.rows, "row"),
            counted(window.pages, "page"),
            counted(window.re_reads, "re-read"),
        )
        if not moves:
            return
        reached = min(window.span.until, finality.now - LAG, *filter(None, [finality.oldest]))
        bookmark = self.advance(reached)
        self._set_open_windows([*self._open_windows(), *finality.recheck_windows(bookmark)])
        self.write_state()

    def _set_open_windows(self, windows: list[list[int]]) -> None:
        if windows:
            self.stream_state[OPEN_WINDOWS] = [list(map(iso, window)) for window in windows]
        else:
            self.stream_state.pop(OPEN_WINDOWS, None)

    def _span(self) -> Span:
        """Return what to read: from bookmark or ``start_date``, to ``end_date`` or the server's present."""
        start_date, end_date = moment(self.config, "start_date"), moment(self.config, "end_date")
        since = int(start_date.timestamp()) if start_date else None
        if bookmark := self.bookmark:
            self._report_earlier_start(since)
            since = max(since or 0, bookmark)
        elif self.is_incremental and start_date:
            self.stream_state[FIRST_START] = iso(since or 0)
        # Messages of this very second may still come: the bookmark stays behind them.
        until = self._now() + 1
        return Span(since, min(until, int(end_date.timestamp())) if end_date else until)

    def _report_earlier_start(self, since: int | None) -> None:
        first = self.stream_state.get(FIRST_START)
        if first and (since is None or since < seconds_of(first, self.name)):
            self.logger.warning(
                "start_date was moved before %s, where %s began: older messages are not read."
                " Backfill once with: TAP_CLICKSEND_END_DATE=%s meltano run --state-id-suffix=backfill"
                " tap-clicksend <loader>",
                first,
                self.name,
                first,
            )

    def _now(self) -> int:
        """Return the server's clock when the run began, Unix seconds."""
        client = self.tap.client
        if client.started_at is None:
            read_page(client, self.listing or self.path, {"limit": 15})
        return int((client.started_at or datetime.now(UTC)).timestamp())

    @property
    def _settle_seconds(self) -> int:
        return int(self.config["settle_days"] * DAY)

    @property
    def _date(self) -> str:
        return str(type(self).replication_key)
