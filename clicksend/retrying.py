"""What is tried again, when, and how often."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    wait_exponential_jitter,
)

from clicksend.errors import ClickSendError
from clicksend.limiter import Clock

LONGEST_WAIT = 900.0
"""Seconds; a server that asks for a longer pause gets its answer reported instead."""

logger = logging.getLogger("clicksend")

T = TypeVar("T")


class Retry:
    """Makes attempts until one succeeds or its failure is no passing one; shared by threads."""

    def __init__(self, most: int, clock: Clock) -> None:
        """Prepare.

        Args:
            most: How often to try again.
            clock: What waits between attempts.
        """
        self._most = most
        self._clock = clock
        self._backoff = wait_exponential_jitter(initial=1, max=60)

    def __call__(
        self,
        attempt: Callable[[], T],
        may_repeat: Callable[[ClickSendError], bool] = lambda _: True,
        within: float = math.inf,
    ) -> T:
        """Return what an attempt returns, the first that succeeds.

        Args:
            attempt: What to do.
            may_repeat: Whether it may be done again after a failure that may pass.
            within: Seconds after which no attempt begins.

        Raises:
            ClickSendError: The failure of the last attempt.
        """
        began = self._clock.monotonic()

        def is_over(state: RetryCallState) -> bool:
            late = self._clock.monotonic() - began + state.upcoming_sleep >= within
            return late or state.attempt_number > self._most

        retrying = Retrying(
            stop=is_over,
            retry=retry_if_exception(
                lambda error: isinstance(error, ClickSendError) and _may_pass(error) and may_repeat(error)
            ),
            wait=self._wait,
            sleep=self._clock.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        asked = getattr(state.outcome.exception(), "retry_after", None) if state.outcome else None
        return self._backoff(state) if asked is None else float(asked)


def _may_pass(error: ClickSendError) -> bool:
    return error.transient and (error.retry_after or 0) <= LONGEST_WAIT


def _log_retry(state: RetryCallState) -> None:
    error, wait = state.outcome and state.outcome.exception(), state.next_action and state.next_action.sleep
    logger.warning("%s Trying again in %.1f s (attempt %d failed).", error, wait, state.attempt_number)
