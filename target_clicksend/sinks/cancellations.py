"""The sink ``cancellations``: scheduled messages that must not go out after all."""

from __future__ import annotations

import re

from typing_extensions import override

from clicksend.errors import ClickSendError
from target_clicksend.columns import DELETED
from target_clicksend.failures import ENDS_THE_RUN, Breaker, outcome_of
from target_clicksend.messages.cancel import CANCELLABLE, cancel
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.run import Run
from target_clicksend.sinks import Sink
from target_clicksend.values import is_deleted, read_text

ALL = "*"
"""Custom_string that stands for everything scheduled, and only when it is written just so."""
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TOO_LATE = "too late: it was sent, or cancelled elsewhere, or never there (ClickSend answers the same to all)"


class Cancellations(Sink):
    """Cancels a message by its id, or all that are scheduled with a custom_string; each row once."""

    name = "cancellations"
    columns = frozenset({"message_id", "custom_string", "channel", DELETED})

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._done: set[tuple[str, str]] = set()
        """Keys of this run's rows, and what they cancelled; the ledger may not have them yet."""
        self._breaker = Breaker()

    @override
    def receive(self, row: Row) -> None:
        try:
            self._cancel(row)
        except Rejected as reason:
            self.run.done(row, self.name, "rejected", str(reason))
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            outcome = outcome_of(error)
            self.run.done(row, self.name, outcome, str(error))
            self._breaker.check(outcome, str(error))

    @override
    def finish(self) -> None:
        """Do nothing: each row was carried out when it came."""

    def _cancel(self, row: Row) -> None:
        if is_deleted(row.values):
            self.run.done(row, self.name, "suppressed", "the row was deleted upstream")
            return
        channel = read_text(row.values, "channel").lower() or CANCELLABLE[0]
        message_id, custom_string = read_text(row.values, "message_id"), _custom_string(row.values)
        if channel not in CANCELLABLE:
            raise Rejected(f"channel is none of {', '.join(CANCELLABLE)}")
        if bool(message_id) == bool(custom_string):
            raise Rejected("give either message_id or custom_string")
        if message_id and not UUID.fullmatch(message_id):
            raise Rejected("message_id is no message id")
        if self._is_done(row, message_id, custom_string):
            # A second one would also cancel what was scheduled since.
            self.run.done(row, self.name, "unchanged", "it was done before")
            return
        if self.run.dry_run:
            self.run.planned(row, self.name, "cancel", channel)
        elif message_id:
            self._cancel_one(row, channel, message_id)
        else:
            self._cancel_all(row, channel, custom_string)
        self._breaker.check("cancelled", "")
        self._done.add((row.key, message_id or custom_string))

    def _is_done(self, row: Row, message_id: str, custom_string: str) -> bool:
        """Return whether the row has cancelled the same before; one that was changed wants something else."""
        return (row.key, message_id or custom_string) in self._done or any(
            found["sink"] == self.name
            and found["outcome"] == "cancelled"
            and (found["message_id"] or "", found["custom_string"] or "") == (message_id, custom_string)
            for key in (row.key, *row.older)
            for found in self.run.ledger.show(key)
        )

    def _cancel_one(self, row: Row, channel: str, message_id: str) -> None:
        if not cancel(self.run.client, channel, message_id):
            raise Rejected(TOO_LATE)
        self.run.done(row, self.name, "cancelled", message_id=message_id)

    def _cancel_all(self, row: Row, channel: str, custom_string: str) -> None:
        body = None if custom_string == ALL else {"custom_string": custom_string}
        answer = self.run.client.put(f"/{channel}/cancel-all", body).data
        count = answer.get("count") if isinstance(answer, dict) else None
        reason = f"{count} messages" if isinstance(count, int) else ""
        self.run.done(row, self.name, "cancelled", reason, custom_string=custom_string)


def _custom_string(values: Values) -> str:
    """Return the column exactly as it is, ``""`` for a blank one: messages carry theirs unchanged.

    Raises:
        Rejected: It could be meant for everything, and is not written so.
    """
    given, text = values.get("custom_string"), read_text(values, "custom_string")
    if text == ALL and given != ALL:
        raise Rejected(
            'custom_string is "*" with blanks around it: for everything scheduled write it without'
        )
    return given if text and isinstance(given, str) else text
