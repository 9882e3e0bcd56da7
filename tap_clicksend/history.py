"""Messages by time: complete windows, a bookmark that waits for what can still change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from clicksend.paging import read_page
from clicksend.text import counted
from tap_clicksend.block import Block
from tap_clicksend.collections import Collection
from tap_clicksend.columns import Row
from tap_clicksend.packed import Packed
from tap_clicksend.settling import DAY, Settling
from tap_clicksend.times import iso, seconds_of
from tap_clicksend.windows import Directions, Source, Span, Window, Windows

LAG = 3600
"""Seconds that a message may take to show in its history; how long it really takes is unconfirmed."""

FIRST_START = "start_date"
"""Key in a bookmark: the start_date that the stream began with, absent when it began with the oldest row."""

WINDOW = 3
"""Parts of an entry in ``open_windows``."""

OPEN_WINDOWS = "open_windows"
"""Key in a bookmark: ``[[from, to, look_again_at]]``, what changes long after its date."""


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
    def pages(self) -> Iterator[Packed]:
        now, span = self._now(), self._span()
        self._directions = Directions()
        yield from self._look_again(now)
        settling, whole = Settling(now, self._patience), True
        if span.since is None or span.since < span.until:
            for item in self._windows(settling).read(span):
                if not isinstance(item, Window):
                    settling.take(len(item.keys), item.notes.values())
                    yield item
                    continue
                # Past a window that is not whole the bookmark never moves.
                whole = whole and item.proven
                self._close(item, settling, moves=whole and self._incremental)
        elif span.since > now + 1:
            self.logger.warning(
                "%s: the state lies ahead of the server's clock; nothing was read.", self.path
            )
        self._settled = 100 * (1 - settling.unsettled / max(settling.rows, 1))

    @override
    def summary(self) -> str:
        again = counted(self.progress.re_reads, "re-read")
        return f"{super().summary()}, {again}, {self._settled:.1f} % settled"

    @property
    @override
    def page_params(self) -> dict[str, Any]:
        return {**super().page_params, "order_by": f"{self._date}:asc"}

    def messages(self, raw_rows: list[Row]) -> Block:
        """Return the API's messages with the columns that this stream looks at."""
        return self.typed(raw_rows)

    def pack_messages(self, block: Block, settling: Settling) -> Packed:
        """Return messages as they are handed on, with marks on those that can still change."""
        return replace(self.pack(block), notes=settling.marks(block, self._date))

    def _windows(self, settling: Settling) -> Windows:
        def pack(block: Block) -> Packed:
            return self.pack_messages(block, settling)

        source = Source(self.listing or self.path, self.page_params, self.messages, pack, self._date)
        return Windows(self.tap.client, source, self.progress, self._directions)

    def _look_again(self, now: int) -> Iterator[Packed]:
        """Read the windows again that are due, and keep those that are not done."""
        if not self._incremental:
            return
        waiting = self._open_windows()
        for entry in [entry for entry in waiting if entry[2] <= now]:
            settling, whole = Settling(now, self._patience), True
            span = Span(entry[0], entry[1])
            for item in self._windows(settling).read(span):
                if isinstance(item, Window):
                    whole = whole and item.proven
                else:
                    settling.take(len(item.keys), item.notes.values())
                    yield item
            waiting.remove(entry)
            waiting += settling.look_soon(entry) if whole else [entry]
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
        return [list(map(self._seconds, entry)) for entry in waiting]

    def _close(self, window: Window, settling: Settling, *, moves: bool) -> None:
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
        reached = min(window.span.until, settling.now - LAG, *filter(None, [settling.oldest]))
        bookmark = max(reached, self._bookmark() or reached)
        self.stream_state["replication_key"] = self._date
        self.stream_state["replication_key_value"] = iso(bookmark)
        self._set_open_windows([*self._open_windows(), *settling.look_again(bookmark)])
        self.write_state()

    def _set_open_windows(self, windows: list[list[int]]) -> None:
        if windows:
            self.stream_state[OPEN_WINDOWS] = [list(map(iso, window)) for window in windows]
        else:
            self.stream_state.pop(OPEN_WINDOWS, None)

    def _span(self) -> Span:
        """Return what to read: from bookmark or ``start_date``, to ``end_date`` or the server's present."""
        start_date, end_date = self.tap.moment("start_date"), self.tap.moment("end_date")
        since = int(start_date.timestamp()) if start_date else None
        if self._incremental and (bookmark := self._bookmark()):
            self._report_earlier_start(since)
            since = max(since or 0, bookmark)
        elif self._incremental and start_date:
            self.stream_state[FIRST_START] = iso(since or 0)
        # Messages of this very second may still come: the bookmark stays behind them.
        until = self._now() + 1
        return Span(since, min(until, int(end_date.timestamp())) if end_date else until)

    def _report_earlier_start(self, since: int | None) -> None:
        first = self.stream_state.get(FIRST_START)
        if first and (since is None or since < self._seconds(first)):
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

    def _bookmark(self) -> int | None:
        value = self.stream_state.get("replication_key_value")
        return self._seconds(value) if value else None

    def _seconds(self, value: Any) -> int:
        return seconds_of(value, self.name)

    @property
    def _incremental(self) -> bool:
        return self.replication_method == REPLICATION_INCREMENTAL

    @property
    def _patience(self) -> int:
        return int(self.config["settle_days"] * DAY)

    @property
    def _date(self) -> str:
        return str(type(self).replication_key)
