"""Everything a running stand-in holds: the simulation, limits, faults, and the requests it has seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from clicksend.sandbox.api.answers import Answer, Call
from clicksend.sandbox.api.routes import Endpoint
from clicksend.sandbox.prelude import Prelude
from clicksend.sandbox.server.faults import Faults
from clicksend.sandbox.server.limits import Limiter
from clicksend.sandbox.server.requests import SeenRequests
from clicksend.sandbox.server.state import WRITES, StateFile, Write
from clicksend.sandbox.server.threads import Threads
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.rows import SUCCESS, Message

Listener = Callable[[list[tuple[Message, str]]], None]
"""Is told the messages that a call brought, each with its status."""


class Service:
    """The parts that ``POST /_sandbox/reset`` renews together.

    With a ``file``, every turn of the clock and every write is kept there.

    Attributes:
        sim: The world.
        is_live: The world's clock runs with the wall clock.
    """

    def __init__(
        self,
        sim: Simulation,
        file: StateFile | None = None,
        wall_clock: Callable[[], float] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Take the parts together.

        Args:
            sim: The world.
            file: Where it is kept.
            wall_clock: Seconds, by which the world's clock runs on; None lets it stand still.
            listener: Is told of messages.
        """
        self.sim = sim
        self.is_live = wall_clock is not None
        self._file = file
        self._wall_clock = wall_clock or (lambda: 0.0)
        self._listener = listener
        self._writes = self._resets = 0
        self._change = asyncio.Event()
        self._renew()

    def _renew(self) -> None:
        self.prelude = Prelude(self.sim)
        self.limiter = Limiter()
        self.faults = Faults()
        self.seen = SeenRequests()
        self.threads = Threads(self.sim, self.prelude)
        self._ahead = self.sim.now - self._wall_clock()

    @property
    def revision(self) -> str:
        """A text that is another one whenever conversations may look otherwise than before."""
        return f"{self._resets}.{self._writes}.{self.sim.happened}"

    def reset(self) -> None:
        """Go back to the epoch; forget writes, faults, limits, switches, requests and notifications."""
        self.sim.reset()
        self._renew()
        self._resets += 1
        self._changed()
        if self._file:
            self._file.restart(self.sim)

    def call(self, method: str, route: str, endpoint: Endpoint, call: Call) -> Answer:
        """Let an endpoint answer; a write that it accepts is kept."""
        if (method, route) not in WRITES:
            return endpoint(self.sim, call)
        store = self.sim.store
        before = len(store.arrived), len(store.refused), len(store.replies)
        answer = endpoint(self.sim, call)
        if self._file:
            self._file.append(Write.of(self.sim, method, route, call))
        if self._listener:
            self._tell(self._listener, *before)
        self._changed()
        return answer

    def run(self, body: Any) -> Any:
        """Let the hub answer its own call.

        Raises:
            HubRefusal: See ``Prelude.run``.
        """
        result = self.prelude.run(body)
        self._changed()
        return result

    def _tell(self, listener: Listener, arrived: int, refused: int, replies: int) -> None:
        store = self.sim.store
        told: list[tuple[Message, str]] = [(row, SUCCESS) for row in store.arrived[arrived:]]
        told += [(one.message, one.status) for one in store.refused[refused:]]
        told += [(row, row.delivery.status) for row in store.replies[replies:]]
        if told:
            listener(told)

    def _changed(self) -> None:
        self._writes += 1
        self._change.set()
        self._change = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        """Wait for the next write, at most for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._change.wait(), seconds)

    def drift(self) -> None:
        """Let the world move on by itself, where it is switched to."""
        if self.sim.switches.drift:
            self.turn(self.sim.now + self.sim.switches.drift)

    def run_on(self) -> None:
        """Let the world's clock catch up with the wall clock, where it runs; limits run by themselves."""
        if not self.is_live:
            return
        now = int(self._wall_clock() + self._ahead)
        if now > self.sim.now:
            self._turn(now)

    def turn(self, now: int) -> None:
        """Turn the clock forward; rate limit windows run on with it."""
        before = self.sim.now
        self._turn(now)
        self.limiter.turn(now - before)
        self._ahead = now - self._wall_clock()

    def _turn(self, now: int) -> None:
        self.sim.turn(now)
        if self._file:
            self._file.save(self.sim)
