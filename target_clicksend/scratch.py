"""What a run keeps on disk for itself: private files that nobody else sees, gone when it ends."""

from __future__ import annotations

import hashlib
import sqlite3


class _Database(sqlite3.Connection):
    """One that is closed when nobody refers to it any more; Python warns of those that are not."""

    def __del__(self) -> None:
        self.close()


def database() -> sqlite3.Connection:
    """Return a database in a file without a name, which SQLite deletes."""
    # Whichever thread comes to collect it may close it.
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False, factory=_Database)
    # Nobody reads what a crash leaves of it.
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;")
    return connection


class SeenSet:
    """A set of texts of any size, on disk; it holds their hashes of 16 bytes."""

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
