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


class Breaker:
    """Ends a run in which nothing succeeds any more: each failure costs all its retries."""

    def __init__(self, most: int = 25) -> None:
        self._most, self._count = most, 0

    def check(self, outcome: str, reason: str) -> None:
        """Count an outcome.

        Raises:
            ClickSendError: Too many in a row have failed.
        """
        self._count = self._count + 1 if outcome == "failed" else 0
        if self._count >= self._most:
            raise ClickSendError(
                f"{self._count} writes failed in a row; the rest was not tried. The last one: {reason}"
            )
