"""The sink ``cancellations``: scheduled messages that must not go out after all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from typing_extensions import override

from clicksend.errors import ClickSendError, ForbiddenError, StoppedError
from clicksend.ledger.records import Claim, Outcome
from target_clicksend.columns import DELETED
from target_clicksend.failures import ENDS_THE_RUN, CircuitBreaker, outcome_of
from target_clicksend.messages.cancel import CANCELLABLE, Scheduled, cancel, cancel_each
from target_clicksend.messages.message import Channel
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.run import Run
from target_clicksend.sinks.base import Sink
from target_clicksend.values import is_deleted, read_plain, read_text

ALL = "*"
"""Custom_string that stands for everything scheduled, and only when it is written just so."""
SINKS: dict[Channel, str] = {"sms": "sms_messages", "voice": "voice_messages"}
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
CANCELLED = "cancelled by a row of cancellations"
MARGIN = 60
"""Seconds that a claim holds beyond its requests: to write down what was answered."""
NOT_AGAIN = (
    "It is not asked for again, since that would cancel what was scheduled since: look into ClickSend's"
    " dashboard, and deliver a row with another key for what is left."
)
UNDER_WAY = "another run is asking for it just now; comes again"
TOO_LATE = "too late: it was sent, or cancelled elsewhere, or never there (ClickSend answers the same to all)"


class Cancellations(Sink):
    """Cancels a message by its id, or all that are scheduled with a custom_string; each row once.

    A row takes effect where it stands in the input: what waits before it in this run is not sent. Cancelling
    everything is claimed in the ledger first: a second time would also cancel what was scheduled since.
    """

    name = "cancellations"
    columns = frozenset({"message_id", "custom_string", "channel", DELETED})

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._done: set[tuple[str, str]] = set()
        """Keys of this run's rows, and what they cancelled; the ledger may not have them yet."""
        self._breaker = CircuitBreaker()
        self._scheduled = {channel: Scheduled(run.client, channel) for channel in CANCELLABLE}

    @override
    def process_record(self, row: Row) -> None:
        try:
            self._cancel(row)
        except Rejected as reason:
            self.run.record_outcome(row, self.name, "rejected", str(reason))
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            outcome = outcome_of(error)
            self.run.record_outcome(row, self.name, outcome, str(error))
            self._breaker.check(outcome, str(error))

    @override
    def clean_up(self) -> None:
        """Do nothing: each row was carried out when it came."""

    def _cancel(self, row: Row) -> None:
        if is_deleted(row.values):
            self.run.record_outcome(row, self.name, "suppressed", "the row was deleted upstream")
            return
        channels = _channels(row.values)
        message_id, custom_string = read_text(row.values, "message_id"), _custom_string(row.values)
        if bool(message_id) == bool(custom_string):
            raise Rejected("give either message_id or custom_string")
        if message_id and not UUID.fullmatch(message_id):
            raise Rejected("message_id is not a valid message id")
        # Also what was done before: the same input has the same rows before this one.
        waiting = self._call_off_waiting(channels, custom_string) if custom_string else 0
        if self._is_under_way(row):
            self.run.record_outcome(row, self.name, "held", UNDER_WAY)
            return
        if self._is_done(row, message_id, custom_string):
            self._cancel_again(row, channels, custom_string, waiting)
            return
        if self.run.dry_run:
            self.run.record_plan(row, self.name, "cancel", " and ".join(channels))
        elif message_id:
            self._cancel_one(row, channels, message_id)
        elif custom_string == ALL:
            self._cancel_everything(row, channels, waiting)
        else:
            self._cancel_all(row, channels, custom_string, waiting)
        self._breaker.check("cancelled", "")
        self._done.add((row.key, message_id or custom_string))

    def _call_off_waiting(self, channels: Sequence[Channel], custom_string: str) -> int:
        """Let nothing be sent of what waits in this run and the row cancels; return how much that is."""
        senders = [self.run.sinks.get(SINKS[channel]) for channel in channels]
        wanted = None if custom_string == ALL else custom_string
        return sum(sender.call_off(wanted) for sender in senders if sender is not None)

    def _is_done(self, row: Row, message_id: str, custom_string: str) -> bool:
        """Return whether the row has cancelled the same before; one that was changed wants something else."""
        names = self.run.ledger.privacy.custom_strings(custom_string)
        return (row.key, message_id or custom_string) in self._done or any(
            found["sink"] == self.name
            and found["outcome"] in {"cancelled", "unknown"}
            and (found["message_id"] or "") == message_id
            and (found["custom_string"] or "").strip() in names
            for key in (row.key, *row.older)
            for found in self.run.ledger.outcomes.of_key(key)
        )

    def _is_under_way(self, row: Row) -> bool:
        """Return whether another run is carrying out the row just now, and may fail."""
        now = self.run.now()
        return any(
            found["sink"] == self.name and found["lease_until"] is not None and found["lease_until"] > now
            for found in self.run.ledger.outcomes.of_key(row.key)
        )

    def _cancel_again(self, row: Row, channels: Sequence[Channel], custom_string: str, waiting: int) -> None:
        """Cancel what this run has sent: it stands before the row, and had failed when that was done.

        More would also cancel what was scheduled since.
        """
        count = 0
        for channel in channels if custom_string and not self.run.dry_run else ():
            wanted = None if custom_string == ALL else custom_string
            ours = self.run.ledger.schedules.message_ids(SINKS[channel], wanted, self.run.id)
            cancelled = cancel_each(self.run.client, channel, ours)
            self._mark_cancelled(channel, cancelled)
            count += len(cancelled)
        if count:
            self._record_cancelled(row, custom_string, count, waiting)
        else:
            self.run.record_outcome(row, self.name, "unchanged", "it was asked for before")

    def _cancel_one(self, row: Row, channels: Sequence[Channel], message_id: str) -> None:
        channel = next((one for one in channels if cancel(self.run.client, one, message_id)), None)
        if channel is None:
            raise Rejected(TOO_LATE)
        self._mark_cancelled(channel, [message_id])
        self.run.record_outcome(row, self.name, "cancelled", message_id=message_id)

    def _cancel_all(self, row: Row, channels: Sequence[Channel], custom_string: str, waiting: int) -> None:
        """Cancel what is scheduled with a custom_string, one by one; the outcome says how many.

        Raises:
            Rejected: Nothing was there to cancel.
        """
        count = 0
        for channel in channels:
            with _no_calls(channel, channels):
                ours = self.run.ledger.schedules.message_ids(SINKS[channel], custom_string)
                unanswered = self.run.report.rows[SINKS[channel], "unknown"]
                cancelled = self._scheduled[channel].cancel(custom_string, ours, unanswered)
                self._mark_cancelled(channel, cancelled)
                count += len(cancelled)
        if not count and not waiting:
            raise Rejected(self._nothing(channels, custom_string))
        self._record_cancelled(row, custom_string, count, waiting)

    def _record_cancelled(self, row: Row, custom_string: str, count: int, waiting: int) -> None:
        self.run.record_outcome(
            row, self.name, "cancelled", _counts(count, waiting), custom_string=custom_string
        )

    def _cancel_everything(self, row: Row, channels: Sequence[Channel], waiting: int) -> None:
        """Cancel all that is scheduled, under a claim: it is not asked for again once an answer was lost."""
        seconds = MARGIN + len(channels) * self.run.client.settings.timeout
        if not self.run.ledger.claims.claim(self.run.id, self.name, [_claim(row)], lease_seconds=seconds):
            self.run.record_outcome(row, self.name, "held", UNDER_WAY)
            return
        count, lost = 0, False
        try:
            for channel in channels:
                with _no_calls(channel, channels):
                    found = self._cancel_channel(channel)
                    count, lost = count + (found or 0), lost or found is None
        except ClickSendError as error:
            if not error.not_processed:
                self._end_claim(row, "unknown", f"{error} {NOT_AGAIN}")
            elif count or lost or (waiting and not isinstance(error, StoppedError)):
                # Were it failed, its row would come again, and cancel what is scheduled meanwhile: by the
                # rest of this run, say, which a run that is stopped does not have.
                self._end_claim(row, "cancelled", _counts(count, waiting))
                self.run.error(f"cancellations: not everything was cancelled. {error} {NOT_AGAIN}")
            else:
                self._end_claim(row, outcome_of(error), str(error))
            if isinstance(error, ENDS_THE_RUN):
                raise
            return
        if lost:
            self._end_claim(row, "cancelled", "everything; ClickSend did not say how many messages")
        elif count or waiting:
            self._end_claim(row, "cancelled", _counts(count, waiting))
        else:
            self._end_claim(row, "rejected", self._nothing(channels, ALL))

    def _cancel_channel(self, channel: Channel) -> int | None:
        """Cancel all that is scheduled in a channel; return how many, None when ClickSend does not say.

        Raises:
            ClickSendError: It was not done, or nobody knows.
        """
        # By their number it is told whether all are cancelled: none of what may be gone.
        ours = self.run.ledger.schedules.message_ids(SINKS[channel], None, late=timedelta())
        try:
            answer = self.run.client.put(f"/{channel}/cancel-all", repeat="unprocessed").data
        except ClickSendError as error:
            if error.not_processed or self._scheduled[channel].is_any_left(ours):
                raise
            answer = None
        count = answer.get("count") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            self._mark_cancelled(channel, ours)
            return None
        if count >= len(ours):
            self._mark_cancelled(channel, ours)
        return count

    def _end_claim(self, row: Row, outcome: str, reason: str) -> None:
        """End the claim of a row."""
        settled = Outcome(
            sink=self.name,
            key=row.key,
            source_key=row.source_key,
            stream=row.stream,
            outcome=outcome,
            reason=reason,
            custom_string=ALL,
        )
        self.run.ledger.claims.settle(self.run.id, [settled])
        self.run.record_outcome(row, self.name, outcome, reason, stored=True)

    def _mark_cancelled(self, channel: Channel, message_ids: Sequence[str]) -> None:
        self.run.ledger.schedules.cancel_messages(self.run.id, SINKS[channel], message_ids, CANCELLED)

    def _nothing(self, channels: Sequence[Channel], custom_string: str) -> str:
        if custom_string == ALL:
            return f"nothing was scheduled ({' and '.join(channels)})"
        near = 0
        for channel in channels:
            with suppress(ForbiddenError):
                near += self._scheduled[channel].resembling(custom_string)
        hint = f"; {near:,} have it in other letters, capital or small" if near else ""
        return f"no scheduled message has this custom_string ({' and '.join(channels)}){hint}"


@contextmanager
def _no_calls(channel: Channel, channels: Sequence[Channel]) -> Iterator[None]:
    """Let an account that may not call have no calls, unless a row names just these."""
    try:
        yield
    except ForbiddenError:
        if channel != "voice" or len(channels) == 1:
            raise


def _counts(count: int, waiting: int) -> str:
    parts = [f"{count:,} messages"] + ([f"{waiting:,} that had not been sent"] if waiting else [])
    return ", ".join(parts)


def _claim(row: Row) -> Claim:
    """Return the claim of a row that sends nothing to anybody."""
    return Claim(
        key=row.key,
        stream=row.stream,
        source_key=row.source_key,
        custom_string=ALL,
        recipient_hash="",
        body_hash="",
    )


def _channels(values: Values) -> Sequence[Channel]:
    """Return the channel that a row names, all where it does not name one.

    Raises:
        Rejected: It names another one.
    """
    name = read_plain(values, "channel").lower()
    if name and name not in CANCELLABLE:
        raise Rejected(f"channel must be one of {', '.join(CANCELLABLE)}")
    return [one for one in CANCELLABLE if name in ("", one)]


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
