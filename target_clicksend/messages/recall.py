"""What becomes of a message that was sent and whose row is deleted upstream."""

from __future__ import annotations

from clicksend.errors import ClickSendError
from clicksend.ledger.records import Known, Outcome
from target_clicksend.failures import ENDS_THE_RUN, outcome_of
from target_clicksend.gates.message import Channel
from target_clicksend.messages.cancel import CANCELLABLE, cancel
from target_clicksend.row import Row
from target_clicksend.run import Run

DELETED = "its row was deleted upstream"
TOO_LATE = f"{DELETED}; its message was sent before, and can no longer be cancelled"


class Recall:
    """Cancels what is still scheduled at ClickSend, where the setting ``cancel_deleted`` says so."""

    def __init__(self, run: Run, sink: str, channel: Channel) -> None:
        self._run, self._sink, self._channel = run, sink, channel

    def recall(self, row: Row) -> tuple[str, str]:
        """Return what came of a deleted row, and why."""
        if not self._run.config["cancel_deleted"] or self._channel not in CANCELLABLE:
            return "suppressed", DELETED
        known = self._run.ledger.outcomes.known(self._sink, {row.key: row.older}).get(row.key)
        if known is None or not self._is_ahead(known):
            return "suppressed", DELETED
        if self._run.dry_run:
            return "dry_run", ""
        try:
            is_cancelled = cancel(self._run.client, self._channel, str(known.message_id))
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            return outcome_of(error), str(error)
        if not is_cancelled:
            return "suppressed", TOO_LATE
        outcome = Outcome(
            sink=self._sink, key=row.key, stream=row.stream, outcome="cancelled", reason=DELETED
        )
        self._run.ledger.claims.cancel(self._run.id, {known.outcome_id: outcome})
        return "cancelled", DELETED

    def _is_ahead(self, known: Known) -> bool:
        """Return whether a message waits at ClickSend."""
        is_ours = known.outcome == "sent" and known.message_id is not None
        return is_ours and known.scheduled_for is not None and known.scheduled_for > self._run.now()
