"""The sink ``contact_lists``."""

from __future__ import annotations

from typing_extensions import override

from clicksend.errors import BadRequestError
from target_clicksend.contacts.fields import columns_of
from target_clicksend.lists import fold
from target_clicksend.row import Rejected
from target_clicksend.run import Run
from target_clicksend.sinks.contacts import Contacts
from target_clicksend.sinks.upserts import Upserts, Wish
from target_clicksend.values import read_flag

SUCCESSES = ("created", "updated", "unchanged")
CHANGES = ("created", "updated", "deleted")


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
    def check(self, wish: Wish, object_id: int | None) -> None:
        asks = read_flag(wish.row.values, "remove_duplicates")
        protected = fold(self.run.config["opt_out_list"])
        now = "" if object_id is None else fold(self.there[object_id]["list_name"])
        name = fold(wish.fields.get("list_name", now))
        if now == protected and (wish.deleted or asks or name != protected):
            raise Rejected("it is the list of those who opted out, which is never changed")
        if now and now != protected == name and not wish.deleted:
            raise Rejected("list_name is kept for the list of those who opted out")

    @override
    def is_needed_later(self, wish: Wish) -> bool:
        contacts = self.run.sinks.get("contacts")
        if not isinstance(contacts, Contacts):
            return False
        list_id = self.find(wish)
        names = {fold(wish.fields.get("list_name", ""))}
        if list_id is not None:
            names.add(fold(self.there[list_id]["list_name"]))
        return contacts.last_row_for(list_id, names) > wish.row.number

    @override
    def write(self, wish: Wish) -> None:
        if wish.row.number not in self._to_clean:
            super().write(wish)
            return
        outcome, list_id = self._to_clean[wish.row.number]
        if self.run.dry_run:
            self.planned(wish, "remove duplicates")
            return
        deleted = self._clean(list_id)
        changed = outcome == "unchanged" and deleted
        super().done(wish, "updated" if changed else outcome, f"{deleted} duplicates removed", list_id)

    @override
    def done(self, wish: Wish, outcome: str, reason: str = "", object_id: int | None = None) -> None:
        if outcome in CHANGES:
            # Another sink may have read what lists there are.
            self.run.__dict__.pop("lists", None)
        asks = outcome in SUCCESSES and read_flag(wish.row.values, "remove_duplicates")
        if asks and object_id is not None:
            self._to_clean[wish.row.number] = (outcome, object_id)
        else:
            super().done(wish, outcome, reason, object_id)

    @override
    def planned(self, wish: Wish, change: str, detail: str = "") -> None:
        if change == "create":
            self.run.lists.planned.add(fold(wish.fields["list_name"]))
        super().planned(wish, change, detail)

    def _clean(self, list_id: int) -> int:
        """Remove a list's duplicates; return how many there were."""
        names = columns_of(self.run.config["match_on"]) or ["phone_number"]
        path = f"/lists/{list_id}/remove-duplicates"
        try:
            answer = self.run.client.put(path, {"fields": names})
        except BadRequestError:
            # The documentation shows an array in one place, an object in another.
            answer = self.run.client.put(path, {"fields": dict.fromkeys(names, "")})
        return int(answer.data.get("deleted") or 0) if isinstance(answer.data, dict) else 0
