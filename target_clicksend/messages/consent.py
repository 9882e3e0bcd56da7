"""Consent reaches what is scheduled: who has opted out does not get what was sent before with a schedule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from clicksend.errors import ClickSendError
from clicksend.ledger.records import Outcome, ScheduledMessage
from target_clicksend.gates.message import Channel
from target_clicksend.gates.opt_outs import OptOuts
from target_clicksend.messages.cancel import CANCELLABLE, cancel
from target_clicksend.run import Run

CHANNELS: dict[str, Channel] = {"sms_messages": "sms", "voice_messages": "voice"}
REASON = "the recipient opted out"
SINK = "scheduled"
"""Name that these have in counts: they are not rows of the input."""


def cancel_opted_out(run: Run, opt_outs: OptOuts | None, numbers: Collection[str] = ()) -> int:
    """Cancel what all runs have scheduled to people who have opted out since; return how many messages.

    Args:
        run: The run.
        opt_outs: Who has opted out, brought up to date where anything is scheduled; None: nobody is asked.
        numbers: Recipients whose rows say that they have opted out.

    Raises:
        OptOutsError: Nobody knows who has opted out.
    """
    if run.dry_run or not run.ledger.claims.has_scheduled():
        return 0
    if opt_outs is not None:
        opt_outs.refresh()
    found = run.ledger.claims.scheduled_to(
        [run.ledger.privacy.hash(one) for one in numbers], opted_out=opt_outs is not None
    )
    done: dict[str, Outcome] = {}
    failed: dict[str, int] = defaultdict(int)
    for one in found:
        channel = CHANNELS.get(one.sink)
        if channel not in CANCELLABLE:
            failed["ClickSend cannot cancel picture messages"] += 1
            continue
        try:
            is_cancelled = cancel(run.client, channel, one.message_id)
        except ClickSendError as error:
            failed[str(error)] += 1
        else:
            if is_cancelled:
                done[one.outcome_id] = _outcome(one)
                run.report.add(SINK, "cancelled", REASON)
            else:
                failed["it was too late"] += 1
    run.ledger.claims.cancel(run.id, done)
    if done:
        run.note(f"{len(done):,} scheduled messages were cancelled: {REASON}.")
    for reason, count in failed.items():
        run.fail(f"{count:,} scheduled messages could not be cancelled, though {REASON}: {reason}")
    return len(done)


def _outcome(one: ScheduledMessage) -> Outcome:
    return Outcome(sink=SINK, key=one.key, stream=one.stream, outcome="cancelled", reason=REASON)
