"""What was written through the API: taken down write by write, and done again when the command restarts.

The made-up world is a function of its plan and the clock; with the writes at their times it is the same
again.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from clicksend.sandbox.answers import Call, Refusal
from clicksend.sandbox.endpoints import ROUTES, Endpoint, orders, replies
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.switches import Switches

ORDERS: dict[str, tuple[tuple[str, str], Endpoint]] = {
    "reply": (("POST", "/_sandbox/reply"), replies.reply),
    "statuses": (("POST", "/_sandbox/statuses"), orders.statuses),
    "clear_statuses": (("DELETE", "/_sandbox/statuses"), orders.clear_statuses),
    "balance": (("POST", "/_sandbox/balance"), orders.balance),
}
"""What tests order and what changes the world as a write does, so that it is taken down with them."""
WRITES: dict[tuple[str, str], Endpoint] = {
    **{
        (method, route): endpoint
        for method, route, endpoint in ROUTES
        if method != "GET" and not route.endswith("/price")
    },
    **dict(ORDERS.values()),
}
"""Everything that is taken down."""


class Write(Struct, forbid_unknown_fields=True):
    """One write that was accepted.

    Attributes:
        at: when, Unix seconds of the world's clock.
        method: of the request.
        route: the path below the base, with its placeholders.
        path: values of the placeholders.
        query: the query string.
        body: the decoded body.
        switches: those that were not at their defaults.
        user: who wrote.
    """

    at: int
    method: str
    route: str
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    switches: dict[str, Any]
    user: str = ""

    @classmethod
    def of(cls, sim: Simulation, method: str, route: str, call: Call) -> "Write":
        """Take a write down."""
        defaults = msgspec.structs.asdict(Switches())
        switched = {
            name: value
            for name, value in msgspec.structs.asdict(sim.switches).items()
            if value != defaults[name]
        }
        return cls(sim.now, method, route, call.path, call.query, call.body, switched, call.user)


def replay(sim: Simulation, writes: Iterable[Write]) -> None:
    """Do all writes again, each at its time; the clock stays at the last one.

    Raises:
        ValueError: they do not belong to this world, or to this version of it.
    """
    try:
        for write in writes:
            sim.turn(write.at)
            sim.switches = msgspec.convert(write.switches, Switches)
            call = Call(write.path, write.query, write.body, write.user)
            WRITES[write.method, write.route](sim, call)
    except (Refusal, LookupError, msgspec.ValidationError) as wrong:
        raise ValueError(f"a write cannot be done again: {wrong}") from wrong
    finally:
        sim.switches = sim.dialect
