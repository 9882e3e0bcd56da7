"""What to do with a row, given what is there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from target_clicksend.contacts.entries import Entry
from target_clicksend.contacts.fields import REACHABLE, Fields, changed, match_key
from target_clicksend.contacts.index import OPT_OUT_KEYS, Contact, Index
from target_clicksend.lists import ListRef
from target_clicksend.row import Rejected

if TYPE_CHECKING:
    from clicksend.ledger import Ledger

DIFFERENT = "reads back different from what was written"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a row leads to.

    Attributes:
        change: ``create``, ``update``, ``delete``, ``transfer`` or ``copy``; ``""`` when nothing is written.
        outcome: What came of the row where nothing is written.
        list_id: The list that the contact will be in; None when a dry run did not make it.
        contact: The contact as it is now, None for a new one.
        wanted: The fields that the row sets.
        differing: Names of those that change.
        extras: Ids of further contacts of the same person, to be removed.
        again: Whether an earlier run wrote the same fields already, and they did not stick.
        look: Name of the field by which to look for the contact before it is made, ``""`` for none.
    """

    change: str = ""
    outcome: str = "unchanged"
    reason: str = ""
    list_id: int | None = None
    contact: Contact | None = None
    wanted: Fields = field(default_factory=dict)
    differing: tuple[str, ...] = ()
    extras: tuple[int, ...] = ()
    again: bool = False
    look: str = ""

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return bool(self.change or self.extras)

    @property
    def detail(self) -> str:
        """What a dry run says beside the change: names of fields, never values."""
        return ", ".join(self.differing) if self.contact and self.change != "delete" else ""


class Planner:
    """Plans rows one by one, after all of them were introduced to it."""

    def __init__(
        self,
        index: Index,
        list_of: Callable[[ListRef], int | None],
        opted_out: list[int],
        ledger: Ledger,
        config: Any,
    ) -> None:
        """Prepare.

        Args:
            index: What is there.
            list_of: Returns the id of a list, None when it does not exist yet; raises ``Rejected``.
            opted_out: Ids of the lists that hold who opted out.
            ledger: Remembers what does not stick.
            config: The settings.
        """
        self._index, self._list_of, self._opted_out, self._ledger = index, list_of, opted_out, ledger
        self._enforces = config["opt_out"] == "enforce"
        self._mode: str = config["contacts_mode"]
        self._match_on: list[str] = config["match_on"]
        self._removes_extras: bool = config["remove_duplicates"]
        self.extras = 0
        """Contacts that are the second or third of a person of the input."""

    def introduce(self, entry: Entry) -> None:
        """Note whom a row that carries contact_id is about, for rows that name the same by number."""
        if entry.deleted or entry.copy or self._mode == "insert":
            return
        try:
            list_id, contact = self._place(entry)
        except Rejected:
            return
        if contact:
            home, match = list_id or contact.list_id, self._match_of(entry, contact)
            if match and not self._index.matching(home, match):
                self._index.expect(home, match, contact)

    def person(self, entry: Entry) -> str:
        """Return what rows for the same person have in common."""
        try:
            list_id, contact = self._place(entry)
        except Rejected:
            return f"row {entry.row.number}"
        if contact is None:
            return f"{list_id or entry.list_ref} {entry.match or entry.contact_id}"
        self._index.take(contact)
        if entry.copy and list_id not in (None, contact.list_id):
            copies = self._copies(entry, list_id or 0, contact)
            if not copies:
                return f"{list_id} {self._match_of(entry, contact) or entry.contact_id}"
            contact = copies[0]
            self._index.take(contact)
        return f"contact {contact.contact_id} of {contact.list_id}"

    def plan(self, entry: Entry) -> Plan:
        """Return what to do with a row.

        Raises:
            Rejected: It cannot be written.
        """
        list_id, contact = self._place(entry)
        if list_id in self._opted_out:
            raise Rejected("its list is the one of those who opted out, which is never written to")
        if contact and contact.list_id in self._opted_out:
            return Plan(outcome="suppressed", reason="the contact is in the list of those who opted out")
        if entry.deleted:
            return self._delete(entry, contact)
        if contact is None:
            return self._create(entry, list_id)
        if list_id is not None and contact.list_id != list_id:
            return self._move(entry, list_id, contact)
        plan = self._update(entry, contact)
        return plan if plan.outcome == "suppressed" else replace(plan, extras=self._extras(entry, contact))

    def named(self, entry: Entry) -> list[int]:
        """Return the ids of all contacts that a row names."""
        found = [] if entry.contact_id is None else [entry.contact_id]
        with suppress(Rejected):
            list_id, contact = self._place(entry)
            home = list_id or (contact.list_id if contact else 0)
            match = self._match_of(entry, contact) if contact else entry.match
            found += [one.contact_id for one in self._index.matching(home, match or "")]
        return found

    def _place(self, entry: Entry) -> tuple[int | None, Contact | None]:
        """Return the list of a row and its contact."""
        list_id = None if entry.list_ref is None else self._list_of(entry.list_ref)
        contact = None if entry.contact_id is None else self._index.by_id(entry.contact_id, list_id)
        if contact is None and list_id is not None and entry.match is not None:
            contact = next(iter(self._index.matching(list_id, entry.match)), None)
        if contact is None and entry.list_ref is None and not entry.deleted:
            raise Rejected("contact_id names no contact of this account, and there is no list to make one in")
        return list_id, contact

    def _match_of(self, entry: Entry, contact: Contact) -> str | None:
        """Return what finds a row's contact where it has no contact_id, None when nothing does."""
        after = contact.fields | entry.fields
        return entry.match or next(
            (match_key(name, after[name]) for name in self._match_on if after[name]), None
        )

    def _copies(self, entry: Entry, list_id: int, contact: Contact) -> list[Contact]:
        match = self._match_of(entry, contact)
        return self._index.matching(list_id, match) if match else []

    def _extras(self, entry: Entry, contact: Contact) -> tuple[int, ...]:
        found = self._index.others(contact.list_id, entry.match) if entry.match else ()
        self.extras += len(found)
        return found if self._removes_extras else ()

    def _delete(self, entry: Entry, contact: Contact | None) -> Plan:
        """Delete whom a row names: one contact by its id, all of a person otherwise."""
        if contact is None:
            return Plan(reason="it is not there")
        if self._mode == "insert":
            return Plan(reason="contacts_mode is insert", contact=contact)
        extras = () if contact.contact_id == entry.contact_id else self._extras_of_deleted(entry, contact)
        return Plan("delete", "deleted", list_id=contact.list_id, contact=contact, extras=extras)

    def _extras_of_deleted(self, entry: Entry, contact: Contact) -> tuple[int, ...]:
        return self._index.others(contact.list_id, entry.match) if entry.match else ()

    def _create(self, entry: Entry, list_id: int | None) -> Plan:
        if self._mode == "update":
            raise Rejected("there is no such contact, and contacts_mode is update")
        if entry.match is None:
            raise Rejected(
                "contact_id names no contact of this account, and a new one would never be found again: the"
                f" row has no {' or '.join(self._match_on)} (match_on)"
            )
        if self._is_out(entry.fields):
            return _suppressed()
        certain = list_id is None or self._index.is_certain(list_id)
        look = "" if certain else entry.match.partition("=")[0]
        return Plan("create", "created", list_id=list_id, wanted=entry.fields, look=look)

    def _move(self, entry: Entry, list_id: int, contact: Contact) -> Plan:
        if entry.copy and (copies := self._copies(entry, list_id, contact)):
            return self._update(entry, copies[0])
        if self._mode == "insert" and not entry.copy:
            return Plan(reason="contacts_mode is insert", contact=contact)
        if self._mode == "update" and entry.copy:
            raise Rejected("a copy would be a new contact, and contacts_mode is update")
        if self._is_out(_after(entry, contact)) or self._is_out(contact.fields):
            return _suppressed()
        change, outcome = ("copy", "copied") if entry.copy else ("transfer", "transferred")
        differing = tuple(changed(contact.fields, entry.fields))
        return Plan(change, outcome, "", list_id, contact, entry.fields, differing)

    def _update(self, entry: Entry, contact: Contact) -> Plan:
        differing = changed(contact.fields, entry.fields)
        if self._mode == "insert" or not differing:
            return Plan(list_id=contact.list_id, contact=contact)
        after = _after(entry, contact)
        if self._is_out({name: after[name] for name in differing}):
            return _suppressed()
        wanted, found = self.marks(entry.fields, contact.fields)
        before = self._ledger.written([contact.contact_id]).get(contact.contact_id, ("", ""))
        if before == (wanted, found):
            reason = f"{', '.join(differing)} {DIFFERENT}"
            return Plan(reason=reason, list_id=contact.list_id, contact=contact)
        again = before[0] == wanted
        return Plan(
            "update", "updated", "", contact.list_id, contact, entry.fields, tuple(differing), again=again
        )

    def marks(self, wanted: Fields, found: Fields) -> tuple[str, str]:
        """Return fingerprints of what a row sets, and of what was found in its place."""
        names = sorted(wanted)
        return (
            self._ledger.fingerprint("\0".join(f"{name}={wanted[name]}" for name in names)),
            self._ledger.fingerprint("\0".join(f"{name}={found[name]}" for name in names)),
        )

    def remembered(self, plan: Plan, stored: Fields | None) -> tuple[str, str] | None:
        """Return what the ledger should remember of a write, None when nothing was written.

        A value does not stick when the answer shows another, or when a second write of it finds what the
        first one had already left.
        """
        if stored is None:
            return None
        if plan.again and plan.contact and not changed(stored, plan.wanted):
            return self.marks(plan.wanted, plan.contact.fields)
        return self.marks(plan.wanted, stored)

    def _is_out(self, fields: Fields) -> bool:
        keys = [match_key(name, fields[name]) for name in OPT_OUT_KEYS if fields.get(name)]
        return self._enforces and any(
            self._index.matching(list_id, key) for list_id in self._opted_out for key in keys
        )


def unkept(plan: Plan, stored: Fields | None) -> list[str]:
    """Return the names of the fields that do not read back as they were written."""
    if stored is None:
        return []
    return changed(stored, plan.wanted) or (list(plan.differing) if plan.again else [])


def _after(entry: Entry, contact: Contact) -> Fields:
    """Return the fields that a contact will have.

    Raises:
        Rejected: Nobody could reach it then.
    """
    after = contact.fields | entry.fields
    if not any(after[name] for name in REACHABLE):
        raise Rejected(f"it would leave the contact without any of {', '.join(REACHABLE)}")
    return after


def _suppressed() -> Plan:
    return Plan(outcome="suppressed", reason="its number or e-mail address has opted out")
