"""What an error of the API means for the row that met it."""

from __future__ import annotations

from clicksend.errors import (
    BadRequestError,
    ClickSendError,
    ForbiddenError,
    InvalidRecipientError,
    MethodNotAllowedError,
    NotFoundError,
    NotServedByHubError,
    PaymentRequiredError,
    UnauthorizedError,
)

ENDS_THE_RUN = (UnauthorizedError, PaymentRequiredError, MethodNotAllowedError, NotServedByHubError)
"""After one of them no later write could succeed either."""

GONE = (NotFoundError, ForbiddenError)
"""What a vanished list or contact answers (observed: 403 on POST, 404 on PUT and DELETE)."""


def outcome_of(error: ClickSendError) -> str:
    """Return ``rejected`` where the row is at fault, else ``failed``."""
    return "rejected" if isinstance(error, BadRequestError | InvalidRecipientError) else "failed"


class CircuitBreaker:
    """Opens where going on helps nobody: after many failures in a row, each of which cost all its retries."""

    def __init__(self, most: int = 25, said: str = "writes failed in a row; the rest was not tried.") -> None:
        self._most, self._said, self._count = most, said, 0
        self.reason: str | None = None
        """Why nothing more is tried, None while it is closed."""

    def count_success(self) -> None:
        """Begin to count anew."""
        self._count = 0

    def count_failure(self, reason: str) -> None:
        """Count a failure."""
        self._count += 1
        if self._count >= self._most:
            self.open(f"{self._count} {self._said} The last one: {reason}")

    def open(self, reason: str) -> None:
        """Let nothing more be tried, for the first reason that was given."""
        self.reason = self.reason or reason

    def check(self, outcome: str, reason: str) -> None:
        """Count the outcome of a write.

        Raises:
            ClickSendError: Too many in a row have failed.
        """
        if outcome == "failed":
            self.count_failure(reason)
        else:
            self.count_success()
        if self.reason:
            raise ClickSendError(self.reason)
