"""What contacts there are: whole lists, read once in a run and kept on disk."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clicksend.client import Client
from clicksend.paging import Row as ApiRow
from clicksend.paging import id_of, read_pages
from target_clicksend.contacts.contact import FIELDS, Fields, columns_of, match_key, read_fields
from target_clicksend.failures import GONE

RE_READS = 3

OPT_OUT_KEYS = ("phone_number", "email")
"""What those who opted out are known by."""

CONTACT = "SELECT contacts.contact_id, contacts.list_id, fields FROM contacts"

logger = logging.getLogger("target-clicksend")


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it was read."""

    contact_id: int
    list_id: int
    fields: Fields


class Index:
    """Contacts by id, and by list and match key; tables in a database that the spool shares."""

    def __init__(self, database: sqlite3.Connection, client: Client, match_on: list[str]) -> None:
        self._database, self._client = database, client
        self._keys = sorted({*OPT_OUT_KEYS, *columns_of(match_on)})
        self._loaded: dict[int, bool] = {}
        self._absent: set[tuple[int, int]] = set()
        # Whether a copy has an id of its own is unconfirmed, so an id alone does not tell a contact.
        database.executescript("""
            CREATE TABLE contacts (
                list_id INTEGER, contact_id INTEGER, added TEXT, fields TEXT,
                taken INTEGER DEFAULT 0, named INTEGER DEFAULT 0, holder TEXT,
                PRIMARY KEY (list_id, contact_id)) WITHOUT ROWID;
            CREATE INDEX by_id ON contacts (contact_id);
            CREATE TABLE matches (list_id INTEGER, match TEXT, contact_id INTEGER, home INTEGER,
                PRIMARY KEY (list_id, match, contact_id)) WITHOUT ROWID;
        """)

    def load(self, list_id: int) -> None:
        """Read a list, again while it changes under the reader's hands, unless it was read."""
        if list_id in self._loaded:
            return
        for _ in range(1 + RE_READS):
            self._loaded[list_id] = self._read(list_id)
            if self._loaded[list_id]:
                return
        logger.warning("List %d kept changing while it was read: new contacts are looked up.", list_id)

    def is_certain(self, list_id: int) -> bool:
        """Return whether no contact of a list can have been missed."""
        return self._loaded.get(list_id, True)

    def by_id(self, contact_id: int, list_id: int | None = None) -> Contact | None:
        """Return a contact of any list that was read, of one list rather than another."""
        found = self._database.execute(
            f"{CONTACT} WHERE contact_id = ? ORDER BY list_id IS ? DESC LIMIT 1", (contact_id, list_id)
        ).fetchone()
        return found and _contact(*found)

    def matching(self, list_id: int, match: str) -> list[Contact]:
        """Return the contacts of a list that a match key names, oldest first."""
        found = self._database.execute(
            f"{CONTACT} JOIN matches ON contacts.list_id = home AND contacts.contact_id = matches.contact_id"
            " WHERE matches.list_id = ? AND match = ? ORDER BY added, contacts.contact_id",
            (list_id, match),
        )
        return [_contact(*row) for row in found]

    def expect(self, list_id: int, match: str, contact: Contact) -> None:
        """Mark that a contact will be what a match key names in a list."""
        self._database.execute(
            "REPLACE INTO matches VALUES (?, ?, ?, ?)", (list_id, match, contact.contact_id, contact.list_id)
        )

    def foresee(self, contact: Contact, fields: Fields) -> None:
        """Mark which fields a contact will have: it is found by these, and no more by what it has now."""
        names = [name for name in self._keys if contact.fields[name] != fields[name]]
        for name in names:
            if contact.fields[name]:
                self._database.execute(
                    "DELETE FROM matches WHERE list_id = ? AND match = ? AND contact_id = ?",
                    (contact.list_id, match_key(name, contact.fields[name]), contact.contact_id),
                )
        for name in names:
            if fields[name]:
                self.expect(contact.list_id, match_key(name, fields[name]), contact)

    def hold(self, contact: Contact, holder: str) -> None:
        """Mark whose a contact is, unless it is somebody's already."""
        self._database.execute(
            "UPDATE contacts SET holder = ? WHERE list_id = ? AND contact_id = ? AND holder IS NULL",
            (holder, contact.list_id, contact.contact_id),
        )

    def holder(self, contact: Contact) -> str | None:
        """Return whose a contact is, None while nobody has said so."""
        (found,) = self._database.execute(
            "SELECT holder FROM contacts WHERE list_id = ? AND contact_id = ?",
            (contact.list_id, contact.contact_id),
        ).fetchone()
        return found and str(found)

    def fetch(self, list_id: int, contact_id: int) -> Contact | None:
        """Return a contact that the reading of a restless list may have missed, None when it is not there."""
        if self.is_certain(list_id) or (list_id, contact_id) in self._absent:
            return None
        try:
            row = self._client.get(f"/lists/{list_id}/contacts/{contact_id}").data
        except GONE:
            self._absent.add((list_id, contact_id))
            return None
        self._store(list_id, [row])
        return self.by_id(contact_id, list_id)

    def mark_taken(self, contact: Contact) -> None:
        """Mark that a row is about a contact: it is nobody's duplicate."""
        self._database.execute(
            "UPDATE contacts SET taken = 1 WHERE list_id = ? AND contact_id = ?",
            (contact.list_id, contact.contact_id),
        )

    def others(self, list_id: int, match: str) -> tuple[int, ...]:
        """Return the ids of contacts that a match key names, and no row is about."""
        found = self._database.execute(
            "SELECT contact_id FROM matches JOIN contacts USING (list_id, contact_id)"
            " WHERE list_id = ? AND match = ? AND home = list_id AND NOT taken ORDER BY contact_id",
            (list_id, match),
        )
        return tuple(contact_id for (contact_id,) in found)

    def mark_named(self, contact_ids: list[int]) -> None:
        """Mark that the input names contacts: they are not missing."""
        self._database.executemany(
            "UPDATE contacts SET named = 1 WHERE contact_id = ?",
            [(contact_id,) for contact_id in contact_ids],
        )

    def unnamed(self, list_id: int) -> Iterator[int]:
        """Yield the ids of a list's contacts that the input did not name."""
        found = self._database.execute(
            "SELECT contact_id FROM contacts WHERE list_id = ? AND named = 0 ORDER BY contact_id", (list_id,)
        )
        yield from [contact_id for (contact_id,) in found]

    def duplicates(self, list_id: int, names: Sequence[str]) -> list[int]:
        """Return the ids of a list's contacts that agree with an older one in all fields of those names.

        Those in which all of them are empty agree with nobody.
        """
        found = self._database.execute(f"{CONTACT} WHERE list_id = ? ORDER BY added, contact_id", (list_id,))
        seen: set[tuple[str, ...]] = set()
        younger = []
        for contact in (_contact(*row) for row in found):
            key = tuple(match_key(one, contact.fields[one]) if contact.fields[one] else "" for one in names)
            if any(key) and key in seen:
                younger.append(contact.contact_id)
            seen.add(key)
        return younger

    def size(self, list_id: int) -> int:
        """Return the number of contacts in a list."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM contacts WHERE list_id = ?", (list_id,)
        ).fetchone()
        return int(count)

    def _read(self, list_id: int) -> bool:
        """Read a list; return whether no contact can have been missed.

        A contact is missed when another goes while the pages are read, since all behind it move up. Then
        the total changes, unless something came too; but what came is younger than the first page.
        """
        seen: set[int] = set()
        totals: set[int | None] = set()
        began = newest = 0
        path = f"/lists/{list_id}/contacts"
        for number, page in enumerate(read_pages(self._client, path)):
            self._store(list_id, page.rows)
            seen.update(id_of(row, "contact_id", f"GET {path}") for row in page.rows)
            totals.add(page.total)
            began = began or int(page.date.timestamp())
            newest = max([newest, *map(_changed_at, page.rows)]) if number else newest
        return totals <= {len(seen), None} and newest <= began

    def _store(self, list_id: int, rows: list[ApiRow]) -> None:
        contacts, matches = [], []
        for row in rows:
            fields = read_fields(row)
            contact_id = id_of(row, "contact_id", f"GET /lists/{list_id}/contacts")
            texts = json.dumps([fields[name] for name in FIELDS])
            contacts.append((list_id, contact_id, str(row.get("date_added") or ""), texts))
            keys = {match_key(name, fields[name]) for name in self._keys if fields[name]}
            matches += [(list_id, key, contact_id, list_id) for key in keys]
        self._database.execute("BEGIN")
        self._database.executemany(
            "REPLACE INTO contacts (list_id, contact_id, added, fields) VALUES (?, ?, ?, ?)", contacts
        )
        self._database.executemany("REPLACE INTO matches VALUES (?, ?, ?, ?)", matches)
        self._database.execute("COMMIT")


def _contact(contact_id: int, list_id: int, fields: str) -> Contact:
    return Contact(contact_id, list_id, dict(zip(FIELDS, json.loads(fields), strict=True)))


def _changed_at(row: Mapping[str, Any]) -> int:
    """Return when a contact last changed or moved in, Unix seconds; 0 when it does not say."""
    text = str(row.get("date_updated") or row.get("date_added"))[:10]
    return int(text) if text.isdecimal() else 0
