"""Which contact a row means: the one of its contact_id, of its number or address, or of its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from target_clicksend.contacts.contact import (
    FIELDS,
    NO_LIST,
    REACHABLE,
    ContactRow,
    Fields,
    changed,
    columns_of,
    match_key,
)
from target_clicksend.contacts.index import OPT_OUT_KEYS, Contact, Index
from target_clicksend.lists import ListRef
from target_clicksend.row import Rejected

BY_NUMBER = "by number"
"""Holder of a contact that several keys led to, while a row has its number: no key is spelled so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row leads.

    Attributes:
        list_id: The row's list, None when it names none, or one that does not exist yet.
        contact: Its contact, None when there is none.
        by_key: Whether the row's key has found it.
    """

    list_id: int | None
    contact: Contact | None
    by_key: bool = False


class Finder:
    """Finds the contacts of rows, in the lists as the run will leave them."""

    def __init__(
        self, index: Index, list_of: Callable[[ListRef], int | None], opted_out: list[int], config: Any
    ) -> None:
        """Prepare.

        Args:
            index: What is there.
            list_of: Returns the id of a list, None when it does not exist yet; raises ``Rejected``.
            opted_out: Ids of the lists that hold who opted out.
            config: The settings.
        """
        self._index, self._list_of, self._opted_out = index, list_of, opted_out
        self._enforces = config["opt_out"] == "enforce"
        self._inserts: bool = config["contacts_mode"] == "insert"
        self._columns = columns_of(config["match_on"])

    def place(self, contact_row: ContactRow) -> Place:
        """Return the list of a row and its contact.

        Raises:
            Rejected: The row's list cannot be used, or it has none and there is no contact.
        """
        list_id = None if contact_row.list_ref is None else self._list_of(contact_row.list_ref)
        if contact_row.contact_id is not None and (
            contact := self._index.by_id(contact_row.contact_id, list_id)
        ):
            return Place(list_id, contact)
        of_key = self._of_key(contact_row, list_id)
        if of_key and contact_row.key_first:
            return Place(list_id, of_key, by_key=True)
        if list_id is not None and contact_row.match is not None:
            for contact in self._index.matching(list_id, contact_row.match)[:1]:
                return Place(list_id, contact)
        if of_key is None and contact_row.list_ref is None and not contact_row.deleted:
            raise Rejected(
                NO_LIST
                if contact_row.contact_id is None
                else "contact_id does not exist in this account, and there is no list to make one in"
            )
        return Place(list_id, of_key, by_key=of_key is not None)

    def hold(self, contact_row: ContactRow) -> None:
        """Mark that a row has the number of the contact that its key led to: it is not another key's."""
        contact = self._led(contact_row)
        if contact and _has(contact, contact_row.match):
            self._index.hold(contact, BY_NUMBER)

    def introduce(self, contact_row: ContactRow) -> None:
        """Mark what the contact of a row's key will be found by, for rows that name the same by number."""
        contact = self._led(contact_row)
        if contact is None or self._inserts or contact.list_id in self._opted_out:
            return
        self._index.hold(contact, contact_row.row.key)
        after = contact.fields | contact_row.fields
        if any(after[name] for name in REACHABLE) and not self.may_not_have(contact, after):
            self._index.foresee(contact, after)

    def introduce_by_id(self, contact_row: ContactRow) -> None:
        """Mark whom a row that carries contact_id is about, for rows that name the same by number."""
        if contact_row.deleted or contact_row.copy or self._inserts:
            return
        try:
            place = self.place(contact_row)
        except Rejected:
            return
        if contact := place.contact:
            home, match = place.list_id or contact.list_id, self.match_of(contact_row, contact)
            if match and not self._index.matching(home, match):
                self._index.expect(home, match, contact)

    def person(self, contact_row: ContactRow) -> tuple[str, bool]:
        """Return what rows for the same person have in common, and whether any other of them counts more.

        That is so for a deleted row that its key led there: it is about the key, and not about whoever else
        is that contact.
        """
        try:
            place = self.place(contact_row)
        except Rejected:
            return f"row {contact_row.row.number}", False
        list_id, contact = place.list_id, place.contact
        yields = contact_row.deleted and place.by_key
        if contact is None:
            named = contact_row.match or contact_row.contact_id or f"key={contact_row.row.key}"
            return f"{list_id or contact_row.list_ref} {named}", False
        self._index.mark_taken(contact)
        if contact_row.copy and list_id not in (None, contact.list_id):
            copies = self.copies(contact_row, list_id or 0, contact)
            if not copies:
                return f"{list_id} {self.match_of(contact_row, contact) or contact_row.contact_id}", yields
            contact = copies[0]
            self._index.mark_taken(contact)
        return f"contact {contact.contact_id} of {contact.list_id}", yields

    def named(self, contact_row: ContactRow) -> list[int]:
        """Return the ids of all contacts that a row names."""
        found = [] if contact_row.contact_id is None else [contact_row.contact_id]
        try:
            place = self.place(contact_row)
        except Rejected:
            return (
                found if contact_row.deleted or contact_row.known is None else [*found, contact_row.known[1]]
            )
        contact = place.contact
        found += [contact.contact_id] if contact and place.by_key else []
        match = self.match_of(contact_row, contact) if contact else contact_row.match
        home = place.list_id or (contact.list_id if contact else 0)
        return found + [one.contact_id for one in self._index.matching(home, match or "")]

    def match_of(self, contact_row: ContactRow, contact: Contact) -> str | None:
        """Return what finds a row's contact where it has no contact_id, None when nothing does."""
        after = contact.fields | contact_row.fields
        return contact_row.match or next(
            (match_key(name, after[name]) for name in self._columns if after[name]), None
        )

    def copies(self, contact_row: ContactRow, list_id: int, contact: Contact) -> list[Contact]:
        """Return the contacts of a list that may be a row's copy of a contact."""
        of_key = self._of_key(contact_row, list_id)
        if of_key and of_key.list_id == list_id:
            return [of_key]
        match = self.match_of(contact_row, contact)
        return self._index.matching(list_id, match) if match else []

    def is_out(self, fields: Fields) -> bool:
        """Return whether the number or address among fields has opted out."""
        keys = [match_key(name, fields[name]) for name in OPT_OUT_KEYS if fields.get(name)]
        return self._enforces and any(
            self._index.matching(list_id, key) for list_id in self._opted_out for key in keys
        )

    def may_not_have(self, contact: Contact, after: Fields) -> bool:
        """Return whether a change brings in, or leaves behind, a number or address that has opted out."""
        names = changed(contact.fields, after)
        return any(self.is_out({name: one[name] for name in names}) for one in (after, contact.fields))

    def _led(self, contact_row: ContactRow) -> Contact | None:
        """Return the contact that a row's key led to."""
        try:
            place = self.place(contact_row)
        except Rejected:
            return None
        return place.contact if place.by_key else None

    def _of_key(self, contact_row: ContactRow, list_id: int | None) -> Contact | None:
        """Return the contact that a row's key was last, where it may still be the row's."""
        home, contact_id = contact_row.known or (0, 0)
        if not home:
            return None
        contact = self._index.by_id(contact_id, list_id or home) or self._index.fetch(home, contact_id)
        if contact is None or (self._enforces and contact.list_id in self._opted_out):
            return contact
        if not contact_row.anywhere and contact.list_id != list_id:
            return None
        is_anothers = not contact_row.deleted and not _has(contact, contact_row.match)
        if is_anothers and self._index.holder(contact) not in (None, contact_row.row.key):
            return None
        return contact


def _has(contact: Contact, match: str | None) -> bool:
    """Return whether a match key is one of a contact's as it is now."""
    return match is not None and any(
        match == match_key(name, contact.fields[name]) for name in FIELDS if contact.fields[name]
    )
