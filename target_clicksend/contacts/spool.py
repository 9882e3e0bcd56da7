"""The input on disk: what the last row for each person says is known at its end only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from target_clicksend.contacts.entries import Entry
from target_clicksend.lists import ListRef

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Entry).decode


class Spool:
    """Entries in order of arrival, and whom rejected rows name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.first: int | None = None
        """Number of the first row, None while there is none."""
        self.someone_unnamed = False
        """Whether a rejected row may be about anybody."""
        database.executescript("""
            CREATE TABLE entries (
                number INTEGER PRIMARY KEY, list_ref, contact_id INTEGER, deleted INTEGER, person TEXT,
                entry BLOB);
            CREATE TABLE rejected (contact_id INTEGER, match TEXT);
        """)

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self.first = self.first or entry.row.number
        self._database.execute(
            "INSERT INTO entries (number, list_ref, contact_id, deleted, entry) VALUES (?, ?, ?, ?, ?)",
            (entry.row.number, entry.list_ref, entry.contact_id, entry.deleted, _encode(entry)),
        )

    def add_rejected(self, names: tuple[int | None, list[str]] | None) -> None:
        """Keep whom a rejected row names: a contact_id and match keys, None for anybody."""
        if names is None:
            self.someone_unnamed = True
            return
        contact_id, matches = names
        self._database.executemany(
            "INSERT INTO rejected VALUES (?, ?)", [(contact_id, match) for match in matches or [""]]
        )

    def rejected(self) -> Iterator[tuple[int | None, str]]:
        """Yield contact_id and match key of rejected rows."""
        yield from self._database.execute("SELECT DISTINCT contact_id, match FROM rejected").fetchall()

    def list_refs(self) -> list[tuple[ListRef, bool]]:
        """Return the lists that entries name, in order of arrival, and whether anybody belongs into each."""
        found = self._database.execute(
            "SELECT list_ref, min(deleted) FROM entries WHERE list_ref IS NOT NULL GROUP BY list_ref"
            " ORDER BY min(number)"
        )
        return [(ref, not deleted) for ref, deleted in found]

    def with_contact_id(self) -> Iterator[Entry]:
        """Yield the entries that carry contact_id."""
        # A cursor of its own: the caller writes to other tables meanwhile.
        found = "SELECT entry FROM entries WHERE contact_id IS NOT NULL ORDER BY number"
        for (entry,) in self._database.cursor().execute(found):
            yield _decode(entry)

    def mark_persons(self, person: Callable[[Entry], str]) -> None:
        """Note which entries are about the same person."""
        number = 0
        while batch := self._database.execute(
            "SELECT number, entry FROM entries WHERE number > ? ORDER BY number LIMIT 1000", (number,)
        ).fetchall():
            number = batch[-1][0]
            persons = [(person(_decode(entry)), one) for one, entry in batch]
            self._database.executemany("UPDATE entries SET person = ? WHERE number = ?", persons)
        self._database.execute("CREATE INDEX persons ON entries (person, number)")

    def last_ones(self) -> Iterator[tuple[Entry, bool]]:
        """Yield all entries, and whether each is the last one for its person."""
        for entry, is_last in self._database.cursor().execute(
            "SELECT entry, number ="
            " (SELECT max(number) FROM entries AS same WHERE same.person = entries.person)"
            " FROM entries ORDER BY number"
        ):
            yield _decode(entry), bool(is_last)
