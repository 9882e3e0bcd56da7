"""Sending a batch: one request, made once, and what is known of each message afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clicksend.client import Client
from clicksend.errors import (
    BadRequestError,
    ClickSendError,
    FailureKind,
    TooLateError,
)
from target_clicksend.messages.judging import NO_CREDIT, Outgoing, Verdict, judge

HALVED = frozenset({"BAD_REQUEST", "TOO_MANY_RECIPIENTS"})
"""Codes of a 400 that says that a message of the batch is bad: nothing was sent (documented)."""
NOT_AGAIN = "It may have been sent, so it is not sent again."
UNANSWERED_IN_A_ROW = 2
"""Requests without a usable answer after which no more are made."""
OK, BAD = 200, 400

InTime = Callable[[Sequence[Outgoing]], bool]
"""Whether a request with some messages may begin now."""
Payload = Callable[[Sequence[Outgoing]], Mapping[str, Any]]


class Patience:
    """Why nothing more is sent: a refusal, or answer after answer that cannot be used."""

    def __init__(self) -> None:
        self._unanswered = 0
        self.ended: str | None = None
        """The reason, None while it goes on."""

    def failure(self, error: ClickSendError) -> Verdict:
        """Learn from a request that failed; return what that means for its messages."""
        # A value that is refused is told apart by its code: see `_spoilt`.
        if error.not_processed and error.kind is not FailureKind.REJECTED:
            # What came too late says nothing of the next one.
            self.ended = self.ended if isinstance(error, TooLateError) else str(error)
            return Verdict("failed", str(error))
        # Not the error's advice: it may be to run again, which sends none of these.
        self.unanswered(error.happened)
        return Verdict("unknown", f"no usable answer: {error.happened} {NOT_AGAIN}")

    def unanswered(self, reason: str) -> None:
        """Learn that a request got no usable answer."""
        self._unanswered += 1
        if self._unanswered >= UNANSWERED_IN_A_ROW:
            self.ended = f"{self._unanswered} requests in a row got no usable answer. The last one: {reason}"

    def answered(self) -> None:
        """Learn that a request was answered."""
        self._unanswered = 0


class Sender:
    """Sends batches to one endpoint; after some failures it ends, and sends nothing any more."""

    def __init__(self, client: Client, path: str) -> None:
        self._client, self._path = client, path
        self._patience = Patience()

    @property
    def ended(self) -> str | None:
        """Why nothing more is sent, None while it goes on."""
        return self._patience.ended

    def send(self, messages: Sequence[Outgoing], payload: Payload, in_time: InTime) -> list[Verdict]:
        """Send messages in one request; where one of them spoils it, in several.

        Args:
            messages: At most 1000, claimed by this run.
            payload: Makes the request's body of some of them.
            in_time: Asked right before each request.

        Returns:
            What came of each, in their order. Nothing is raised for a failed request.
        """
        if self.ended:
            return [Verdict("failed", f"not sent: {self.ended}")] * len(messages)
        try:
            answer = self._client.send(
                self._path, payload(messages), may_start=lambda: in_time(messages)
            ).data
        except ClickSendError as error:
            if not _spoilt(error):
                return [self._patience.failure(error)] * len(messages)
            self._patience.answered()
            if len(messages) == 1:
                return [Verdict("rejected", str(error))]
            middle = len(messages) // 2
            halves = messages[:middle], messages[middle:]
            return [verdict for half in halves for verdict in self.send(half, payload, in_time)]
        rows = answer.get("messages") if isinstance(answer, dict) else None
        verdicts = judge(messages, rows if isinstance(rows, list) else [])
        self._learn(verdicts)
        return verdicts

    def _learn(self, verdicts: Sequence[Verdict]) -> None:
        if all(verdict.outcome == "unknown" for verdict in verdicts):
            self._patience.unanswered(f"POST {self._path}: {verdicts[0].reason}.")
        else:
            self._patience.answered()
        if any(verdict.reason == NO_CREDIT for verdict in verdicts):
            self._patience.ended = NO_CREDIT


def _spoilt(error: ClickSendError) -> bool:
    """Return whether a request was turned away because of one of its messages.

    Other 4xx with the same codes may be a proxy's, and come after the request was passed on.
    """
    return isinstance(error, BadRequestError) and error.status in (OK, BAD) and error.code in HALVED
