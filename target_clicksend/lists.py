"""The account's contact lists by id and name, shared by the sinks; the list of those who opted out is one."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping
from typing import Any

from clicksend.client import Client
from clicksend.errors import ApiError, ClickSendError, SettingsError
from clicksend.paging import id_of, read_whole
from target_clicksend.failures import GONE
from target_clicksend.row import Rejected

ListRef = int | str
"""A list's id, or its name."""


class Lists:
    """What lists there are; the main thread reads, any thread may make a vanished one anew."""

    def __init__(self, client: Client, config: Mapping[str, Any]) -> None:
        self._client = client
        self._opt_out_name: str = config["opt_out_list"]
        self._enforces = config["opt_out"] == "enforce"
        self._may_create: bool = config["create_missing_lists"]
        self._lock = threading.Lock()
        self._renewed: dict[int, int | None] = {}
        self.names = self._read()
        self.created: list[int] = []
        """Ids of lists that rows or the settings named and that were not there."""
        self.planned: set[str] = set()
        """Folded names of lists that a dry run would have made."""

    @property
    def opted_out(self) -> list[int]:
        """Ids of the lists of those who opted out.

        Raises:
            SettingsError: There is none, and it must be looked into.
        """
        found = self.named(self._opt_out_name)
        if self._enforces and not found:
            raise SettingsError(
                "There is no list with the name in the setting opt_out_list, so nobody knows who opted out:"
                " set it to the name that this account uses, or opt_out to ignore."
            )
        return found

    def named(self, name: str) -> list[int]:
        """Return the ids of all lists of a name, however it is spelled, oldest first."""
        return sorted(list_id for list_id, found in self.names.items() if fold(found) == fold(name))

    def find(self, ref: ListRef) -> int | None:
        """Return the id of a list, None when there is no such list yet and it may be made.

        Raises:
            Rejected: There is none, or more than one.
        """
        if isinstance(ref, int):
            if ref in self.names:
                return ref
            raise Rejected("list_id names a list that does not exist in this account")
        found = self.named(ref)
        found = [list_id for list_id in found if self.names[list_id] == ref] or found
        if len(found) > 1:
            raise Rejected(f"list_name names {len(found)} lists: use list_id")
        if not found and not self._may_create and fold(ref) not in self.planned:
            raise Rejected("there is no list of this list_name: create it, or set create_missing_lists")
        return found[0] if found else None

    def create(self, name: str) -> int:
        """Make a list and return its id; when the answer is lost, look whether it was made."""
        try:
            list_id = id_of(self._client.post("/lists", {"list_name": name}).data, "list_id", "POST /lists")
        except ClickSendError as error:
            made = {} if error.not_processed else self._read()
            new = [one for one, found in made.items() if found == name and one not in self.names]
            if not new:
                raise
            list_id = max(new)
        self.names[list_id] = name
        self.created.append(list_id)
        return list_id

    def forget(self, list_id: int) -> None:
        """Remove a list that has vanished."""
        del self.names[list_id]

    def renew(self, list_id: int) -> int | None:
        """Return the id of a list that answers as if it had vanished.

        Returns:
            Its own while it is there; that of one made anew, once; None where none may be made.
        """
        with self._lock:
            if list_id not in self._renewed:
                if not self._is_gone(list_id):
                    return list_id
                self._renewed[list_id] = self.create(self.names[list_id]) if self._may_create else None
            return self._renewed[list_id]

    def _is_gone(self, list_id: int) -> bool:
        try:
            self._client.get(f"/lists/{list_id}")
        except GONE:
            return True
        except ApiError:
            return False
        return False

    def _read(self) -> dict[int, str]:
        rows = read_whole(self._client, "/lists")
        return {id_of(row, "list_id", "GET /lists"): str(row.get("list_name") or "").strip() for row in rows}


def fold(name: str) -> str:
    """Return what all spellings of a list's name have in common."""
    return unicodedata.normalize("NFC", name.strip()).casefold()
