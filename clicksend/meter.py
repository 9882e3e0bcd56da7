"""What a client's requests took, counted in one place: for reports."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from clicksend.limiter import Clock


@dataclass(frozen=True)
class Traffic:
    """What a run asked of ClickSend.

    Attributes:
        requests: Requests made, repeated ones included.
        rate_limited: Answers 429.
        waited_seconds: How long its threads slept, for rate limits and before they tried again, all added up.
    """

    requests: int = 0
    rate_limited: int = 0
    waited_seconds: float = 0.0


class Meter:
    """A clock that adds up how long its sleepers slept, and counts answers 429; shared by threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate_limited = 0
        self._waited = 0.0

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoppedError: It is not worth it any more.
        """
        began = self._clock.monotonic()
        try:
            self._clock.sleep(seconds)
        finally:
            with self._lock:
                self._waited += self._clock.monotonic() - began

    def count_rate_limited(self) -> None:
        """Count an answer 429."""
        with self._lock:
            self._rate_limited += 1

    def read(self, requests: int) -> Traffic:
        """Return what was counted, with a number of requests."""
        with self._lock:
            return Traffic(requests, self._rate_limited, round(self._waited, 3))
