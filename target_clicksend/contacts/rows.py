"""The input on disk: what the last row for each person says is known at its end only."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec

from target_clicksend.contacts.contact import Entry
from target_clicksend.lists import ListRef
from target_clicksend.row import Row

BATCH = 1000
"""Entries that are handled at once."""

ContactsOf = Callable[[dict[str, tuple[str, ...]]], Mapping[str, tuple[int, int]]]
"""Looks up what keys were last: list_id and contact_id by key."""

ENTRIES = """
    SELECT entry, keys.list_id, keys.contact_id
    FROM entries LEFT JOIN keys ON asks AND keys.key = entries.key
"""
"""Entries, and what the key of each was last where it asks for that."""
LAST_ONES = """
    SELECT entry, keys.list_id, keys.contact_id,
        number = (SELECT number FROM entries AS same WHERE same.person = entries.person
            ORDER BY yields, number DESC LIMIT 1)
    FROM entries LEFT JOIN keys ON asks AND keys.key = entries.key
    ORDER BY number
"""
"""The same, and whether each counts for its person."""

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Entry).decode
_decode_row = msgspec.msgpack.Decoder(Row).decode


class Spool:
    """Entries in order of arrival, and whom rejected rows name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.is_empty = True
        self.someone_unnamed = False
        """Whether a rejected row may be about anybody."""
        self._asks = False
        database.executescript("""
            CREATE TABLE entries (
                number INTEGER PRIMARY KEY, list_ref, contact_id INTEGER, deleted INTEGER, key TEXT,
                asks INTEGER, anywhere INTEGER, overtaken INTEGER DEFAULT 0, person TEXT, yields INTEGER,
                entry BLOB);
            CREATE TABLE rejected (contact_id INTEGER, match TEXT);
            CREATE TABLE rejected_rows (number INTEGER PRIMARY KEY, key TEXT, row BLOB);
            CREATE TABLE keys (key TEXT PRIMARY KEY, list_id INTEGER, contact_id INTEGER) WITHOUT ROWID;
            CREATE TABLE newest (key TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
        """)

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self.is_empty = False
        self._asks |= entry.by_key
        self._database.execute(
            "INSERT INTO entries (number, list_ref, contact_id, deleted, key, asks, anywhere, entry)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.row.number,
                entry.list_ref,
                entry.contact_id,
                entry.deleted,
                entry.row.key,
                entry.by_key,
                entry.anywhere,
                _encode(entry),
            ),
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

    def add_rejected_row(self, row: Row) -> None:
        """Keep that a rejected row names the contact of its key, too."""
        self._database.execute(
            "INSERT INTO rejected_rows VALUES (?, ?, ?)",
            (row.number, row.key, _encode(row.without_values())),
        )

    def rejected(self) -> Iterator[tuple[int | None, str]]:
        """Yield contact_id and match key of rejected rows."""
        yield from self._database.execute(
            "SELECT contact_id, match FROM rejected"
            " UNION SELECT contact_id, '' FROM rejected_rows JOIN keys USING (key)"
        ).fetchall()

    def look_up(self, contacts_of: ContactsOf) -> None:
        """Ask what keys were last, of the entries that may be found so."""
        rows = self._asking_rows()
        while batch := list(itertools.islice(rows, BATCH)):
            known = contacts_of({row.key: row.older for row in batch})
            self._database.executemany(
                "REPLACE INTO keys VALUES (?, ?, ?)", [(key, *place) for key, place in known.items()]
            )

    def places(self) -> list[tuple[int, int]]:
        """Return list_id and contact_id of what keys were last, where no list of the row's own counts."""
        return self._database.execute(
            "SELECT DISTINCT keys.list_id, keys.contact_id FROM entries JOIN keys USING (key)"
            " WHERE asks AND anywhere AND keys.list_id > 0"
        ).fetchall()

    def last_rows(self) -> list[tuple[ListRef, int]]:
        """Return the lists that entries name, each with the number of its last row."""
        query = "SELECT list_ref, max(number) FROM entries WHERE list_ref IS NOT NULL GROUP BY list_ref"
        return self._database.execute(query).fetchall()

    def list_refs(self) -> list[tuple[ListRef, bool]]:
        """Return the lists that entries name, in order of arrival, and whether anybody belongs into each."""
        found = self._database.execute(
            "SELECT list_ref, min(deleted) FROM entries WHERE list_ref IS NOT NULL GROUP BY list_ref"
            " ORDER BY min(number)"
        )
        return [(ref, not deleted) for ref, deleted in found]

    def overtake(self, homes: Mapping[ListRef, ListRef]) -> None:
        """Note which entries a later one of their key and list makes void.

        A deleted row that names no list does so for all lists.

        Args:
            homes: What all spellings of a list have in common.
        """
        if not self._asks:
            return
        self._database.execute("CREATE TABLE homes (list_ref PRIMARY KEY, home)")
        self._database.executemany("INSERT INTO homes VALUES (?, ?)", homes.items())
        self._database.execute("CREATE INDEX by_key ON entries (key, number)")
        self._database.execute("""
            UPDATE entries SET overtaken = 1 WHERE EXISTS (
                SELECT 1 FROM entries AS later
                WHERE later.key = entries.key AND later.number > entries.number AND later.asks
                AND (later.deleted AND later.anywhere
                    OR (SELECT home FROM homes WHERE list_ref = later.list_ref)
                    IS (SELECT home FROM homes WHERE list_ref = entries.list_ref)))
        """)
        # This run knows the key, although it made no contact of it.
        self._database.execute(
            "INSERT OR IGNORE INTO keys SELECT DISTINCT key, 0, 0 FROM entries WHERE overtaken"
        )

    def with_contact_id(self) -> Iterator[Entry]:
        """Yield the entries that carry contact_id."""
        return self._entries("entries.contact_id IS NOT NULL AND NOT overtaken")

    def asking(self) -> Iterator[Entry]:
        """Yield the entries of rows that are there and whose key is asked first."""
        return self._entries("asks AND NOT deleted AND NOT overtaken") if self._asks else iter(())

    def sharing(self) -> Iterator[Entry]:
        """Yield those of them whose keys were last one contact with another row's key."""
        return self._entries(
            "asks AND NOT deleted AND NOT overtaken AND (keys.list_id, keys.contact_id) IN ("
            " SELECT list_id, contact_id FROM keys WHERE list_id > 0"
            " GROUP BY list_id, contact_id HAVING count(*) > 1)"
        )

    def mark_persons(self, person: Callable[[Entry], tuple[str, bool]]) -> None:
        """Note which entries are about the same person, and which of them yield to the others."""
        number = 0
        while batch := list(self._entries("NOT overtaken AND number > :number", BATCH, number=number)):
            number = batch[-1].row.number
            persons = [(*person(entry), entry.row.number) for entry in batch]
            self._database.executemany("UPDATE entries SET person = ?, yields = ? WHERE number = ?", persons)
        self._database.execute("CREATE INDEX persons ON entries (person, yields, number DESC)")

    def last_ones(self) -> Iterator[tuple[Entry, bool]]:
        """Yield all entries, and whether each is the last one for its person."""
        for *entry, is_last in self._database.cursor().execute(LAST_ONES):
            yield _entry(*entry), bool(is_last)

    def same_person(self, entry: Entry) -> list[Entry]:
        """Return the other entries for an entry's person."""
        return list(
            self._entries(
                "person = (SELECT person FROM entries WHERE number = :number) AND number <> :number",
                number=entry.row.number,
            )
        )

    def is_newest(self, row: Row) -> bool:
        """Return whether nothing was asked here for a later row of the same key; writes end in any order."""
        noted = self._database.execute(
            "INSERT INTO newest VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET number = excluded.number"
            " WHERE excluded.number >= number",
            (row.key, row.number),
        )
        return noted.rowcount > 0

    def _entries(self, where: str, most: int = -1, **values: int) -> Iterator[Entry]:
        # A cursor of its own: the caller writes to other tables meanwhile.
        query = f"{ENTRIES} WHERE {where} ORDER BY number LIMIT {most}"
        for found in self._database.cursor().execute(query, values):
            yield _entry(*found)

    def _asking_rows(self) -> Iterator[Row]:
        """Yield the rows whose key may name a contact, the rejected ones last."""
        if self._asks:
            for (entry,) in self._database.cursor().execute("SELECT entry FROM entries WHERE asks"):
                yield _decode(entry).row
        for (row,) in self._database.cursor().execute("SELECT row FROM rejected_rows"):
            yield _decode_row(row)


def _entry(entry: bytes, list_id: int | None, contact_id: int | None) -> Entry:
    decoded = _decode(entry)
    if list_id is None or contact_id is None:
        return decoded
    return replace(decoded, known=(list_id, contact_id))
