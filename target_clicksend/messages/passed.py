"""What passed the gates and is not sent yet, so that the ledger does not know of it."""

from __future__ import annotations

import hashlib
import sqlite3


class Passed:
    """A set of texts, of any size: on disk."""

    def __init__(self) -> None:
        # SQLite keeps a nameless database in a file that nobody else sees, and deletes it.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
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
