"""Contact lists, contacts, and the e-mail addresses that may send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.errors import ApiError, ForbiddenError, NotFoundError, SettingsError
from clicksend.paging import Page, Tally, id_of, read_page, read_pages
from tap_clicksend.readers.collection import Collection
from tap_clicksend.rows.columns import Column, Row, integer, iso, text, time
from tap_clicksend.rows.schema import RecordBatch
from tap_clicksend.state import seconds_of

LISTS = "lists"
"""Key in the bookmark of contacts: the latest ``date_updated`` of each list."""

OPT_OUT_LIST = "opt-out list"
"""Name of the list that ClickSend moves a contact to that says STOP, in lower case."""

DATE_UPDATED = time("When the contact last changed; whether a move to another list is a change is unknown.")


class ListCollection(Collection):
    """What belongs to contact lists: all, or those of ``list_ids``."""

    @override
    def filter_rows(self, batch: RecordBatch) -> RecordBatch:
        if "list_ids" not in self.config:
            return batch
        return batch.filter(list_id in self.config["list_ids"] for list_id in batch["list_id"])

    @property
    @override
    def shows_deleted(self) -> bool:
        return super().shows_deleted and "list_ids" not in self.config


class Lists(ListCollection):
    """Contact lists."""

    name = "lists"
    path = "/lists"
    primary_keys = ("list_id",)
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "list_id": integer("The list's id."),
        "list_name": text("Its name; one is the Opt-Out List."),
        "list_email_id": text("Id in the list's e-mail address."),
        "_contacts_count": integer("Contacts in it."),
        "_import_in_progress": integer("1 while an import runs."),
        "_optout_in_progress": integer("1 while opted-out contacts are removed."),
    }


class Contacts(ListCollection):
    """Contacts of all lists; one person in two lists is two contacts."""

    name = "contacts"
    path = "/lists/{list_id}/contacts"
    primary_keys = ("list_id", "contact_id")
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "list_id": integer("The list that the contact is in."),
        "contact_id": integer("The contact's id."),
        "phone_number": text("Phone number, E.164.", personal=True),
        "first_name": text("First name.", personal=True),
        "last_name": text("Last name.", personal=True),
        "email": text("E-mail address.", personal=True),
        "fax_number": text("Fax number.", personal=True),
        "organization_name": text("Company.", personal=True),
        "custom_1": text("Custom field 1.", personal=True),
        "custom_2": text("Custom field 2.", personal=True),
        "custom_3": text("Custom field 3.", personal=True),
        "custom_4": text("Custom field 4.", personal=True),
        "address_line_1": text("Address, first line.", personal=True),
        "address_line_2": text("Address, second line.", personal=True),
        "address_city": text("City.", personal=True),
        "address_state": text("State.", personal=True),
        "address_postal_code": text("Postal code.", personal=True),
        "address_country": text("Country, ISO 3166 alpha-2."),
        "date_added": time("When the contact was created."),
        "date_updated": DATE_UPDATED,
        "_list_name": text("Name of the list."),
    }

    @property
    @override
    def shows_deleted(self) -> bool:
        # What was deleted is not among what changed.
        return super().shows_deleted and not self._incremental

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        """Yield the contacts of one list after the other, several lists read ahead.

        With ``contacts_replication: incremental`` a list is asked for what changed since its own bookmark
        only; the Opt-Out List for all of it, since it is unknown whether one that is moved there counts as
        changed.
        """
        self._always_whole: set[int] = set()
        for list_id, first in self.tap.client.map(self._first_page, self._list_ids()):
            try:
                yield from self._contacts(list_id, first)
            except (NotFoundError, ForbiddenError):
                self.complete = False
                self.logger.warning(
                    "List %d vanished while contacts were read; going on without it.", list_id
                )

    def _contacts(self, list_id: int, first: Page | ApiError) -> Iterator[list[Row]]:
        if isinstance(first, ApiError):
            raise first
        latest, tally = self._latest(list_id), Tally()
        pages = read_pages(self.tap.client, self._path(list_id), self._params(list_id), first=first)
        for page in tally.counted(pages):
            yield [{**row, "list_id": list_id} for row in page.rows]
            latest = max([latest, *(DATE_UPDATED.read(row.get("date_updated")) or 0 for row in page.rows)])
        self.complete &= tally.is_whole
        if self._incremental and latest and tally.is_whole:
            self.stream_state.setdefault(LISTS, {})[str(list_id)] = iso(latest)

    def _params(self, list_id: int) -> dict[str, Any]:
        """Return the query parameters for a list; a second earlier, since "after" may mean either."""
        latest = self._latest(list_id)
        return {**self.page_params, "updated_after": latest - 1} if latest else self.page_params

    @property
    def _incremental(self) -> bool:
        return bool(self.config["contacts_replication"] == "incremental")

    def _latest(self, list_id: int) -> int:
        """Return the list's bookmark as Unix seconds, 0 where it has none or is read whole."""
        if not self._incremental or list_id in self._always_whole:
            return 0
        bookmark = self.stream_state.get(LISTS, {}).get(str(list_id))
        return 0 if bookmark is None else seconds_of(bookmark, self.name)

    def _first_page(self, list_id: int) -> tuple[int, Page | ApiError]:
        try:
            return list_id, read_page(self.tap.client, self._path(list_id), self._params(list_id))
        except (NotFoundError, ForbiddenError) as error:
            return list_id, error

    def _list_ids(self) -> Iterator[int]:
        for row in self._lists():
            list_id = id_of(row, "list_id", "GET /lists")
            if str(row.get("list_name")).strip().lower() == OPT_OUT_LIST:
                self._always_whole.add(list_id)
            yield list_id

    def _lists(self) -> Iterator[Row]:
        if "list_ids" not in self.config:
            tally = Tally()
            for page in tally.counted(read_pages(self.tap.client, "/lists", self.page_params)):
                yield from page.rows
            self.complete &= tally.is_whole
            return
        for list_id in self.config["list_ids"]:
            try:
                found = self.tap.client.get(f"/lists/{list_id}").data
            except (NotFoundError, ForbiddenError):
                raise SettingsError(
                    f"Setting list_ids names list {list_id}, which does not exist in this account."
                ) from None
            yield {**found, "list_id": list_id}

    def _path(self, list_id: int) -> str:
        return self.path.format(list_id=list_id)


class EmailAddresses(Collection):
    """E-mail addresses that may be used as senders."""

    name = "email_addresses"
    path = "/email/addresses"
    primary_keys = ("email_address_id",)
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "email_address_id": integer("The address's id."),
        "email_address": text("The address.", personal=True),
        "verified": integer("1 when it is verified."),
        "date_added": time("When it was added."),
    }
