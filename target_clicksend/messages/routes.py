"""The ways that messages take: a channel of ClickSend's API, or the hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

from msgspec.structs import replace

from clicksend.errors import ApiError, ClickSendError
from clicksend.hub import Hub, doubt
from clicksend.ledger import Ledger
from clicksend.phone import mask
from target_clicksend.gates.message import Channel, Message
from target_clicksend.messages.channels import ENDPOINTS
from target_clicksend.messages.judging import Outgoing, Verdict
from target_clicksend.messages.pricing import quotes
from target_clicksend.messages.reconciling import reconcile
from target_clicksend.messages.sending import InTime, Patience, Sender
from target_clicksend.run import Run

UNFIT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
"""What the hub answers where a message is at fault, with a code; other 4xx may come after it was sent."""
A_TOKEN = "(a token of its own)"  # noqa: S105, shown where a real one would be


class Route(Protocol):
    """What a sink needs of the way that its messages take."""

    most: int
    """Messages that are claimed together."""

    @property
    def ended(self) -> str | None:
        """Why nothing more is sent, None while it goes on."""

    def requests(self, messages: int) -> int:
        """Return how many requests so many messages take."""

    def send(self, outgoing: Sequence[Outgoing], in_time: InTime) -> list[Verdict]:
        """Send messages that are claimed; return what came of each. No failed request raises.

        No request begins for which ``in_time``, asked right before, says no.
        """

    def quotes(self, messages: Sequence[Message]) -> list[Verdict]:
        """Return what would come of messages, and for which price."""

    def sample(self, message: Message) -> dict[str, Any]:
        """Return the request that a message would go out with, its number masked."""

    def reconcile(self, ledger: Ledger, sink: str) -> None:
        """Look up what is unknown."""


class ApiRoute:
    """A channel of ClickSend's API: up to 1000 messages in a request, which its history shows."""

    def __init__(self, run: Run, channel: Channel) -> None:
        self._run, self._endpoints = run, ENDPOINTS[channel]
        self._sender = Sender(run.client, self._endpoints.send)
        self.most: int = run.config["batch_size_rows"]

    @property
    def ended(self) -> str | None:
        """Why nothing more is sent, None while it goes on."""
        return self._sender.ended

    def requests(self, messages: int) -> int:  # noqa: ARG002
        """Return how many requests so many messages take."""
        return 1

    def send(self, outgoing: Sequence[Outgoing], in_time: InTime) -> list[Verdict]:
        """Send messages in one request."""
        return self._sender.send(outgoing, self._spell, in_time)

    def quotes(self, messages: Sequence[Message]) -> list[Verdict]:
        """Ask what messages would cost."""
        return quotes(self._run.client, self._endpoints, messages, self._run.config)

    def sample(self, message: Message) -> dict[str, Any]:
        """Return the request that a message would go out with, its number masked."""
        return self._spell([_masked(message)])

    def reconcile(self, ledger: Ledger, sink: str) -> None:
        """Look up in the history what is unknown."""
        reconcile(self._run.client, ledger, sink, self._endpoints, self._run.config)

    def _spell(self, outgoing: Sequence[Outgoing]) -> dict[str, Any]:
        return self._endpoints.spell(outgoing, self._run.config)


class HubRoute:
    """Notifications through the hub: one request each, no prices, and no history to look anything up in."""

    most = 20

    def __init__(self, run: Run) -> None:
        self._hub = Hub(run.client)
        self._patience = Patience()

    @property
    def ended(self) -> str | None:
        """Why nothing more is sent, None while it goes on."""
        return self._patience.ended

    def requests(self, messages: int) -> int:
        """Return how many requests so many messages take."""
        return messages

    def send(self, outgoing: Sequence[Outgoing], in_time: InTime) -> list[Verdict]:
        """Send messages one by one."""
        return [self._send(one, in_time) for one in outgoing]

    def quotes(self, messages: Sequence[Message]) -> list[Verdict]:
        """Return that nobody knows."""
        return [Verdict("sent")] * len(messages)

    def sample(self, message: Message) -> dict[str, Any]:
        """Return the call that a message would be, its number masked."""
        outgoing = _masked(message)
        return {"to": outgoing.to, **_inputs(outgoing)}

    def reconcile(self, ledger: Ledger, sink: str) -> None:
        """Do nothing: there is nothing to look up in."""

    def _send(self, outgoing: Outgoing, in_time: InTime) -> Verdict:
        if self.ended:
            return Verdict("failed", f"not sent: {self.ended}")
        try:
            answer = self._hub.notify_send(
                outgoing.to, may_start=lambda: in_time([outgoing]), **_inputs(outgoing)
            )
        except ClickSendError as error:
            if isinstance(error, ApiError) and error.code and error.status in UNFIT:
                self._patience.answered()
                return Verdict("rejected", str(error))
            return self._patience.failure(error)
        if reason := doubt(answer):
            self._patience.unanswered(reason)
            return Verdict("unknown", reason)
        self._patience.answered()
        return Verdict("sent", message_id=answer["id"])


def _inputs(outgoing: Outgoing) -> dict[str, Any]:
    """Return the inputs of a call; the message's text holds template, variables and locale."""
    schedule = outgoing.message.schedule
    at = {} if schedule is None else {"schedule_at": datetime.fromtimestamp(schedule, UTC).isoformat()}
    return {**json.loads(outgoing.body), **at, "correlation_id": outgoing.custom_string}


def _masked(message: Message) -> Outgoing:
    return Outgoing(replace(message, to=mask(message.to)), message.custom_string or A_TOKEN)
