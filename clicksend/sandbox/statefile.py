"""The files in which the command keeps world, clock and writes from one run to the next."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from clicksend.private_files import opened
from clicksend.sandbox import journal
from clicksend.sandbox.journal import Write
from clicksend.sandbox.simulation import Simulation, Types
from clicksend.sandbox.switches import Switches
from clicksend.sandbox.world import Plan


class State(Struct, forbid_unknown_fields=True):
    """What makes the same world again at the same time; times are Unix seconds."""

    seed: int
    epoch: int
    messages: int
    contacts: int
    types: Types
    now: int

    @classmethod
    def of(cls, sim: Simulation) -> "State":
        """Take down the state of a simulation."""
        plan = sim.plan
        return cls(plan.seed, plan.epoch, plan.messages, plan.contacts, sim.types, sim.now)

    def simulation(self, dialect: Switches, writes: list[Write] | None = None) -> Simulation:
        """Build the world, do the writes again under the switches of their time, and turn its clock.

        Raises:
            ValueError: the writes belong to another world.
        """
        sim = Simulation(Plan(self.seed, self.epoch, self.messages, self.contacts), self.types, dialect)
        journal.replay(sim, writes or [])
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
            ValueError: the file is not one of ours.
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
            ValueError: the file is not one of ours.
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
