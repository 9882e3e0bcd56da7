"""Carrying out a plan, in any thread; what vanished meanwhile is made anew where that is right."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clicksend.client import Client
from clicksend.errors import ApiError, ClickSendError, NotFoundError
from clicksend.paging import Row as ApiRow
from clicksend.paging import id_of, read_page
from target_clicksend.contacts.contact import FIELDS, Fields, match_key, read_fields
from target_clicksend.contacts.index import OPT_OUT_KEYS, Contact
from target_clicksend.contacts.plan import Plan
from target_clicksend.failures import ENDS_THE_RUN, GONE, outcome_of
from target_clicksend.lists import Lists

NO_LIST = "its list vanished while the run was on: make it anew, or set create_missing_lists"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What came of a plan.

    Attributes:
        stored: The contact's fields as the answer shows them, None without one.
        list_id: The list that it is in now, None where that is the plan's.
    """

    outcome: str
    reason: str = ""
    contact_id: int | None = None
    stored: Fields | None = None
    list_id: int | None = None


class Writer:
    """Writes contacts."""

    def __init__(self, client: Client, lists: Lists, opted_out: list[int], *, may_create: bool) -> None:
        """Prepare.

        Args:
            client: The connection.
            lists: The lists.
            opted_out: Ids of the lists that hold who must not be made anew.
            may_create: Whether a contact that vanished may be.
        """
        self._client, self._lists, self._opted_out = client, lists, opted_out
        self._may_create = may_create

    def carry_out(self, plan: Plan) -> WriteResult:
        """Write what a plan asks for.

        Raises:
            ClickSendError: What ends the run: no later write could succeed either.
        """
        try:
            result = self._change(plan)
            for contact_id in plan.extras:
                self._remove(plan.contact.list_id if plan.contact else 0, contact_id)
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            return WriteResult(outcome_of(error), str(error))
        return result

    def _change(self, plan: Plan) -> WriteResult:
        contact = plan.contact
        if contact is None:
            return self._create(plan.list_id or 0, plan.wanted, plan.look)
        match plan.change:
            case "delete":
                self._remove(contact.list_id, contact.contact_id)
                return WriteResult("deleted", "", contact.contact_id)
            case "transfer" | "copy":
                return self._move(plan, contact, plan.list_id or 0)
            case "update":
                return self._update(plan, contact, contact.list_id, contact.contact_id)
        raise ValueError(f"no such change: {plan.change}")

    def _update(self, plan: Plan, contact: Contact, list_id: int, contact_id: int) -> WriteResult:
        """Write all of a contact, which has other ids than when it was read if it was moved."""
        fields = contact.fields | plan.wanted
        try:
            stored = self._client.put(f"/lists/{list_id}/contacts/{contact_id}", fields).data
        except GONE as error:
            return self._again(contact, list_id, fields, error)
        return WriteResult(plan.outcome, "", contact_id, _fields(stored), list_id)

    def _move(self, plan: Plan, contact: Contact, list_id: int) -> WriteResult:
        """Transfer or copy a contact, then write what differs."""
        try:
            contact_id = self._moved(contact, plan.change, list_id)
        except GONE as error:
            home = self._lists.renew(list_id)
            if home is None:
                return WriteResult("failed", NO_LIST, contact.contact_id)
            if home != list_id:
                list_id, contact_id = home, self._moved(contact, plan.change, home)
            elif plan.change == "transfer" and self._is_there(list_id, contact.contact_id):
                contact_id = contact.contact_id  # an earlier attempt did it, whose answer was lost
            else:
                return self._again(contact, list_id, contact.fields | plan.wanted, error)
        if not plan.differing:
            return WriteResult(plan.outcome, "", contact_id, list_id=list_id)
        return self._update(plan, contact, list_id, contact_id)

    def _moved(self, contact: Contact, change: str, list_id: int) -> int:
        """Transfer or copy a contact and return the id that it has in the other list."""
        way = f"/lists/{contact.list_id}/contacts/{contact.contact_id}/{change}/{list_id}"
        if change == "transfer":
            return _contact_id(self._client.put(way).data) or contact.contact_id
        try:
            copied = _contact_id(self._client.put(way, repeat="unprocessed").data)
        except ClickSendError as error:
            copied = None if error.not_processed else _contact_id(self._search(list_id, contact.fields))
            if copied is None:
                raise
        return copied or _contact_id(self._search(list_id, contact.fields)) or contact.contact_id

    def _create(self, list_id: int, fields: Fields, look: str = "") -> WriteResult:
        given = {name: value for name, value in fields.items() if value}
        if look and (found := self._find(list_id, look, given[look])):
            way = f"/lists/{list_id}/contacts/{found[0]['contact_id']}"
            stored = self._client.put(way, read_fields(found[0]) | fields).data
            return WriteResult("updated", "", _contact_id(found[0]), _fields(stored), list_id)
        try:
            created = self._post(list_id, given)
        except GONE:
            home = self._lists.renew(list_id)
            if home is None:
                return WriteResult("failed", NO_LIST)
            if home == list_id:
                raise
            list_id, created = home, self._post(home, given)
        return WriteResult("created", "", _contact_id(created), _fields(created), list_id)

    def _post(self, list_id: int, fields: Fields) -> Any:
        """Make a contact; when the answer is lost, look whether it was made."""
        try:
            return self._client.post(f"/lists/{list_id}/contacts", fields).data
        except ClickSendError as error:
            found = None if error.not_processed else self._search(list_id, fields)
            if found is None:
                raise
            return found

    def _again(self, contact: Contact, list_id: int, fields: Fields, error: ApiError) -> WriteResult:
        """Make a contact anew that vanished, unless it has just opted out."""
        if self._is_there(contact.list_id, contact.contact_id):
            raise error
        if any(self._is_out(one, contact, fields) for one in self._opted_out):
            return WriteResult("suppressed", "the contact opted out while the run was on", contact.contact_id)
        if not self._may_create:
            return WriteResult("failed", "the contact vanished while the run was on", contact.contact_id)
        return self._create(list_id, fields)

    def _is_out(self, list_id: int, contact: Contact, fields: Fields) -> bool:
        """Return whether a contact is in a list of those who opted out, itself or by number or address."""
        keys = [(name, known[name]) for known in (contact.fields, fields) for name in OPT_OUT_KEYS]
        return self._is_there(list_id, contact.contact_id) or any(
            self._find(list_id, name, value) for name, value in dict.fromkeys(keys) if value
        )

    def _is_there(self, list_id: int, contact_id: int) -> bool:
        try:
            self._client.get(f"/lists/{list_id}/contacts/{contact_id}")
        except GONE:
            return False
        return True

    def _remove(self, list_id: int, contact_id: int) -> None:
        # One that is gone already is what was wanted.
        with suppress(NotFoundError):
            self._client.delete(f"/lists/{list_id}/contacts/{contact_id}")

    def _search(self, list_id: int, fields: Fields) -> ApiRow | None:
        """Return the youngest contact of a list that has the number and the e-mail address."""
        keys = [(name, fields[name]) for name in OPT_OUT_KEYS if fields.get(name)]
        found = self._find(list_id, *keys[0]) if keys else []
        same = [row for row in found if all(_has(row, name, value) for name, value in keys)]
        return max(
            same, key=lambda row: id_of(row, "contact_id", f"GET /lists/{list_id}/contacts"), default=None
        )

    def _find(self, list_id: int, name: str, value: str) -> list[ApiRow]:
        """Return the contacts of a list that have a number or an e-mail address."""
        page = read_page(self._client, f"/lists/{list_id}/contacts", {"q": f"{name}:{value}", "limit": 100})
        # Whether q means equal or contains is unconfirmed.
        return [row for row in page.rows if _has(row, name, value)]


def _has(row: ApiRow, name: str, value: str) -> bool:
    return match_key(name, str(row.get(name) or "")) == match_key(name, value)


def _contact_id(contact: Any) -> int | None:
    found = str(contact.get("contact_id")) if isinstance(contact, dict) else ""
    return int(found) if found.isdigit() else None


def _fields(contact: Any) -> Fields | None:
    """Return the fields of an answer that holds the contact."""
    return read_fields(contact) if isinstance(contact, dict) and FIELDS[0] in contact else None
