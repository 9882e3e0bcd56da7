"""Messages out: claimed in the ledger first, then sent, then settled with what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clicksend.ledger import Claim, Outcome, outcome_id
from target_clicksend.gates.message import Message
from target_clicksend.messages.judging import Outgoing, Verdict, token
from target_clicksend.messages.routes import Route
from target_clicksend.run import Run

LEASE = 180
"""Seconds that a claim holds beyond the time-outs of its requests; ``Client.send`` gives up trying before."""
TAKEN = Verdict("duplicate", "another worker is sending it, or has")


class Outbox:
    """Sends the messages of one sink."""

    def __init__(self, run: Run, sink: str, route: Route) -> None:
        self._run, self._sink, self._route = run, sink, route
        self._currency = (run.account.get("_currency") or {}).get("currency_name_short")

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Verdict]]:
        """Send messages that passed all gates; yield what came of each.

        When this returns, the ledger holds it.

        Raises:
            LedgerError: Nothing was sent that has no claim.
        """
        if ended := self._route.ended:
            yield from ((message, Verdict("failed", f"not sent: {ended}")) for message in messages)
            return
        outgoing = [Outgoing(one, one.custom_string or self._token(one)) for one in messages]
        waits = 2 * self._run.client.settings.timeout * self._route.requests(len(messages))
        claims = [self._claim(one) for one in outgoing]
        claimed = self._run.ledger.claim(self._run.id, self._sink, claims, lease_seconds=waits + LEASE)
        ours = [one for one in outgoing if one.message.row.key in claimed]
        verdicts = self._route.send(ours) if ours else []
        answered = list(zip(ours, verdicts, strict=True))
        self._run.ledger.settle(self._run.id, [self._outcome(one, verdict) for one, verdict in answered])
        yield from ((one.message, verdict) for one, verdict in answered)
        yield from ((one.message, TAKEN) for one in outgoing if one.message.row.key not in claimed)

    def _token(self, message: Message) -> str:
        return token(outcome_id(self._sink, message.row.key))

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
