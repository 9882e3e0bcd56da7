"""Cancelling what waits at ClickSend for its schedule: each message by its id.

It is cancelled by a row of cancellations, when its row is deleted upstream, or when its recipient opts out.
No source says what the filter of cancel-all compares, and for calls it takes none (official specification):
what carries a custom_string is found in the history, and cancelled one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial

from clicksend.client import Client
from clicksend.errors import ClickSendError, NotFoundError, UnexpectedAnswerError
from clicksend.ledger.records import Outcome, ScheduledMessage
from clicksend.paging import TRIES, Tally, read_pages
from target_clicksend.failures import ENDS_THE_RUN, outcome_of
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.gates.opt_outs import OptOuts
from target_clicksend.messages.message import Channel
from target_clicksend.row import Row
from target_clicksend.run import Run

CANCELLABLE: tuple[Channel, ...] = ("sms", "voice")
"""Channels whose messages can be cancelled."""
DELETED = "its row was deleted upstream"
TOO_LATE = f"{DELETED}; its message was sent before, and can no longer be cancelled"
CHANNELS: dict[str, Channel] = {"sms_messages": "sms", "voice_messages": "voice"}
OPTED_OUT = "the recipient opted out"
SCHEDULED = "scheduled"
"""Name in counts of messages that are cancelled for their recipients: they are not rows of the input."""


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

    def is_any_left(self, ours: Sequence[str]) -> bool:
        """Return whether one may wait: the history, read anew, shows one, or one of ours not at all yet.

        Raises:
            ClickSendError: It cannot be read whole.
        """
        self._ids, unseen = self._read(ours)
        return bool(self._ids or unseen)

    def resembling(self, custom_string: str) -> int:
        """Return how many carry it in other letters, capital or small."""
        wanted = custom_string.strip().casefold()
        return sum(len(ids) for name, ids in self._all.items() if name.casefold() == wanted)

    @property
    def _all(self) -> dict[str, list[str]]:
        if self._ids is None:
            self._ids, _ = self._read()
        return self._ids

    def _read(self, wanted: Sequence[str] = ()) -> tuple[dict[str, list[str]], set[str]]:
        """Read the history, without a filter: what that would leave out would ring.

        Returns:
            The ids of what waits by custom_string, and those wanted that the history does not show.
        """
        params = {"order_by": f"{self._endpoints.history_date}:asc"}
        for _ in range(TRIES):
            found: dict[str, dict[str, None]] = defaultdict(dict)
            unseen = {one.upper() for one in wanted}
            tally = Tally()
            for page in tally.counted(read_pages(self._client, self._endpoints.history, params)):
                for row in page.rows:
                    unseen.discard(str(row.get("message_id")).upper())
                    if str(row.get("status")).casefold() == "scheduled" and row.get("message_id"):
                        found[str(row.get("custom_string") or "").strip()][str(row["message_id"])] = None
            if tally.is_whole:
                return {name: list(ids) for name, ids in found.items()}, unseen
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


class Recall:
    """Cancels what is still scheduled at ClickSend, where the setting ``cancel_deleted`` says so."""

    def __init__(self, run: Run, sink: str, channel: Channel) -> None:
        self._run, self._sink, self._channel = run, sink, channel

    def recall(self, row: Row) -> tuple[str, str]:
        """Return what came of a deleted row, and why."""
        if not self._run.config["cancel_deleted"] or self._channel not in CANCELLABLE:
            return "suppressed", DELETED
        known = self._run.ledger.outcomes.known(self._sink, {row.key: row.older}).get(row.key)
        message_id = None if known is None else self._run.ledger.schedules.message_id(known.outcome_id)
        if known is None or message_id is None:
            return "suppressed", DELETED
        if self._run.dry_run:
            return "dry_run", ""
        try:
            is_cancelled = cancel(self._run.client, self._channel, message_id)
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            return outcome_of(error), str(error)
        if not is_cancelled:
            return "suppressed", TOO_LATE
        outcome = Outcome(
            sink=self._sink, key=row.key, stream=row.stream, outcome="cancelled", reason=DELETED
        )
        self._run.ledger.schedules.cancel(self._run.id, {known.outcome_id: outcome})
        return "cancelled", DELETED


def cancel_opted_out(run: Run, opt_outs: OptOuts | None, numbers: Collection[str] = ()) -> int:
    """Cancel what all runs have scheduled to people who have opted out since; return how many messages.

    Args:
        run: The run.
        opt_outs: Who has opted out, brought up to date where anything is scheduled; None: nobody is asked.
        numbers: Recipients whose rows say that they have opted out.

    Raises:
        OptOutsError: Nobody knows who has opted out.
    """
    if run.dry_run or not run.ledger.schedules.has_any():
        return 0
    if opt_outs is not None:
        opt_outs.refresh()
    found = run.ledger.schedules.to_recipients(
        [run.ledger.privacy.hash(one) for one in numbers], opted_out=opt_outs is not None
    )
    done: dict[str, Outcome] = {}
    failed: dict[str, int] = defaultdict(int)
    for one in found:
        failure = _cancel_scheduled(run.client, one)
        if failure is None:
            done[one.outcome_id] = _outcome(one)
            run.report.add(SCHEDULED, "cancelled", OPTED_OUT)
        elif one.scheduled_for > run.now():
            failed[failure] += 1
    run.ledger.schedules.cancel(run.id, done)
    if done:
        run.warn(f"{len(done):,} scheduled messages were cancelled: {OPTED_OUT}.")
    for reason, count in failed.items():
        run.error(f"{count:,} scheduled messages could not be cancelled, though {OPTED_OUT}: {reason}")
    return len(done)


def _cancel_scheduled(client: Client, one: ScheduledMessage) -> str | None:
    """Cancel a message; return why it is not cancelled, None when it is."""
    channel = CHANNELS.get(one.sink)
    if channel not in CANCELLABLE:
        return "ClickSend cannot cancel picture messages"
    try:
        return None if cancel(client, channel, one.message_id) else "it was too late"
    except ClickSendError as error:
        return str(error)


def _outcome(one: ScheduledMessage) -> Outcome:
    return Outcome(sink=SCHEDULED, key=one.key, stream=one.stream, outcome="cancelled", reason=OPTED_OUT)
