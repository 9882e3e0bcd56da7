"""Keeps requests under ClickSend's rate limits, which no documentation states: the headers teach it.

Observed: limits count per endpoint and caller (20 a minute for /account, 6000 elsewhere);
``x-ratelimit-remaining`` is what is left, ``ratelimit-reset`` the seconds until it is full again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from clicksend.errors import StoppedError

NAP = 0.2
"""Seconds after which a sleeper looks whether it was stopped."""

IDS = re.compile(r"/(\d+|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}|(?<=/short-url/tracking/)[^/]+)(?=/|$)")


class Clock(Protocol):
    """Time as the client sees it, in seconds."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Time:
    """The time, whose sleepers can be stopped."""

    def __init__(self) -> None:
        self.stopped = False

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoppedError: It is not worth it any more.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.stopped:
                raise StoppedError
            time.sleep(min(left, NAP))


@dataclass
class Budget:
    """What one endpoint still allows; times are the clock's."""

    remaining: float = float("inf")
    resets_at: float = 0.0
    paused_until: float = 0.0
    under_way: int = 0
    limit: int | None = None

    def wait(self, now: float) -> float:
        """Return seconds until one more request is allowed."""
        if now >= self.resets_at:
            self.remaining = float("inf")
        exhausted = self.resets_at if self.remaining < 1 else 0.0
        return max(self.paused_until, exhausted) - now


class Limiter:
    """Shared by all threads of a client."""

    def __init__(self, clock: Clock, requests_per_minute: int | None = None) -> None:
        self._clock = clock
        self._interval = 60 / requests_per_minute if requests_per_minute else 0.0
        self._next_start = 0.0
        self.requests = 0
        """Requests that were let go."""
        self._budgets: dict[str, Budget] = {}
        self._lock = threading.Lock()

    @property
    def limits(self) -> dict[str, int]:
        """Return the requests in one window that the server allows, by endpoint, where it said so."""
        with self._lock:
            return {name: b.limit for name, b in self._budgets.items() if b.limit is not None}

    def acquire(self, endpoint: str) -> None:
        """Wait until a request to an endpoint may start. Each ``acquire`` needs its ``release``."""
        while (wait := self._try(endpoint)) > 0:
            self._clock.sleep(wait)

    def _try(self, endpoint: str) -> float:
        with self._lock:
            budget, now = self._budget(endpoint), self._clock.monotonic()
            wait = max(budget.wait(now), self._next_start - now)
            if wait <= 0:
                budget.remaining -= 1
                budget.under_way += 1
                self.requests += 1
                self._next_start = now + self._interval
            return wait

    def release(self, endpoint: str, headers: Mapping[str, str] | None = None) -> None:
        """End a request and learn from its answer's headers, if there was an answer."""
        with self._lock:
            budget = self._budget(endpoint)
            budget.under_way -= 1
            remaining, reset = (
                _seconds((headers or {}).get(name)) for name in ("x-ratelimit-remaining", "ratelimit-reset")
            )
            if (limit := _seconds((headers or {}).get("x-ratelimit-limit"))) is not None:
                budget.limit = int(limit)
            if remaining is not None and reset is not None:
                # The server may not have counted yet what is still under way.
                budget.remaining = remaining - budget.under_way
                budget.resets_at = self._clock.monotonic() + reset

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nobody start a request to an endpoint for a while, after a 429."""
        with self._lock:
            budget = self._budget(endpoint)
            budget.paused_until = max(budget.paused_until, self._clock.monotonic() + seconds)

    def _budget(self, endpoint: str) -> Budget:
        return self._budgets.setdefault(IDS.sub("/{id}", endpoint), Budget())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` (seconds or an HTTP date) asks to wait, None when absent."""
    value = headers.get("Retry-After")
    if value is None or (seconds := _seconds(value)) is not None:
        return seconds if value is not None else None
    try:
        until, now = (parsedate_to_datetime(one).astimezone(UTC) for one in (value, headers["Date"]))
    except (KeyError, ValueError, OverflowError):
        return None
    return max(0.0, (until - now).total_seconds())


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()) else None
