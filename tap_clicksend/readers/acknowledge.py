"""Collections of what is not marked as read; with ``acknowledge`` the tap marks what was surely delivered.

Surely delivered is what is in the state that this run began with: a runner keeps a state only after the
loader has written everything before it. Nothing is marked while pages are read, or by a run that could not
read them all.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from singer_sdk.mapper import RemoveRecordTransform
from typing_extensions import override

from clicksend.errors import ClickSendError, MethodNotAllowedError, NotFoundError
from tap_clicksend.readers.collection import Collection
from tap_clicksend.rows.columns import Row, iso
from tap_clicksend.rows.encode import EncodedPage, Encoder
from tap_clicksend.rows.schema import RecordBatch
from tap_clicksend.state import seconds_of

RECEIPTS = uuid.uuid5(uuid.NAMESPACE_DNS, "receipts.clicksend.com")
"""Namespace of ``receipt_id``: the name is the parts, joined with "|", a null part as nothing."""

DELIVERED = "loaded"
"""Key in a bookmark: a snapshot of what this run wrote, and a later one may mark as read."""

LATE = 4 * 86_400
"""Seconds before the run's start from which on receipts are left alone: some of messages sent since may still
be on their way."""


KEPT = 100 * 86_400
"""Seconds for which receipts surely stay listed; those of four months ago vanish by themselves."""


class Unread(Collection):
    """Replies or receipts, which stay listed until they are marked as read."""

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        self._seen = 0
        for rows in super().raw_pages():
            self._seen += len(rows)
            yield rows

    @override
    def pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        self._listed: dict[str, int | None] = {}
        yield from super().pages(encoder)
        # Asked for the next page, so the last one has been written.
        if self.config["acknowledge"] and self._read_all() and self._writes_all():
            self._acknowledge_delivered(self._listed)

    def list_unread(self, times: Iterable[tuple[str, int | None]]) -> None:
        """Remember keys that are unread now, each with its time in Unix seconds."""
        if self.config["acknowledge"]:
            self._listed.update(times)

    def acknowledge(self, delivered: Any, listed: dict[str, int | None]) -> None:
        """Mark as read what an earlier run delivered.

        Args:
            delivered: That run's snapshot.
            listed: What is unread now: times by key, Unix seconds. What was marked is removed from it.

        Raises:
            ClickSendError: It could not be marked; it will be listed again.
        """
        raise NotImplementedError

    def snapshot(self, listed: dict[str, int | None]) -> Any:
        """Return what the next run needs to know of what this one wrote, as JSON; None when nothing."""
        raise NotImplementedError

    def _read_all(self) -> bool:
        """Return whether this run has read all that was listed when it began."""
        expected = self.progress.total
        return (
            self.complete
            and self.ABORT_AT_RECORD_COUNT is None
            and expected is not None
            and self._seen >= expected
        )

    def _writes_all(self) -> bool:
        """Return whether all rows go out: what a map leaves out is never delivered."""
        is_removed = any(isinstance(one, RemoveRecordTransform) for one in self.stream_maps)
        own_map = self.config.get("stream_maps", {}).get(self.name) or {}
        if not is_removed and "__filter__" not in own_map:
            return True
        self.logger.warning("%s: nothing is marked as read, since stream_maps leaves rows out.", self.path)
        return False

    def _acknowledge_delivered(self, listed: dict[str, int | None]) -> None:
        delivered = self.stream_state.pop(DELIVERED, None)
        if delivered is not None:
            try:
                self.acknowledge(delivered, listed)
            except (NotFoundError, MethodNotAllowedError):
                self.logger.info("%s: ClickSend does not offer to mark them as read.", self.path)
            except ClickSendError as error:
                self.logger.warning("%s What was loaded stays unread for now.", error)
        snapshot = self.snapshot(listed)
        if snapshot is not None:
            self.stream_state[DELIVERED] = snapshot


class Receipts(Unread):
    """Receipts, marked by time: ClickSend has no call for a single one.

    One message has several, and several POLL rules repeat each of them.

    Those before a cut are marked only if they are exactly those that an earlier run wrote. Sources do not say
    which time ``date_before`` is compared with, when the message was sent or when the receipt was made, nor
    whether strictly: so the earlier of both counts here, and no receipt lies on the cut.
    """

    channel: ClassVar[str]

    @override
    def parse(self, raw_rows: list[Row]) -> RecordBatch:
        batch = super().parse(raw_rows)
        parts = (batch[name] for name in ("message_id", "status_code", "timestamp", "digits"))
        receipt_ids = [self._id(*values) for values in zip(*parts, strict=True)]
        times = zip(batch["timestamp"], batch["timestamp_send"], strict=True)
        self.list_unread(zip(receipt_ids, map(_earlier, times), strict=True))
        return batch.with_columns({"receipt_id": receipt_ids})

    def _id(self, message_id: str | None, code: str | None, seconds: int | None, digits: str | None) -> str:
        parts = (self.channel, message_id, code, None if seconds is None else iso(seconds), digits)
        return str(uuid.uuid5(RECEIPTS, "|".join(part or "" for part in parts)))

    def mark_before(self, cut: int) -> None:
        """Mark all receipts before a time (Unix seconds) as read."""
        # Sources differ on where it belongs, and without it everything would be marked.
        before = {"date_before": cut}
        self.tap.client.put(f"{self.path}-read", before, query=before)

    @override
    def acknowledge(self, delivered: Any, listed: dict[str, int | None]) -> None:
        cut = seconds_of(delivered.get("cut"), self.name) if isinstance(delivered, dict) else 0
        times = self._known_times(listed)
        if times is None or cut in times.values() or not _proves(delivered, _snapshot(cut, times)):
            return
        before = [one for one, moment in times.items() if moment < cut]
        if not before:
            return
        self.mark_before(cut)
        for one in before:
            del listed[one]
        self.logger.info("%s: %d receipts, loaded before, are marked as read.", self.path, len(before))

    @override
    def snapshot(self, listed: dict[str, int | None]) -> Any:
        times, started_at = self._known_times(listed), self.tap.client.started_at
        if started_at is None or times is None:
            return None
        cut = int(started_at.timestamp()) - LATE
        taken = set(times.values())
        while cut in taken:
            cut -= 1
        snapshot = _snapshot(cut, times)
        return snapshot if snapshot["count"] or snapshot["older"] else None

    def _known_times(self, listed: dict[str, int | None]) -> dict[str, int] | None:
        """Return the receipts' times, None where one has no time: what marks that one is unclear."""
        times = {one: moment for one, moment in listed.items() if moment is not None}
        return times if len(times) == len(listed) else None


def _earlier(times: tuple[int | None, int | None]) -> int | None:
    """Return the earlier of when a receipt was made and its message sent, None unless both are known."""
    made, sent = times
    return None if made is None or sent is None else min(made, sent)


def _snapshot(cut: int, times: dict[str, int]) -> dict[str, Any]:
    """Return what tells the receipts before a cut from any others."""
    before = [one for one, moment in times.items() if cut - KEPT <= moment < cut]
    older = sum(moment < cut - KEPT for moment in times.values())
    proof = hashlib.sha256("".join(sorted(before)).encode()).hexdigest()
    return {"cut": iso(cut), "count": len(before), "proof": proof, "older": older}


def _proves(delivered: Any, now: dict[str, Any]) -> bool:
    """Return whether an earlier run delivered all receipts that are there now; very old ones may be fewer."""
    older = delivered.get("older") if isinstance(delivered, dict) else None
    return isinstance(older, int) and now["older"] <= older and delivered == now | {"older": older}
