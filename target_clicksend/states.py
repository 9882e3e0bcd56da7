"""Which STATE may be written: the newest one before which every row is finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from singer_sdk.contrib.msgspec import encoder

from target_clicksend import scratch


class States:
    """Numbers the rows, learns which are finished, and writes the STATE that this allows."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Start before the first row.

        Args:
            write: Writes a state, as JSON, where the tap's runner reads it.
        """
        self._write = write
        self._written = ""
        self._low = 0
        """All rows up to this number are finished."""
        self._finished = bytearray()
        """Of each row after them, in order: 1 when it is finished, else 0."""
        # On disk, since taps can send many.
        self._waiting = scratch.database()
        self._waiting.execute("CREATE TABLE states (number INTEGER PRIMARY KEY, state TEXT)")

    @property
    def rows(self) -> int:
        """How many rows have arrived."""
        return self._low + len(self._finished)

    @property
    def is_written(self) -> bool:
        """Whether any state was written."""
        return bool(self._written)

    def open_row(self) -> int:
        """Return the number of a row that has arrived, from 1: no state that covers it is written for now."""
        self._finished.append(0)
        return self.rows

    def finish_row(self, number: int) -> None:
        """Let states cover a row; one that must come again is never finished."""
        if number > self._low:
            self._finished[number - self._low - 1] = 1

    def add(self, state: dict[str, Any]) -> None:
        """Keep a state that covers all rows until now; a later one for the same rows replaces it."""
        self._waiting.execute("REPLACE INTO states VALUES (?, ?)", (self.rows, _text(state)))

    def advance(self) -> None:
        """Write the newest state all of whose rows are finished, unless it was the last one written."""
        first_open = self._finished.find(0)
        done = len(self._finished) if first_open < 0 else first_open
        del self._finished[:done]
        self._low += done
        newest = self._waiting.execute(
            "SELECT state FROM states WHERE number <= ? ORDER BY number DESC LIMIT 1", (self._low,)
        ).fetchone()
        if newest is None:
            return
        self._waiting.execute("DELETE FROM states WHERE number <= ?", (self._low,))
        if newest[0] != self._written:
            self._written = newest[0]
            self._write(self._written)


def _text(state: dict[str, Any]) -> str:
    """Return a state as JSON, with numbers as exact as they came."""
    try:
        return encoder.encode(state).decode()
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(state, default=float)
