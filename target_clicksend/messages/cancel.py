"""Cancelling what waits at ClickSend for its schedule: each message by its id.

No source says what the filter of cancel-all compares, and for calls it takes none (official specification):
what carries a custom_string is found in the history, and cancelled one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from clicksend.client import Client
from clicksend.errors import NotFoundError, UnexpectedAnswerError
from clicksend.paging import read_pages
from target_clicksend.gates.message import Channel
from target_clicksend.messages.channels import ENDPOINTS

CANCELLABLE: tuple[Channel, ...] = ("sms", "voice")
"""Channels whose messages can be cancelled."""
TRIES = 3
"""How often a history is read that shows fewer messages than it counts."""


def cancel(client: Client, channel: str, message_id: str) -> bool:
    """Cancel a scheduled message; return whether it is cancelled now.

    Raises:
        ClickSendError: Nobody knows.
    """
    try:
        client.put(f"/{channel}/{message_id}/cancel", repeat="unprocessed")
    except NotFoundError:
        return _is_cancelled(client, channel, message_id)
    return True


def cancel_each(client: Client, channel: str, message_ids: Sequence[str]) -> list[str]:
    """Cancel scheduled messages, several at once; return the ids of those that are cancelled now.

    Raises:
        ClickSendError: Of one nobody knows; others may be cancelled.
    """
    done = client.map(partial(cancel, client, channel), message_ids)
    return [one for one, is_cancelled in zip(message_ids, done, strict=True) if is_cancelled]


class Scheduled:
    """The messages of one channel that wait for their schedule, as its history shows them."""

    def __init__(self, client: Client, channel: Channel) -> None:
        self._client, self._channel, self._endpoints = client, channel, ENDPOINTS[channel]
        self._ids: dict[str, list[str]] | None = None
        self._unanswered = 0

    def cancel(self, custom_string: str, known: Sequence[str], unanswered: int) -> list[str]:
        """Cancel those that carry a custom_string, blanks around it aside; return their ids.

        Args:
            custom_string: The string.
            known: Ids of some of them, which the history may not show yet.
            unanswered: Messages of this run that got no answer; a history read before shows none of the new.

        Raises:
            ClickSendError: The history cannot be read whole, or of one nobody knows; others may be cancelled.
        """
        if unanswered != self._unanswered:
            self._ids, self._unanswered = None, unanswered
        found = self._all.pop(custom_string.strip(), [])
        return cancel_each(self._client, self._channel, list(dict.fromkeys([*known, *found])))

    def is_any_left(self) -> bool:
        """Return whether the history, read anew, shows one that waits.

        Raises:
            ClickSendError: It cannot be read whole.
        """
        self._ids = None
        return bool(self._all)

    def resembling(self, custom_string: str) -> int:
        """Return how many carry it in other letters, capital or small."""
        wanted = custom_string.strip().casefold()
        return sum(len(ids) for name, ids in self._all.items() if name.casefold() == wanted)

    @property
    def _all(self) -> dict[str, list[str]]:
        if self._ids is None:
            self._ids = self._read()
        return self._ids

    def _read(self) -> dict[str, list[str]]:
        """Read the history, without a filter: what that would leave out would ring."""
        params = {"order_by": f"{self._endpoints.history_date}:asc"}
        for _ in range(TRIES):
            found: dict[str, dict[str, None]] = defaultdict(dict)
            seen, total = 0, None
            for page in read_pages(self._client, self._endpoints.history, params):
                seen, total = seen + len(page.rows), page.total
                for row in page.rows:
                    if str(row.get("status")).casefold() == "scheduled" and row.get("message_id"):
                        found[str(row.get("custom_string") or "").strip()][str(row["message_id"])] = None
            if total is None or seen >= total:
                return {name: list(ids) for name, ids in found.items()}
        raise UnexpectedAnswerError(
            f"GET {self._endpoints.history} showed fewer messages than it counts, {TRIES} times, so nobody"
            " knows what is scheduled: run again."
        )


def _is_cancelled(client: Client, channel: str, message_id: str) -> bool:
    """Return whether the history shows a message as cancelled: an answer to us may have been lost."""
    # No source says that the history of calls can be searched: then this is all of it.
    for page in read_pages(client, f"/{channel}/history", {"q": f"message_id:{message_id}"}):
        for row in page.rows:
            if str(row.get("message_id")).upper() == message_id.upper():
                return row.get("status") == "Cancelled"
    return False
