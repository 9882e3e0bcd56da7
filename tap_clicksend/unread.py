"""Collections of what nobody has marked as read; with ``acknowledge`` the tap marks what is surely loaded.

Surely loaded is what the state says that this run began with: a runner keeps a state only after the loader
has written everything before it. Nothing is marked while pages are read, or by a run that could not read
them all.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.errors import ClickSendError
from tap_clicksend.collections import Collection
from tap_clicksend.columns import Row
from tap_clicksend.packed import Packed
from tap_clicksend.times import iso, seconds_of

RECEIPTS = uuid.uuid5(uuid.NAMESPACE_DNS, "receipts.clicksend.com")
"""Namespace of ``receipt_id``: the name is the parts, joined with "|", a null part as nothing."""

LOADED = "loaded"
"""Key in a bookmark: what this run wrote, and a later one may mark as read."""

MOST = 5000
"""Replies that one run marks as read, oldest first: each takes a request, and a place in the state."""

LATE = 3600
"""Seconds before the run's start from which on receipts are left alone: some may still be on their way."""


class Unread(Collection):
    """Things that stay listed until they are marked as read."""

    @override
    def rows(self, raw_rows: list[Row]) -> list[Row]:
        rows = super().rows(raw_rows)
        self.note_listed(rows)
        return rows

    def note_listed(self, rows: list[Row]) -> None:
        """Remember what is unread now."""
        self._listed.update((row[self.primary_keys[0]], row["timestamp"]) for row in rows)

    @override
    def pages(self) -> Iterator[Packed]:
        self._listed: dict[str, str | None] = {}
        yield from super().pages()
        # Asked for the next page, so the last one has been written.
        if self.config["acknowledge"] and self.complete and self.ABORT_AT_RECORD_COUNT is None:
            self._acknowledge(self._listed)

    def mark(self, loaded: Any, listed: dict[str, str | None]) -> None:
        """Mark as read what an earlier run loaded.

        Args:
            loaded: What that run noted of it.
            listed: What is unread now: timestamps by key.

        Raises:
            ClickSendError: It could not be marked; it will be listed again.
        """
        raise NotImplementedError

    def note(self, listed: dict[str, str | None]) -> Any:
        """Return what the next run needs to know of what this one wrote, None when there is nothing."""
        raise NotImplementedError

    def _acknowledge(self, listed: dict[str, str | None]) -> None:
        loaded = self.stream_state.pop(LOADED, None)
        if loaded is not None:
            try:
                self.mark(loaded, listed)
            except ClickSendError as error:
                self.logger.warning("%s What was loaded stays unread for now.", error)
        noted = self.note(listed)
        if noted is not None:
            self.stream_state[LOADED] = noted


class Replies(Unread):
    """Inbound messages, each marked by its id."""

    @override
    def mark(self, loaded: Any, listed: dict[str, str | None]) -> None:
        known = [one for one in loaded if one in listed] if isinstance(loaded, list) else []
        for message_id in self.tap.client.map(self._mark, known):
            del listed[message_id]
        self.logger.info(
            "%s: %d replies that an earlier run loaded are marked as read.", self.path, len(known)
        )

    @override
    def note(self, listed: dict[str, str | None]) -> Any:
        return sorted(listed, key=lambda one: (listed[one] or "", one))[:MOST] or None

    def _mark(self, message_id: str) -> str:
        self.tap.client.put(f"/sms/inbound-read/{message_id}")
        return message_id


class Receipts(Unread):
    """Receipts, marked by time: ClickSend has no call for a single one.

    One message has several, and several POLL rules repeat each of them.

    Those before a cut are marked only if they are exactly those that an earlier run wrote. No receipt lies on
    the cut, so it does not matter whether ClickSend takes ``date_before`` strictly (unconfirmed).
    """

    channel: ClassVar[str]

    @override
    def rows(self, raw_rows: list[Row]) -> list[Row]:
        rows = self.table.rows(raw_rows)
        for row in rows:
            parts = (row[name] or "" for name in ("message_id", "status_code", "timestamp", "digits"))
            row["receipt_id"] = str(uuid.uuid5(RECEIPTS, "|".join((self.channel, *parts))))
        self.note_listed(rows)
        return rows

    def mark_before(self, cut: int) -> None:
        """Mark all receipts before a time (Unix seconds) as read."""
        self.tap.client.put(f"{self.path}-read", {"date_before": cut})

    @override
    def mark(self, loaded: Any, listed: dict[str, str | None]) -> None:
        cut = seconds_of(loaded.get("cut"), self.name) if isinstance(loaded, dict) else 0
        before = [one for one, moment in listed.items() if moment and seconds_of(moment, self.name) < cut]
        unclear = any(moment is None for moment in listed.values())
        if not before or unclear or loaded != self._note(cut, before):
            return
        self.mark_before(cut)
        for one in before:
            del listed[one]
        self.logger.info("%s: %d receipts, loaded before, are marked as read.", self.path, len(before))

    @override
    def note(self, listed: dict[str, str | None]) -> Any:
        moments = {one: seconds_of(moment, self.name) for one, moment in listed.items() if moment}
        started_at = self.tap.client.started_at
        if started_at is None or len(moments) < len(listed):
            return None
        cut = int(started_at.timestamp()) - LATE
        taken = set(moments.values())
        while cut in taken:
            cut -= 1
        before = [one for one, moment in moments.items() if moment < cut]
        return self._note(cut, before) if before else None

    def _note(self, cut: int, receipts: list[str]) -> dict[str, Any]:
        proof = hashlib.sha256("".join(sorted(receipts)).encode()).hexdigest()
        return {"cut": iso(cut), "count": len(receipts), "proof": proof}
