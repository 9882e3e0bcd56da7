"""Which STATE may be written: one before which every row has its outcome, and none must come again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from singer_sdk.contrib.msgspec import encoder


class States:
    """The STATE messages that wait for their rows, oldest first; on disk, since taps can send many."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            write: Writes a state, as JSON, where the tap's runner reads it.
        """
        self._write = write
        self._written = ""
        # SQLite keeps a nameless database in a file that nobody else sees, and deletes it.
        self._waiting = sqlite3.connect("", isolation_level=None)
        self._waiting.execute("CREATE TABLE states (number INTEGER PRIMARY KEY, state TEXT)")

    @property
    def is_written(self) -> bool:
        """Whether any state was written."""
        return bool(self._written)

    def add(self, state: dict[str, Any], number: int) -> None:
        """Keep a state that covers all rows up to a number; a later one for the same rows replaces it."""
        self._waiting.execute("REPLACE INTO states VALUES (?, ?)", (number, _text(state)))

    def advance(self, number: int) -> None:
        """Write the newest state that needs no row after a number, unless it was the last one written."""
        newest = self._waiting.execute(
            "SELECT state FROM states WHERE number <= ? ORDER BY number DESC LIMIT 1", (number,)
        ).fetchone()
        if newest is None:
            return
        self._waiting.execute("DELETE FROM states WHERE number <= ?", (number,))
        if newest[0] != self._written:
            self._written = newest[0]
            self._write(self._written)


def _text(state: dict[str, Any]) -> str:
    """Return a state as JSON, with numbers as exact as they came."""
    try:
        return encoder.encode(state).decode()
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(state, default=float)
