"""Sending a batch: one request, made once, and what is known of each message afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clicksend.client import Client
from clicksend.errors import (
    ApiError,
    BadRequestError,
    ClickSendError,
    ForbiddenError,
    MethodNotAllowedError,
    NotConnectedError,
    NotFoundError,
    PaymentRequiredError,
    StoppedError,
    TooManyRequestsError,
    UnauthorizedError,
)
from target_clicksend.messages.judging import NO_CREDIT, Outgoing, Verdict, judge

REFUSED = (UnauthorizedError, PaymentRequiredError, ForbiddenError, NotFoundError, MethodNotAllowedError)
"""Nothing was sent, and nothing can be (401, 402, 403, 404, 405)."""
NOT_SENT = (NotConnectedError, TooManyRequestsError, StoppedError)
"""Nothing was sent, though it may have been tried several times."""
HALVED = frozenset({"BAD_REQUEST", "TOO_MANY_RECIPIENTS"})
"""Codes of a 400 that says that a message of the batch is bad: nothing was sent (documented)."""
UNANSWERED_IN_A_ROW = 2
"""Requests without a usable answer after which no more are made."""

Payload = Callable[[Sequence[Outgoing]], Mapping[str, Any]]


class Sender:
    """Sends batches to one endpoint; after some failures it ends, and sends nothing any more."""

    def __init__(self, client: Client, path: str) -> None:
        self._client, self._path = client, path
        self._unanswered = 0
        self.ended: str | None = None
        """Why nothing more is sent, None while it goes on."""

    def send(self, messages: Sequence[Outgoing], payload: Payload) -> list[Verdict]:
        """Send messages in one request; where one of them spoils it, in several.

        Args:
            messages: At most 1000, claimed by this run.
            payload: Makes the request's body of some of them.

        Returns:
            What came of each, in their order. Nothing is raised for a failed request.
        """
        if self.ended:
            return [Verdict("failed", f"not sent: {self.ended}")] * len(messages)
        try:
            answer = self._client.send(self._path, payload(messages)).data
        except ClickSendError as error:
            if _spoilt(error) and len(messages) > 1:
                middle = len(messages) // 2
                return [*self.send(messages[:middle], payload), *self.send(messages[middle:], payload)]
            return [self._failure(error)] * len(messages)
        rows = answer.get("messages") if isinstance(answer, dict) else None
        verdicts = judge(messages, rows if isinstance(rows, list) else [])
        self._learn(verdicts)
        return verdicts

    def _failure(self, error: ClickSendError) -> Verdict:
        """Return what a failed request means for its messages."""
        if _spoilt(error):
            return Verdict("rejected", str(error))
        if isinstance(error, REFUSED + NOT_SENT):
            self.ended = str(error)
            return Verdict("failed", str(error))
        self._unanswered += 1
        if self._unanswered >= UNANSWERED_IN_A_ROW:
            self.ended = f"{self._unanswered} requests in a row got no usable answer. The last one: {error}"
        return Verdict("unknown", f"no usable answer: {error}")

    def _learn(self, verdicts: Sequence[Verdict]) -> None:
        self._unanswered = 0
        if any(verdict.reason == NO_CREDIT for verdict in verdicts):
            self.ended = NO_CREDIT


def _spoilt(error: ClickSendError) -> bool:
    """Return whether a request was turned away because of one of its messages."""
    return isinstance(error, ApiError) and isinstance(error, BadRequestError) and error.code in HALVED
