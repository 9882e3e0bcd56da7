"""What a run keeps on disk, in private files: STATE that waits for its rows, and a set of any size."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from typing import Any

from singer_sdk.contrib.msgspec import encoder


def database() -> sqlite3.Connection:
    """Return a database in a file without a name, which nobody else sees, and which is gone with the run."""
    connection = sqlite3.connect("", isolation_level=None)
    # What a crash leaves of it nobody reads.
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;")
    return connection


class States:
    """The STATE messages that wait for their rows, oldest first; on disk, since taps can send many."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            write: Writes a state, as JSON, where the tap's runner reads it.
        """
        self._write = write
        self._written = ""
        self._waiting = database()
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


class Passed:
    """A set of texts, of any size: on disk."""

    def __init__(self) -> None:
        self._database = database()
        self._database.execute("CREATE TABLE texts (text BLOB PRIMARY KEY) WITHOUT ROWID")

    def __contains__(self, text: str) -> bool:
        """Return whether a text was added."""
        found = self._database.execute("SELECT 1 FROM texts WHERE text = ?", (_short(text),))
        return found.fetchone() is not None

    def add(self, text: str) -> None:
        """Add a text."""
        self._database.execute("INSERT OR IGNORE INTO texts VALUES (?)", (_short(text),))


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
