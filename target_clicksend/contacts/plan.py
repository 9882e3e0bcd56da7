"""What to do with a row, given what is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_clicksend.contacts.contact import REACHABLE, ContactRow, Fields, changed, check_reachable
from target_clicksend.contacts.find import Finder
from target_clicksend.contacts.index import Contact, Index
from target_clicksend.row import Rejected

if TYPE_CHECKING:
    from clicksend.ledger.ledger import Ledger

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
        extras: Ids of further contacts of a person who is deleted.
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
        return bool(self.change)

    @property
    def detail(self) -> str:
        """What a dry run says beside the change: names of fields, never values."""
        return ", ".join(self.differing) if self.contact and self.change != "delete" else ""


class Planner:
    """Plans rows one by one, after all of them were introduced to the finder."""

    def __init__(
        self, index: Index, finder: Finder, opted_out: list[int], ledger: Ledger, config: Any
    ) -> None:
        """Prepare.

        Args:
            index: What is there.
            finder: Finds the contacts of rows.
            opted_out: Ids of the lists that hold who opted out.
            ledger: Remembers what does not stick.
            config: The settings.
        """
        self._index, self._finder, self._opted_out, self._ledger = index, finder, opted_out, ledger
        self._mode: str = config["contacts_mode"]
        self._match_on: list[str] = config["match_on"]
        self.duplicates: dict[int, list[int]] = defaultdict(list)
        """Ids of contacts that are the second or third of a person of the input, by list."""

    def plan(self, contact_row: ContactRow) -> Plan:
        """Return what to do with a row.

        Raises:
            Rejected: It cannot be written.
        """
        place = self._finder.place(contact_row)
        list_id, contact = place.list_id, place.contact
        if list_id in self._opted_out:
            raise Rejected("its list is the one of those who opted out, which is never written to")
        if contact and contact.list_id in self._opted_out:
            return Plan(outcome="suppressed", reason="the contact is in the list of those who opted out")
        if contact_row.deleted:
            return self._delete(contact_row, contact, by_key=place.by_key)
        if contact is None:
            return self._create(contact_row, list_id)
        if list_id is not None and contact.list_id != list_id:
            return self._move(contact_row, list_id, contact)
        plan = self._update(contact_row, contact)
        if plan.outcome != "suppressed":
            self.duplicates[contact.list_id] += self._others(contact_row, contact)
        return plan

    def _others(self, contact_row: ContactRow, contact: Contact) -> tuple[int, ...]:
        """Return the ids of further contacts of a row's person."""
        return self._index.others(contact.list_id, contact_row.match) if contact_row.match else ()

    def _delete(self, contact_row: ContactRow, contact: Contact | None, *, by_key: bool) -> Plan:
        """Delete whom a row names: one contact by its id or the row's key, all of a person otherwise."""
        if contact is None and contact_row.unnamed and contact_row.known is None:
            raise Rejected(f"{contact_row.unnamed}, and the ledger knows no contact of its key")
        if contact is None:
            return Plan(reason="it is not there")
        if self._mode == "insert":
            return Plan(reason="contacts_mode is insert", contact=contact)
        is_one = by_key or contact.contact_id == contact_row.contact_id
        extras = () if is_one else self._others(contact_row, contact)
        return Plan("delete", "deleted", list_id=contact.list_id, contact=contact, extras=extras)

    def _create(self, contact_row: ContactRow, list_id: int | None) -> Plan:
        if self._mode == "update":
            raise Rejected("there is no such contact, and contacts_mode is update")
        if contact_row.match is None and not contact_row.key_first:
            raise Rejected(
                "contact_id does not exist in this account, and a new one would never be found again: the"
                f" row has no {' or '.join(self._match_on)} (match_on)"
            )
        check_reachable(contact_row.fields)
        if self._finder.is_out(contact_row.fields):
            return _suppressed()
        certain = list_id is None or self._index.is_certain(list_id)
        look = "" if certain or contact_row.match is None else contact_row.match.partition("=")[0]
        return Plan("create", "created", list_id=list_id, wanted=contact_row.fields, look=look)

    def _move(self, contact_row: ContactRow, list_id: int, contact: Contact) -> Plan:
        if contact_row.copy and (copies := self._finder.copies(contact_row, list_id, contact)):
            return self._update(contact_row, copies[0])
        if self._mode == "insert" and not contact_row.copy:
            return Plan(reason="contacts_mode is insert", contact=contact)
        if self._mode == "update" and contact_row.copy:
            raise Rejected("a copy would be a new contact, and contacts_mode is update")
        if self._finder.is_out(_after(contact_row, contact)) or self._finder.is_out(contact.fields):
            return _suppressed()
        change, outcome = ("copy", "copied") if contact_row.copy else ("transfer", "transferred")
        differing = tuple(changed(contact.fields, contact_row.fields))
        return Plan(change, outcome, "", list_id, contact, contact_row.fields, differing)

    def _update(self, contact_row: ContactRow, contact: Contact) -> Plan:
        differing = changed(contact.fields, contact_row.fields)
        if self._mode == "insert" or not differing:
            return Plan(list_id=contact.list_id, contact=contact)
        if self._finder.may_not_have(contact, _after(contact_row, contact)):
            return _suppressed()
        wanted, found = self.marks(contact_row.fields, contact.fields)
        before = self._ledger.memory.written([contact.contact_id]).get(contact.contact_id, ("", ""))
        if before == (wanted, found):
            reason = f"{', '.join(differing)} {DIFFERENT}"
            return Plan(reason=reason, list_id=contact.list_id, contact=contact)
        again = before[0] == wanted
        return Plan(
            "update",
            "updated",
            "",
            contact.list_id,
            contact,
            contact_row.fields,
            tuple(differing),
            again=again,
        )

    def marks(self, wanted: Fields, found: Fields) -> tuple[str, str]:
        """Return fingerprints of what a row sets, and of what was found in its place."""
        names = sorted(wanted)
        return (
            self._ledger.privacy.fingerprint("\0".join(f"{name}={wanted[name]}" for name in names)),
            self._ledger.privacy.fingerprint("\0".join(f"{name}={found[name]}" for name in names)),
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


def unkept(plan: Plan, stored: Fields | None) -> list[str]:
    """Return the names of the fields that do not read back as they were written."""
    if stored is None:
        return []
    return changed(stored, plan.wanted) or (list(plan.differing) if plan.again else [])


def _after(contact_row: ContactRow, contact: Contact) -> Fields:
    """Return the fields that a contact will have.

    Raises:
        Rejected: Nobody could reach it then.
    """
    after = contact.fields | contact_row.fields
    if not any(after[name] for name in REACHABLE):
        raise Rejected(f"it would leave the contact without any of {', '.join(REACHABLE)}")
    return after


def _suppressed() -> Plan:
    return Plan(outcome="suppressed", reason="its number or e-mail address has opted out")
