"""The sink ``contact_lists``."""

from __future__ import annotations

from typing_extensions import override

from target_clicksend import scratch
from target_clicksend.contacts import removal
from target_clicksend.contacts.contact import columns_of
from target_clicksend.contacts.index import Index
from target_clicksend.lists import fold
from target_clicksend.row import Rejected
from target_clicksend.run import Run
from target_clicksend.sinks.collections import DesiredState, Upserts
from target_clicksend.sinks.contacts import Contacts
from target_clicksend.values import read_flag, read_plain

SUCCESSES = ("created", "updated", "unchanged")
CHANGES = ("created", "updated", "deleted")
BY_CLICKSEND = "clicksend"
"""Value of ``remove_duplicates`` for who wants ClickSend's own call to do it."""


class ContactLists(Upserts):
    """Contact lists; one row can also ask that its list be freed of duplicates, once its contacts are in."""

    name = "contact_lists"
    path = "/lists"
    columns = frozenset({"list_id", "list_name", "remove_duplicates", "_sdc_deleted_at"})
    id_column = "list_id"
    name_column = "list_name"
    fields = {"list_name": 255}  # noqa: RUF012

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._to_clean: dict[int, tuple[str, int]] = {}
        """Outcome and list id of rows that wait for their list's contacts, by row number."""

    @override
    def check(self, desired: DesiredState, object_id: int | None) -> None:
        asks = _asks(desired)
        protected = fold(self.run.config["opt_out_list"])
        now = "" if object_id is None else fold(self.there[object_id]["list_name"])
        name = fold(desired.fields.get("list_name", now))
        if now == protected and (desired.deleted or asks or name != protected):
            raise Rejected("it is the list of those who opted out, which is never changed")
        if now and now != protected == name and not desired.deleted:
            raise Rejected("list_name is kept for the list of those who opted out")

    @override
    def is_needed_later(self, desired: DesiredState) -> bool:
        contacts = self.run.sinks.get("contacts")
        if not isinstance(contacts, Contacts):
            return False
        list_id = self.find(desired)
        names = {fold(desired.fields.get("list_name", ""))}
        if list_id is not None:
            names.add(fold(self.there[list_id]["list_name"]))
        return contacts.last_row_for(list_id, names) > desired.row.number

    @override
    def write(self, desired: DesiredState) -> None:
        if desired.row.number not in self._to_clean:
            super().write(desired)
            return
        outcome, list_id = self._to_clean[desired.row.number]
        if self.run.dry_run and list_id < 0:
            self.record_plan(desired, "remove duplicates", "of a list that would be new")
            return
        duplicates = self._duplicates(list_id)
        if self.run.dry_run:
            self.record_plan(desired, "remove duplicates", f"{len(duplicates):,}")
            return
        deleted = 0
        if duplicates and _asks(desired) == BY_CLICKSEND:
            deleted = self._have_removed(list_id, len(duplicates))
        elif duplicates:
            deleted = removal.delete(self.run, removal.DUPLICATES, list_id, duplicates)
        changed = outcome == "unchanged" and deleted
        outcome, said = "updated" if changed else outcome, f"{deleted:,} duplicates removed"
        super().record_outcome(desired, outcome, said, list_id)

    @override
    def record_outcome(
        self, desired: DesiredState, outcome: str, reason: str = "", object_id: int | None = None
    ) -> None:
        if outcome in CHANGES:
            self.run.reread_lists()
        if outcome in SUCCESSES and object_id is not None and _asks(desired):
            self._to_clean[desired.row.number] = (outcome, object_id)
        else:
            super().record_outcome(desired, outcome, reason, object_id)

    @override
    def record_plan(self, desired: DesiredState, change: str, detail: str = "") -> None:
        if change == "create":
            self.run.lists.planned.add(fold(desired.fields["list_name"]))
        super().record_plan(desired, change, detail)

    @property
    def _compared(self) -> list[str]:
        """The fields in which duplicates agree."""
        return columns_of(self.run.config["match_on"]) or ["phone_number"]

    def _index(self, list_id: int) -> Index:
        """Return a list's contacts, as they are now."""
        index = Index(scratch.database(), self.run.client, self._compared)
        index.load(list_id)
        return index

    def _duplicates(self, list_id: int) -> list[int]:
        """Return the ids of a list's younger contacts of one person.

        Raises:
            Rejected: They are too many.
        """
        index = self._index(list_id)
        found = index.duplicates(list_id, self._compared)
        most = self.run.config["max_deletes"]
        if refused := removal.refusal(removal.DUPLICATES, list_id, len(found), index.size(list_id), most):
            self.run.error(refused)
            raise Rejected("its duplicates are more than max_deletes allows: none was deleted")
        return found

    def _have_removed(self, list_id: int, expected: int) -> int:
        """Let ClickSend remove the duplicates, and count what is left; return how many contacts are gone.

        Sources disagree on how it wants the fields: this body names them under every reading of an object.
        A reading in which it compares nothing would leave one contact.
        """
        before = self._index(list_id).size(list_id)
        fields = {name: name for name in self._compared}
        # Not a second time after a lost answer: were the first one read wrongly, it would only hide that.
        self.run.client.put(f"/lists/{list_id}/remove-duplicates/", {"fields": fields}, repeat="unprocessed")
        after = self._index(list_id).size(list_id)
        if before - after != expected:
            self.run.error(
                f"contact_lists: list {list_id} had {before:,} contacts, {expected:,} of them duplicates;"
                f" after ClickSend's remove-duplicates it has {after:,}. Look into the list before anything"
                " else is written to it, and use remove_duplicates: true, which deletes them one by one."
            )
        return before - after


def _asks(desired: DesiredState) -> str:
    """Return whether duplicates go, and by whom: ``"true"``, ``BY_CLICKSEND``, or ``""`` for not at all.

    Raises:
        Rejected: The column says something else.
    """
    values = desired.row.values
    if read_plain(values, "remove_duplicates").lower() == BY_CLICKSEND:
        return BY_CLICKSEND
    return "true" if read_flag(values, "remove_duplicates") else ""
