"""How the kinds of collection are read: whole, per list, or as one object.

Histories are in ``history``, what is listed until it is read in ``unread``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from clicksend.errors import ApiError, ForbiddenError, NotFoundError, SettingsError
from clicksend.paging import Page, id_of, read_page, read_pages
from tap_clicksend.block import Block
from tap_clicksend.columns import Row, time
from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.times import iso, seconds_of

LISTS = "lists"
"""Key in the bookmark of contacts: the latest ``date_updated`` of each list."""

OPT_OUT_LIST = "opt-out list"
"""Name of the list that ClickSend moves a contact to that says STOP, in lower case."""

DATE_UPDATED = time("When the contact last changed; whether a move to another list is a change is unknown.")


class Collection(ClickSendStream):
    """A collection that is read whole in every run."""

    @property
    def page_params(self) -> dict[str, Any]:
        """Query parameters of every page."""
        return {"limit": self.config["page_size"]}

    @override
    def read(self) -> Iterator[list[Row]]:
        for number, page in enumerate(read_pages(self.tap.client, self.path, self.page_params)):
            if number == 0:
                self.progress.expect(page.total)
            yield page.rows


class SingleObject(ClickSendStream):
    """One object that is a stream of one row."""

    @override
    def read(self) -> Iterator[list[Row]]:
        yield [self.tap.client.get(self.path).data]


class ListCollection(Collection):
    """The contact lists, all or those of ``list_ids``."""

    @override
    def wanted(self, block: Block) -> Block:
        if "list_ids" not in self.config:
            return block
        return block.where(list_id in self.config["list_ids"] for list_id in block["list_id"])

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        return super().emit_activate_version_messages and "list_ids" not in self.config


class ContactCollection(ListCollection):
    """Contacts of one list after the other, several lists read ahead.

    With ``contacts_replication: incremental`` a list is asked for what changed since its own bookmark only;
    the Opt-Out List for all of it, since it is unknown whether one that is moved there counts as changed.
    """

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        # What was deleted does not show among what changed.
        return super().emit_activate_version_messages and not self._incremental

    @override
    def read(self) -> Iterator[list[Row]]:
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
        latest = self._latest(list_id)
        for page in read_pages(self.tap.client, self._path(list_id), self._params(list_id), first=first):
            yield [{**row, "list_id": list_id} for row in page.rows]
            latest = max([latest, *(DATE_UPDATED.read(row.get("date_updated")) or 0 for row in page.rows)])
        if self._incremental and latest:
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
            for page in read_pages(self.tap.client, "/lists", self.page_params):
                yield from page.rows
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
