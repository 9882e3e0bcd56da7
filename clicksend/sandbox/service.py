"""Everything a running stand-in holds: the simulation, limits, faults, and the requests it has seen."""

from collections.abc import Callable

from msgspec import Struct

from clicksend.sandbox.faults import Faults
from clicksend.sandbox.hub import Prelude
from clicksend.sandbox.limits import Limiter
from clicksend.sandbox.simulation import Simulation


class Seen(Struct):
    """A request, its path without the base; `status` is None when it was reset before being processed."""

    method: str
    path: str
    query: dict[str, str]
    auth: str
    status: int | None = None


class Service:
    """The parts that `POST /_sandbox/reset` renews together.

    `turned` is called after every change of the clock; the command saves its state file there.
    """

    def __init__(self, sim: Simulation, turned: Callable[[Simulation], None] = lambda _: None) -> None:
        self.sim = sim
        self._turned = turned
        self._renew()

    def _renew(self) -> None:
        self.prelude = Prelude(self.sim)
        self.limiter = Limiter()
        self.faults = Faults()
        self.seen: list[Seen] = []

    def reset(self) -> None:
        """Go back to the epoch; forget faults, limits, switches, requests and notifications."""
        self.sim.reset()
        self._renew()
        self._turned(self.sim)

    def drift(self) -> None:
        """Let the world move on by itself, where it is switched to."""
        if self.sim.switches.drift:
            self.turn(self.sim.now + self.sim.switches.drift)

    def turn(self, now: int) -> None:
        """Turn the clock forward; rate limit windows run on with it."""
        before = self.sim.now
        self.sim.turn(now)
        self.limiter.turn(now - before)
        self._turned(self.sim)
