"""The input on disk: what the last row for each person says is known at its end only."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec

from target_clicksend.contacts.contact import ContactRow
from target_clicksend.lists import ListRef
from target_clicksend.row import Row

BATCH = 1000
"""Rows that are handled at once."""

ContactsOf = Callable[[dict[str, tuple[str, ...]]], Mapping[str, tuple[int, int]]]
"""Looks up what keys were last: list_id and contact_id by key."""

CONTACT_ROWS = """
    SELECT data, keys.list_id, keys.contact_id
    FROM contact_rows LEFT JOIN keys ON asks AND keys.key = contact_rows.key
"""
"""Rows, and what the key of each was last where it asks for that."""
LAST_ONES = """
    SELECT data, keys.list_id, keys.contact_id,
        number = (SELECT number FROM contact_rows AS same WHERE same.person = contact_rows.person
            ORDER BY yields, number DESC LIMIT 1)
    FROM contact_rows LEFT JOIN keys ON asks AND keys.key = contact_rows.key
    ORDER BY number
"""
"""The same, and whether each counts for its person."""

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(ContactRow).decode
_decode_row = msgspec.msgpack.Decoder(Row).decode


class ContactRows:
    """Rows in order of arrival, and whom rejected rows name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.is_empty = True
        self.someone_unnamed = False
        """Whether a rejected row may be about anybody."""
        self._asks = False
        database.executescript("""
            CREATE TABLE contact_rows (
                number INTEGER PRIMARY KEY, list_ref, contact_id INTEGER, deleted INTEGER, key TEXT,
                asks INTEGER, anywhere INTEGER, overtaken INTEGER DEFAULT 0, person TEXT, yields INTEGER,
                data BLOB);
            CREATE TABLE rejected (contact_id INTEGER, match TEXT);
            CREATE TABLE rejected_rows (number INTEGER PRIMARY KEY, key TEXT, row BLOB);
            CREATE TABLE keys (key TEXT PRIMARY KEY, list_id INTEGER, contact_id INTEGER) WITHOUT ROWID;
            CREATE TABLE newest (key TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
        """)

    def add(self, contact_row: ContactRow) -> None:
        """Add a row."""
        self.is_empty = False
        self._asks |= contact_row.by_key
        self._database.execute(
            "INSERT INTO contact_rows (number, list_ref, contact_id, deleted, key, asks, anywhere, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                contact_row.row.number,
                contact_row.list_ref,
                contact_row.contact_id,
                contact_row.deleted,
                contact_row.row.key,
                contact_row.by_key,
                contact_row.anywhere,
                _encode(contact_row),
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
        """Ask what keys were last, of the rows that may be found so."""
        rows = self._asking_rows()
        while batch := list(itertools.islice(rows, BATCH)):
            known = contacts_of({row.key: row.older for row in batch})
            self._database.executemany(
                "REPLACE INTO keys VALUES (?, ?, ?)", [(key, *place) for key, place in known.items()]
            )

    def places(self) -> list[tuple[int, int]]:
        """Return list_id and contact_id of what keys were last, where no list of the row's own counts."""
        return self._database.execute(
            "SELECT DISTINCT keys.list_id, keys.contact_id FROM contact_rows JOIN keys USING (key)"
            " WHERE asks AND anywhere AND keys.list_id > 0"
        ).fetchall()

    def last_rows(self) -> list[tuple[ListRef, int]]:
        """Return the lists that rows name, each with the number of its last row."""
        query = "SELECT list_ref, max(number) FROM contact_rows WHERE list_ref IS NOT NULL GROUP BY list_ref"
        return self._database.execute(query).fetchall()

    def list_refs(self) -> list[tuple[ListRef, bool]]:
        """Return the lists that rows name, in order of arrival, and whether anybody belongs into each."""
        found = self._database.execute(
            "SELECT list_ref, min(deleted) FROM contact_rows WHERE list_ref IS NOT NULL GROUP BY list_ref"
            " ORDER BY min(number)"
        )
        return [(ref, not deleted) for ref, deleted in found]

    def overtake(self, homes: Mapping[ListRef, ListRef]) -> None:
        """Mark which rows a later one of their key and list makes void.

        A deleted row that names no list does so for all lists.

        Args:
            homes: What all spellings of a list have in common.
        """
        if not self._asks:
            return
        self._database.execute("CREATE TABLE homes (list_ref PRIMARY KEY, home)")
        self._database.executemany("INSERT INTO homes VALUES (?, ?)", homes.items())
        self._database.execute("CREATE INDEX by_key ON contact_rows (key, number)")
        self._database.execute("""
            UPDATE contact_rows SET overtaken = 1 WHERE EXISTS (
                SELECT 1 FROM contact_rows AS later
                WHERE later.key = contact_rows.key AND later.number > contact_rows.number AND later.asks
                AND (later.deleted AND later.anywhere
                    OR (SELECT home FROM homes WHERE list_ref = later.list_ref)
                    IS (SELECT home FROM homes WHERE list_ref = contact_rows.list_ref)))
        """)
        # This run knows the key, although it made no contact of it.
        self._database.execute(
            "INSERT OR IGNORE INTO keys SELECT DISTINCT key, 0, 0 FROM contact_rows WHERE overtaken"
        )

    def with_contact_id(self) -> Iterator[ContactRow]:
        """Yield the rows that carry contact_id."""
        return self._found("contact_rows.contact_id IS NOT NULL AND NOT overtaken")

    def asking(self) -> Iterator[ContactRow]:
        """Yield the rows that are not deleted and whose key is asked first."""
        return self._found("asks AND NOT deleted AND NOT overtaken") if self._asks else iter(())

    def sharing(self) -> Iterator[ContactRow]:
        """Yield those of them whose keys were last one contact with another row's key."""
        return self._found(
            "asks AND NOT deleted AND NOT overtaken AND (keys.list_id, keys.contact_id) IN ("
            " SELECT list_id, contact_id FROM keys WHERE list_id > 0"
            " GROUP BY list_id, contact_id HAVING count(*) > 1)"
        )

    def mark_persons(self, person: Callable[[ContactRow], tuple[str, bool]]) -> None:
        """Mark which rows are about the same person, and which of them yield to the others."""
        number = 0
        while batch := list(self._found("NOT overtaken AND number > :number", BATCH, number=number)):
            number = batch[-1].row.number
            persons = [(*person(contact_row), contact_row.row.number) for contact_row in batch]
            self._database.executemany(
                "UPDATE contact_rows SET person = ?, yields = ? WHERE number = ?", persons
            )
        self._database.execute("CREATE INDEX persons ON contact_rows (person, yields, number DESC)")

    def last_ones(self) -> Iterator[tuple[ContactRow, bool]]:
        """Yield all rows, and whether each is the last one for its person."""
        for *found, is_last in self._database.cursor().execute(LAST_ONES):
            yield _contact_row(*found), bool(is_last)

    def same_person(self, contact_row: ContactRow) -> list[ContactRow]:
        """Return the other rows for a row's person."""
        return list(
            self._found(
                "person = (SELECT person FROM contact_rows WHERE number = :number) AND number <> :number",
                number=contact_row.row.number,
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

    def _found(self, where: str, most: int = -1, **values: int) -> Iterator[ContactRow]:
        # A cursor of its own: the caller writes to other tables meanwhile.
        query = f"{CONTACT_ROWS} WHERE {where} ORDER BY number LIMIT {most}"
        for found in self._database.cursor().execute(query, values):
            yield _contact_row(*found)

    def _asking_rows(self) -> Iterator[Row]:
        """Yield the rows whose key may name a contact, the rejected ones last."""
        if self._asks:
            for (data,) in self._database.cursor().execute("SELECT data FROM contact_rows WHERE asks"):
                yield _decode(data).row
        for (row,) in self._database.cursor().execute("SELECT row FROM rejected_rows"):
            yield _decode_row(row)


def _contact_row(data: bytes, list_id: int | None, contact_id: int | None) -> ContactRow:
    decoded = _decode(data)
    if list_id is None or contact_id is None:
        return decoded
    return replace(decoded, known=(list_id, contact_id))
