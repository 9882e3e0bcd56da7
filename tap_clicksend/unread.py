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
from urllib.parse import quote

from singer_sdk.mapper import RemoveRecordTransform
from typing_extensions import override

from clicksend.errors import ClickSendError, MethodNotAllowedError, NotFoundError
from tap_clicksend.block import Block
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

LATE = 4 * 86_400
"""Seconds before the run's start from which on receipts are left alone: some of messages sent since may still
be on their way."""


KEPT = 100 * 86_400
"""Seconds for which receipts surely stay listed; those of four months ago vanish by themselves."""


class Unread(Collection):
    """Things that stay listed until they are marked as read."""

    @override
    def read(self) -> Iterator[list[Row]]:
        self._seen = 0
        for rows in super().read():
            self._seen += len(rows)
            yield rows

    @override
    def pages(self) -> Iterator[Packed]:
        self._listed: dict[str, int | None] = {}
        yield from super().pages()
        # Asked for the next page, so the last one has been written.
        if self.config["acknowledge"] and self._is_whole() and self._loads_all():
            self._acknowledge(self._listed)

    def _is_whole(self) -> bool:
        """Return whether this run has read all that was listed when it began."""
        expected = self.progress.total
        return (
            self.complete
            and self.ABORT_AT_RECORD_COUNT is None
            and expected is not None
            and self._seen >= expected
        )

    def _loads_all(self) -> bool:
        """Return whether all rows go out: what a map leaves out was never loaded."""
        is_removed = any(isinstance(one, RemoveRecordTransform) for one in self.stream_maps)
        own_map = self.config.get("stream_maps", {}).get(self.name) or {}
        if not is_removed and "__filter__" not in own_map:
            return True
        self.logger.warning("%s: nothing is marked as read, since stream_maps leaves rows out.", self.path)
        return False

    def mark(self, loaded: Any, listed: dict[str, int | None]) -> None:
        """Mark as read what an earlier run loaded.

        Args:
            loaded: What that run noted of it.
            listed: What is unread now: times by key, Unix seconds.

        Raises:
            ClickSendError: It could not be marked; it will be listed again.
        """
        raise NotImplementedError

    def note(self, listed: dict[str, int | None]) -> Any:
        """Return what the next run needs to know of what this one wrote, None when there is nothing."""
        raise NotImplementedError

    def _acknowledge(self, listed: dict[str, int | None]) -> None:
        loaded = self.stream_state.pop(LOADED, None)
        if loaded is not None:
            try:
                self.mark(loaded, listed)
            except (NotFoundError, MethodNotAllowedError):
                self.logger.info("%s: ClickSend does not offer to mark them as read.", self.path)
            except ClickSendError as error:
                self.logger.warning("%s What was loaded stays unread for now.", error)
        noted = self.note(listed)
        if noted is not None:
            self.stream_state[LOADED] = noted


class Replies(Unread):
    """Inbound messages, each marked by its id."""

    @override
    def block(self, raw_rows: list[Row]) -> Block:
        block = super().block(raw_rows)
        if self.config["acknowledge"]:
            self._listed.update(zip(block["message_id"], block["timestamp"], strict=True))
        return block

    @override
    def mark(self, loaded: Any, listed: dict[str, int | None]) -> None:
        known = [one for one in loaded if one in listed] if isinstance(loaded, list) else []
        marked = [one for one in self.tap.client.map(self._mark, known) if one is not None]
        for message_id in marked:
            del listed[message_id]
        if marked or not known:
            self.logger.info(
                "%s: %d replies that an earlier run loaded are marked as read.", self.path, len(marked)
            )
        else:
            self.logger.info("%s: ClickSend does not offer to mark them as read.", self.path)

    @override
    def note(self, listed: dict[str, int | None]) -> Any:
        return sorted(listed, key=lambda one: (listed[one] or 0, one))[:MOST] or None

    def _mark(self, message_id: str) -> str | None:
        try:
            self.tap.client.put(f"/sms/inbound-read/{quote(message_id, safe='')}")
        except (NotFoundError, MethodNotAllowedError):
            return None  # one that is gone must not keep the others waiting
        return message_id


class Receipts(Unread):
    """Receipts, marked by time: ClickSend has no call for a single one.

    One message has several, and several POLL rules repeat each of them.

    Those before a cut are marked only if they are exactly those that an earlier run wrote. Sources do not say
    which time ``date_before`` is compared with, when the message was sent or when the receipt was made, nor
    whether strictly: so the earlier of both counts here, and no receipt lies on the cut.
    """

    channel: ClassVar[str]

    @override
    def block(self, raw_rows: list[Row]) -> Block:
        typed = self.table.block(raw_rows)
        parts = (typed[name] for name in ("message_id", "status_code", "timestamp", "digits"))
        receipt_ids = [self._id(*values) for values in zip(*parts, strict=True)]
        block = typed.changed({"receipt_id": receipt_ids})
        if self.config["acknowledge"]:
            times = zip(block["timestamp"], block["timestamp_send"], strict=True)
            self._listed.update(zip(receipt_ids, map(_earlier, times), strict=True))
        return block

    def _id(self, message_id: str | None, code: str | None, seconds: int | None, digits: str | None) -> str:
        parts = (self.channel, message_id, code, None if seconds is None else iso(seconds), digits)
        return str(uuid.uuid5(RECEIPTS, "|".join(part or "" for part in parts)))

    def mark_before(self, cut: int) -> None:
        """Mark all receipts before a time (Unix seconds) as read."""
        # Sources differ on where it belongs, and without it everything would be marked.
        before = {"date_before": cut}
        self.tap.client.put(f"{self.path}-read", before, query=before)

    @override
    def mark(self, loaded: Any, listed: dict[str, int | None]) -> None:
        cut = seconds_of(loaded.get("cut"), self.name) if isinstance(loaded, dict) else 0
        moments = self._moments(listed)
        if moments is None or cut in moments.values() or not _proves(loaded, _note(cut, moments)):
            return
        before = [one for one, moment in moments.items() if moment < cut]
        if not before:
            return
        self.mark_before(cut)
        for one in before:
            del listed[one]
        self.logger.info("%s: %d receipts, loaded before, are marked as read.", self.path, len(before))

    @override
    def note(self, listed: dict[str, int | None]) -> Any:
        moments, started_at = self._moments(listed), self.tap.client.started_at
        if started_at is None or moments is None:
            return None
        cut = int(started_at.timestamp()) - LATE
        taken = set(moments.values())
        while cut in taken:
            cut -= 1
        noted = _note(cut, moments)
        return noted if noted["count"] or noted["older"] else None

    def _moments(self, listed: dict[str, int | None]) -> dict[str, int] | None:
        """Return the receipts' times, None where one has none: what marks that is unclear."""
        moments = {one: moment for one, moment in listed.items() if moment is not None}
        return moments if len(moments) == len(listed) else None


def _earlier(times: tuple[int | None, int | None]) -> int | None:
    """Return the earlier of when a receipt was made and its message sent, None unless both are known."""
    made, sent = times
    return None if made is None or sent is None else min(made, sent)


def _note(cut: int, moments: dict[str, int]) -> dict[str, Any]:
    """Return what tells the receipts before a cut from any others."""
    before = [one for one, moment in moments.items() if cut - KEPT <= moment < cut]
    older = sum(moment < cut - KEPT for moment in moments.values())
    proof = hashlib.sha256("".join(sorted(before)).encode()).hexdigest()
    return {"cut": iso(cut), "count": len(before), "proof": proof, "older": older}


def _proves(loaded: Any, now: dict[str, Any]) -> bool:
    """Return whether an earlier run loaded all receipts that are there now; very old ones may be fewer."""
    older = loaded.get("older") if isinstance(loaded, dict) else None
    return isinstance(older, int) and now["older"] <= older and loaded == now | {"older": older}
