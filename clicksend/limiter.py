"""Keeps requests under ClickSend's rate limits, which no documentation states: the headers teach it.

How many are under way at once is each endpoint's ``Concurrency``; who waits for a place is served in order.

Observed: limits count per endpoint and caller (20 a minute for /account, 6000 elsewhere);
``x-ratelimit-remaining`` is what is left, ``ratelimit-reset`` the seconds until it is full again.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol

from clicksend.concurrency import FIRST, Concurrency
from clicksend.errors import StoppedError

NAP = 0.2
"""Seconds after which a sleeper looks whether it was stopped."""

OVERLOADED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, None)
"""Statuses that ask for fewer requests at once; None stands for an answer that did not come."""

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


@dataclass(slots=True)
class Place:
    """One of the requests that an endpoint may have under way at once.

    Attributes:
        budget: The endpoint's.
        since: When it was got, by the clock.
        free: Set once it was got.
        waited: Whether the rate limit was waited for in it, so that its time says nothing of the server.
    """

    budget: Budget
    since: float = 0.0
    free: threading.Event = field(default_factory=threading.Event)
    waited: bool = False


@dataclass
class Budget:
    """What one endpoint still allows; times are the clock's.

    Attributes:
        concurrency: How many requests may be under way at once.
        places: Requests that have a place among them; some wait for the rate limit.
        queue: Who waits for a place; each learns when it got one.
        under_way: Requests that have started.
        limit: Requests in one of the server's windows, None before it said so.
    """

    concurrency: Concurrency
    places: int = 0
    queue: deque[Place] = field(default_factory=deque)
    under_way: int = 0
    remaining: float = float("inf")
    resets_at: float = 0.0
    paused_until: float = 0.0
    limit: int | None = None

    def wait(self, now: float, share: float) -> float:
        """Return seconds until one more request is allowed, of which the rest is left to others."""
        if now >= self.resets_at:
            self.remaining = float("inf")
        limit = self.limit or 0
        exhausted = self.resets_at if self.remaining - (limit - math.ceil(limit * share)) < 1 else 0.0
        return max(self.paused_until, exhausted) - now

    def admit(self, now: float) -> None:
        """Give free places to those who wait longest."""
        while self.queue and self.places < self.concurrency.level:
            self.places += 1
            place = self.queue.popleft()
            place.since = now
            place.free.set()


class Limiter:
    """Shared by all threads of a client."""

    def __init__(
        self,
        clock: Clock,
        requests_per_minute: int | None = None,
        rate_limit_share: float = 1.0,
        max_concurrency: int = 64,
    ) -> None:
        """Begin, knowing nothing of the server.

        Args:
            clock: What waits and limits are counted by.
            requests_per_minute: Ceiling on all requests together.
            rate_limit_share: Share (0 to 1) of each limit that is used; it is rounded up to whole requests.
            max_concurrency: Requests under way at once, of one endpoint.
        """
        self._clock = clock
        self._interval = 60 / requests_per_minute if requests_per_minute else 0.0
        self._share = rate_limit_share
        self._ceiling = max_concurrency
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

    @property
    def level(self) -> int:
        """Requests that the busiest endpoint may have under way at once."""
        with self._lock:
            levels = [budget.concurrency.level for budget in self._budgets.values()]
        return max(levels, default=min(FIRST, self._ceiling))

    def acquire(self, endpoint: str) -> Place:
        """Wait until a request to an endpoint may start. Each needs its ``release`` or ``give_back``.

        Raises:
            StoppedError: It is not worth it any more; then nothing is to be released.
        """
        with self._lock:
            budget = self._budget(endpoint)
            place = Place(budget)
            budget.queue.append(place)
            budget.admit(self._clock.monotonic())
            budget.concurrency.wanted |= bool(budget.queue)
        place.free.wait()
        try:
            while (wait := self._try(budget)) > 0:
                place.waited = True
                self._clock.sleep(wait)
        except BaseException:
            with self._lock:
                self._leave(budget)
            raise
        return place

    def _try(self, budget: Budget) -> float:
        with self._lock:
            now = self._clock.monotonic()
            wait = max(budget.wait(now, self._share), self._next_start - now)
            if wait <= 0:
                budget.remaining -= 1
                budget.under_way += 1
                self.requests += 1
                self._next_start = now + self._interval
            return wait

    def give_back(self, place: Place) -> None:
        """End a request that was not made after all: it took nothing, and teaches nothing."""
        with self._lock:
            place.budget.remaining += 1
            place.budget.under_way -= 1
            self.requests -= 1
            self._leave(place.budget)

    def release(self, place: Place, status: int | None, headers: Mapping[str, str]) -> None:
        """End a request and learn from its answer.

        Args:
            place: What ``acquire`` returned.
            status: Of the answer, None without one.
            headers: Of the answer.
        """
        with self._lock:
            budget, now = place.budget, self._clock.monotonic()
            if status in OVERLOADED:
                budget.concurrency.refused(place.since, now)
            elif not place.waited:
                budget.concurrency.answered(place.since, now)
            budget.under_way -= 1
            self._leave(budget)
            remaining, reset = (
                _seconds(headers.get(name)) for name in ("x-ratelimit-remaining", "ratelimit-reset")
            )
            if (limit := _seconds(headers.get("x-ratelimit-limit"))) is not None:
                budget.limit = int(limit)
            if remaining is not None and reset is not None:
                # The server may not have counted yet what is still under way.
                budget.remaining = remaining - budget.under_way
                budget.resets_at = now + reset

    def pause(self, endpoint: str, seconds: float) -> None:
        """Let nobody start a request to an endpoint for a while, after a 429."""
        with self._lock:
            budget = self._budget(endpoint)
            budget.paused_until = max(budget.paused_until, self._clock.monotonic() + seconds)

    def _leave(self, budget: Budget) -> None:
        budget.places -= 1
        budget.admit(self._clock.monotonic())

    def _budget(self, endpoint: str) -> Budget:
        name = IDS.sub("/{id}", endpoint)
        if name not in self._budgets:
            self._budgets[name] = Budget(Concurrency(self._ceiling))
        return self._budgets[name]


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
