"""Refilling a lost ledger from ClickSend's histories: every message of ours that they show was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from clicksend.errors import ForbiddenError, UnexpectedAnswerError
from clicksend.ledger.records import Outcome, Sent, key_id_of, outcome_id_of
from clicksend.paging import TRIES, Page, Tally, read_pages
from target_clicksend.ledger_tools import CHANNELS
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.message import Channel
from target_clicksend.messages.moments import read_moment
from target_clicksend.messages.response import decimal_of
from target_clicksend.row import Rejected
from target_clicksend.run import Run

REBUILT = "the ledger was lost; found in the history"
STREAM = "(rebuilt)"
"""What stands for the stream, which no history shows."""


@dataclass
class RebuildResult:
    """What a channel's history gave to the ledger.

    Attributes:
        ours: Messages with our token.
        new: Those of them that it did not have as sent or unknown.
        foreign: Messages with a custom_string that is not our token: nobody can tell of which row they are.
        of_other_keys: Messages of a ledger with another key of its hashes: their rows would not be known.
        absent: Whether the account has no such channel.
    """

    sink: str
    ours: int = 0
    new: int = 0
    foreign: int = 0
    of_other_keys: int = 0
    absent: bool = False


def rebuild(run: Run, since: datetime) -> Iterator[RebuildResult]:
    """Write all our messages that the histories show since a time into the ledger; yield what came of each.

    Raises:
        ClickSendError: A history cannot be read whole; what was found until then is in the ledger.
    """
    at = run.client.started_at or run.now()
    for sink, channel in CHANNELS.items():
        rebuilt = _Rebuilding(run, sink, channel, int(since.timestamp())).rebuilt()
        if not rebuilt.of_other_keys:
            run.ledger.reconciliation.set_known_until(sink, at)
        yield rebuilt


class _Rebuilding:
    """The walk through one history."""

    def __init__(self, run: Run, sink: str, channel: Channel, since: int) -> None:
        self._run, self._sink, self._channel, self._since = run, sink, channel, since
        self._endpoints = ENDPOINTS[channel]
        self._currency = run.currency

    def rebuilt(self) -> RebuildResult:
        """Read the history until it was read whole, and write what it shows.

        Raises:
            ClickSendError: It was not.
        """
        done = RebuildResult(self._sink)
        try:
            if any(self._walk(done) for _ in range(TRIES)):
                return done
        except ForbiddenError:
            if self._channel != "voice":
                raise
            # Whoever may not call has called nobody.
            return replace(done, absent=True)
        raise UnexpectedAnswerError(
            f"GET {self._endpoints.history} showed fewer messages than it counts, {TRIES} times: run rebuild"
            " again before anything is sent."
        )

    def _walk(self, done: RebuildResult) -> bool:
        """Read the history once; return whether that was all of it."""
        # A second earlier, since the bound may be meant exclusively.
        params = {"date_from": self._since - 1, "order_by": f"{self._endpoints.history_date}:asc"}
        tally = Tally()
        done.ours = done.foreign = done.of_other_keys = 0
        for page in tally.counted(read_pages(self._run.client, self._endpoints.history, params)):
            self._refill(page, done)
        return tally.is_whole

    def _refill(self, page: Page, done: RebuildResult) -> None:
        out = [row for row in page.rows if row.get("direction") != "in" and row.get("message_id")]
        tokens = [row for row in out if outcome_id_of(_reference(row))]
        keys = {key_id_of(_reference(row)) for row in tokens}
        ledger = self._run.ledger
        if None in keys and ledger.privacy.older_keys is None:
            ledger.privacy.expect_older_keys()
        ours = [row for row in tokens if key_id_of(_reference(row)) in {None, ledger.privacy.key_id}]
        found = [self._sent(str(outcome_id_of(_reference(row))), row) for row in ours]
        done.new += len(ledger.reconciliation.restore(self._run.id, found))
        done.ours += len(found)
        done.of_other_keys += len(tokens) - len(ours)
        done.foreign += sum(bool(_reference(row)) for row in out) - len(tokens)

    def _sent(self, outcome_id: str, row: Mapping[str, Any]) -> Sent:
        ledger = self._run.ledger
        parts, price = decimal_of(row.get("message_parts")), decimal_of(row.get("message_price"))
        return Sent(
            outcome_id=outcome_id,
            outcome=Outcome(
                sink=self._sink,
                # Only the row knows its key; the ledger knows it by the hash in the token.
                key=_reference(row),
                stream=STREAM,
                outcome="sent",
                reason=REBUILT,
                message_id=str(row["message_id"]),
                parts=None if parts is None else int(parts),
                price=price,
                currency=None if price is None else self._currency,
                custom_string=_reference(row),
            ),
            at=self._time(row),
            recipient_hash=ledger.privacy.hash(str(row.get("to") or "")),
            body_hash=ledger.privacy.fingerprint(str(row.get("body") or "")),
        )

    def _time(self, row: Mapping[str, Any]) -> datetime | None:
        """Return when a message went, None where the duplicate window could not know it anyway."""
        try:
            seconds = read_moment(dict(row), self._endpoints.history_date)
        except Rejected:
            return None
        # What a picture message said is not all in its history.
        return None if seconds is None or self._channel == "mms" else datetime.fromtimestamp(seconds, UTC)


def _reference(row: Mapping[str, Any]) -> str:
    return str(row.get("custom_string") or "")
