"""What the command keeps from one run to the next: the writes that came through the API, and their files.

The made-up world is a function of its plan and the clock; with the writes at their times it is the same
again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from clicksend.private_files import opened
from clicksend.sandbox.api import orders
from clicksend.sandbox.api.answers import Call, Refusal
from clicksend.sandbox.api.routes import ROUTES, Endpoint
from clicksend.sandbox.simulation import Simulation, Types
from clicksend.sandbox.switches import Switches
from clicksend.sandbox.world.stream import Plan

ORDERS: dict[str, tuple[tuple[str, str], Endpoint]] = {
    "reply": (("POST", "/_sandbox/reply"), orders.reply),
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
        at: When, Unix seconds of the world's clock.
        method: Of the request.
        route: The path below the base, with its placeholders.
        path: Values of the placeholders.
        query: The query string.
        body: The decoded body.
        switches: Those that were not at their defaults.
        user: Who wrote.
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
    def of(cls, sim: Simulation, method: str, route: str, call: Call) -> Write:
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
        ValueError: They do not belong to this world, or to this version of it.
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


class State(Struct, forbid_unknown_fields=True):
    """What makes the same world again at the same time; times are Unix seconds."""

    seed: int
    epoch: int
    messages: int
    contacts: int
    types: Types
    now: int

    @classmethod
    def of(cls, sim: Simulation) -> State:
        """Take down the state of a simulation."""
        plan = sim.plan
        return cls(plan.seed, plan.epoch, plan.messages, plan.contacts, sim.types, sim.now)

    def simulation(self, dialect: Switches, writes: list[Write] | None = None) -> Simulation:
        """Build the world, do the writes again under the switches of their time, and turn its clock.

        Raises:
            ValueError: The writes belong to another world.
        """
        sim = Simulation(Plan(self.seed, self.epoch, self.messages, self.contacts), self.types, dialect)
        replay(sim, writes or [])
        sim.turn(max(self.now, sim.now))
        return sim


class StateFile:
    """The state in one JSON file, the writes in another beside it, one to a line.

    A line is appended per write, so that thousands of them stay cheap.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path.with_name(f"{path.name}.writes")

    def load(self) -> State | None:
        """Read the state, if there is one.

        Raises:
            ValueError: The file is not one of ours.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as wrong:
            raise ValueError(f"{self.path} is not a state file of the sandbox: {wrong}") from wrong

    def writes(self) -> list[Write]:
        """Read the writes; the end of a line that a crash cut off is dropped.

        Raises:
            ValueError: The file is not one of ours.
        """
        try:
            data = self.journal.read_bytes()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            os.truncate(self.journal, len(whole))
        try:
            return [msgspec.json.decode(line, type=Write) for line in whole.splitlines()]
        except msgspec.MsgspecError as wrong:
            raise ValueError(f"{self.journal} does not hold writes to the sandbox: {wrong}") from wrong

    def save(self, sim: Simulation) -> None:
        """Write the state in one step: a reader, or a run after a crash, sees the old one or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        with opened(draft, "wb") as file:
            file.write(msgspec.json.encode(State.of(sim)) + b"\n")
        draft.replace(self.path)

    def append(self, write: Write) -> None:
        """Add a write."""
        with opened(self.journal, "ab") as lines:
            lines.write(msgspec.json.encode(write) + b"\n")

    def restart(self, sim: Simulation) -> None:
        """Forget all writes and save the state."""
        self.journal.unlink(missing_ok=True)
        self.save(sim)
