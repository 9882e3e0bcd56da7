"""Messages out: claimed in the ledger first, then sent, then settled with what was answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from clicksend.ledger import Claim, Outcome, outcome_id, token
from target_clicksend.messages.gates.chain import TAKEN
from target_clicksend.messages.judging import Outgoing, Verdict
from target_clicksend.messages.message import Message
from target_clicksend.messages.routes import Route
from target_clicksend.run import Run

BEGIN = 120
"""Seconds after a claim in which its first request may begin."""
MARGIN = 60
"""Seconds that a claim holds beyond its last request: to write down what was answered."""


class Outbox:
    """Sends the messages of one sink."""

    def __init__(self, run: Run, sink: str, route: Route, may_go: Callable[[Message], bool]) -> None:
        """Prepare.

        Args:
            run: The run.
            sink: The sink.
            route: The way that the messages take.
            may_go: Whether a message may still be sent as it is, by what time decides.
        """
        self._run, self._sink, self._route, self._may_go = run, sink, route, may_go
        self._currency = run.currency

    def send(self, messages: Sequence[Message]) -> list[tuple[Message, Verdict]]:
        """Send messages that passed all gates, each with a key of its own; return what came of each.

        The ledger holds it then, except of what was ``TAKEN``, which it need not know.

        Raises:
            LedgerError: Nothing was sent that has no claim.
        """
        if not messages:
            return []
        outgoing = [Outgoing(one, one.custom_string or self._token(one)) for one in messages]
        request = 2 * self._run.client.settings.timeout
        begin = BEGIN + request * (self._route.requests(len(messages)) - 1)
        until = self._run.now() + timedelta(seconds=begin)
        claimed = self._run.ledger.claim(
            self._run.id,
            self._sink,
            [self._claim(one) for one in outgoing],
            lease_seconds=begin + request + MARGIN,
        )
        ours = [one for one in outgoing if one.message.row.key in claimed]

        def in_time(some: Sequence[Outgoing]) -> bool:
            # Without its lease, a key may be released by a person and be on its way from another process.
            return self._run.now() < until and all(self._may_go(one.message) for one in some)

        verdicts = self._route.send(ours, in_time) if ours else []
        answered = list(zip(ours, verdicts, strict=True))
        self._run.ledger.settle(self._run.id, [self._outcome(one, verdict) for one, verdict in answered])
        taken = [one.message for one in outgoing if one.message.row.key not in claimed]
        return [(one.message, verdict) for one, verdict in answered] + [(one, TAKEN) for one in taken]

    def call_off(self, messages: Sequence[Message], reason: str) -> list[Message]:
        """Write messages that wait as cancelled, for good; return them, one of each key that is not used."""
        outgoing = [Outgoing(one, one.custom_string or self._token(one)) for one in messages]
        claims = [self._claim(one) for one in outgoing]
        keys = self._run.ledger.call_off_claims(self._run.id, self._sink, claims, reason)
        first = {one.row.key: one for one in reversed(messages)}
        return [one for key, one in first.items() if key in keys]

    def _token(self, message: Message) -> str:
        return token(outcome_id(self._sink, message.row.key), self._run.ledger.key_id)

    def _claim(self, outgoing: Outgoing) -> Claim:
        message, ledger = outgoing.message, self._run.ledger
        return Claim(
            key=message.row.key,
            stream=message.row.stream,
            custom_string=outgoing.custom_string,
            recipient_hash=ledger.hash(message.to),
            body_hash=ledger.fingerprint(message.content),
            source_key=message.row.source_key,
            campaign=message.campaign,
            scheduled_for=None if message.schedule is None else datetime.fromtimestamp(message.schedule, UTC),
        )

    def _outcome(self, outgoing: Outgoing, verdict: Verdict) -> Outcome:
        row = outgoing.message.row
        return Outcome(
            sink=self._sink,
            key=row.key,
            source_key=row.source_key,
            stream=row.stream,
            outcome=verdict.outcome,
            reason=verdict.reason,
            message_id=verdict.message_id,
            parts=verdict.parts,
            price=verdict.price,
            currency=self._currency if verdict.price is not None else None,
            custom_string=outgoing.custom_string,
            campaign=outgoing.message.campaign,
        )
