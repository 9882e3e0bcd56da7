"""Rate limits per endpoint, with the headers that ClickSend sends.

Recorded: 20 calls a minute for ``GET /account``, 1000 for ``POST /sms/send``; 6000 elsewhere is the only
other number seen. Calls without or with wrong credentials draw from the same allowance.
"""

from __future__ import annotations

from time import monotonic

from msgspec import Struct

EVERY_OTHER = "*"
ALLOWANCES: dict[str, tuple[int, int]] = {
    "GET /account": (20, 60),
    "POST /sms/send": (1000, 60),
    EVERY_OTHER: (6000, 60),
}
"""Calls and seconds, by method and path pattern."""


class Allowance(Struct):
    """``remaining`` of ``limit`` calls are left for ``reset`` seconds; ``granted`` if this one may pass."""

    limit: int
    remaining: int
    reset: int
    granted: bool

    def headers(self) -> dict[str, str]:
        """Spell it as headers; ``ratelimit-reset`` is in seconds, not an epoch."""
        spelled = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }
        return spelled if self.granted else spelled | {"Retry-After": str(self.reset)}


class Limiter:
    """Fixed windows on real time, plus whatever time the world's clock was turned."""

    def __init__(self) -> None:
        self._allowances = dict(ALLOWANCES)
        self._windows: dict[str, tuple[float, int]] = {}
        self._turned = 0

    def turn(self, seconds: int) -> None:
        """Let time pass."""
        self._turned += seconds

    def allow(self, endpoint: str, calls: int, seconds: int) -> None:
        """Set the allowance of an endpoint ("GET /account"; "*": every other); all windows restart."""
        self._allowances[endpoint] = (calls, seconds)
        self._windows.clear()

    def take(self, endpoint: str) -> Allowance:
        """Count a call."""
        limit, seconds = self._allowances.get(endpoint) or self._allowances[EVERY_OTHER]
        now = monotonic() + self._turned
        begun, used = self._windows.get(endpoint, (now, 0))
        if now >= begun + seconds:
            begun, used = now, 0
        reset = max(1, -int(-(begun + seconds - now) // 1))
        granted = used < limit
        self._windows[endpoint] = (begun, used + granted)
        return Allowance(limit, limit - used - granted, reset, granted)
