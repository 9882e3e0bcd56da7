"""How far a stream is: a bar for people, a line in the log every few seconds where nobody watches."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

from clicksend.text import counted

EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """What a run has read of one stream.

    Attributes:
        rows: Rows that went out.
        total: Rows that are expected, None where nobody knows.
        pages: Pages that were read.
        windows: Windows that were closed.
        windows_total: Windows that are expected, None for a stream that is not read in windows.
        re_reads: How often a window was read again.
    """

    def __init__(self, stream: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.rows = self.pages = self.windows = self.re_reads = 0
        self.total: int | None = None
        self.windows_total: int | None = None
        self._clock = clock
        self._started = clock()

    def expect(self, rows: int | None, windows: int = 0) -> None:
        """Add to what is expected.

        Args:
            rows: How many rows, None where the server does not say.
            windows: How many windows.
        """
        if rows is not None:
            self.total = (self.total or 0) + rows
        if windows:
            self.windows_total = (self.windows_total or 0) + windows

    @property
    def seconds(self) -> float:
        """Seconds since the stream began."""
        return self._clock() - self._started

    @property
    def rows_per_second(self) -> int:
        """Mean of the run so far."""
        return round(self.rows / max(self.seconds, 1e-3))

    @property
    def eta_seconds(self) -> int | None:
        """Estimated seconds left, None while nobody can know."""
        if self.total is None or not self.rows:
            return None
        return round(max(0, self.total - self.rows) * self.seconds / self.rows)

    def __str__(self) -> str:
        rows, windows, left = counted(self.rows, "row"), "", ""
        if self.total is not None:
            rows = f"{self.rows:,} of {counted(self.total, 'row')}"
        if self.windows_total is not None:
            windows = f", {self.windows} of {counted(self.windows_total, 'window')}"
        if self.eta_seconds is not None:
            left = f", {self.eta_seconds} s left"
        return f"{self.stream}: {rows}{windows}, {counted(self.rows_per_second, 'row')}/s{left}"


def run_summary(read: Collection[Progress], seconds: float, bookmarks: Mapping[str, str]) -> str:
    """Return what a whole run has read: streams, rows, seconds, and where the next run begins."""
    rows = counted(sum(one.rows for one in read), "row")
    until = ", ".join(f"{name} {moment}" for name, moment in sorted(bookmarks.items()))
    summary = f"{counted(len(read), 'stream')}, {rows} in {seconds:.1f} s"
    return f"{summary}; bookmarks: {until}" if until else summary


class Display(Protocol):
    """Shows progress."""

    def update(self, progress: Progress) -> None:
        """Show it, unless it was shown a moment ago."""

    def close(self) -> None:
        """Leave nothing half shown."""


class Lines:
    """Lines in the log, with what they say as fields for structured logs."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._shown = 0.0

    def update(self, progress: Progress) -> None:
        """Write a line, unless there was one a moment ago."""
        if progress.seconds - self._shown < EVERY:
            return
        self._shown = progress.seconds
        self._logger.info("%s.", str(progress), extra=log_fields(progress))

    def close(self) -> None:
        """Do nothing: the log has no line half written."""


class Bar:
    """A bar in a notebook or on a terminal, nothing elsewhere; lines of the log go above it."""

    def __init__(self, stream: str, *, stays: bool) -> None:
        """Prepare.

        Args:
            stream: What to call it.
            stays: Whether it is left to be seen at the end.
        """
        from tqdm.auto import tqdm  # noqa: PLC0415
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

        self._cleanup = ExitStack()
        # None: shown to people only.
        self._bar = self._cleanup.enter_context(
            tqdm(desc=stream, unit=" rows", disable=None, leave=stays, dynamic_ncols=True)
        )
        if not self._bar.disable:
            self._cleanup.enter_context(logging_redirect_tqdm())

    def update(self, progress: Progress) -> None:
        """Move the bar; it is drawn ten times a second at most."""
        self._bar.total = progress.total
        if progress.windows_total is not None and progress.windows_total > 1:
            self._bar.set_postfix_str(f"{progress.windows}/{progress.windows_total} windows", refresh=False)
        self._bar.update(progress.rows - self._bar.n)

    def close(self) -> None:
        """End it full: the total was an estimate, and a bar that ends short of it looks like a failure."""
        self._bar.total = self._bar.n if self._bar.total else None
        self._bar.refresh()
        self._cleanup.close()


def shown_on_stderr(stream: str, logger: logging.Logger) -> Display:
    """Return a bar where stderr is a terminal, lines in the log elsewhere."""
    return Bar(stream, stays=False) if sys.stderr.isatty() else Lines(logger)


def log_fields(progress: Progress) -> dict[str, Any]:
    """Return progress as fields of a structured log."""
    names = (
        "rows",
        "total",
        "pages",
        "windows",
        "windows_total",
        "re_reads",
        "rows_per_second",
        "eta_seconds",
    )
    return {"stream_name": progress.stream, **{name: getattr(progress, name) for name in names}}
