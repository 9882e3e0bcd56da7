"""Everything a running stand-in holds: the simulation, limits, faults, and the requests it has seen."""

from __future__ import annotations

from clicksend.sandbox.api.answers import Answer, Call
from clicksend.sandbox.api.routes import Endpoint
from clicksend.sandbox.prelude import Prelude
from clicksend.sandbox.server.faults import Faults
from clicksend.sandbox.server.limits import Limiter
from clicksend.sandbox.server.requests import SeenRequests
from clicksend.sandbox.server.state import WRITES, StateFile, Write
from clicksend.sandbox.simulation import Simulation


class Service:
    """The parts that ``POST /_sandbox/reset`` renews together.

    With a ``file``, every turn of the clock and every write is kept there.
    """

    def __init__(self, sim: Simulation, file: StateFile | None = None) -> None:
        self.sim = sim
        self._file = file
        self._renew()

    def _renew(self) -> None:
        self.prelude = Prelude(self.sim)
        self.limiter = Limiter()
        self.faults = Faults()
        self.seen = SeenRequests()

    def reset(self) -> None:
        """Go back to the epoch; forget writes, faults, limits, switches, requests and notifications."""
        self.sim.reset()
        self._renew()
        if self._file:
            self._file.restart(self.sim)

    def call(self, method: str, route: str, endpoint: Endpoint, call: Call) -> Answer:
        """Let an endpoint answer; a write that it accepts is kept."""
        answer = endpoint(self.sim, call)
        if self._file and (method, route) in WRITES:
            self._file.append(Write.of(self.sim, method, route, call))
        return answer

    def drift(self) -> None:
        """Let the world move on by itself, where it is switched to."""
        if self.sim.switches.drift:
            self.turn(self.sim.now + self.sim.switches.drift)

    def turn(self, now: int) -> None:
        """Turn the clock forward; rate limit windows run on with it."""
        before = self.sim.now
        self.sim.turn(now)
        self.limiter.turn(now - before)
        if self._file:
            self._file.save(self.sim)
