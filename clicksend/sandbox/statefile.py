"""The file in which the command keeps its world and clock from one run to the next."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from clicksend.sandbox.simulation import Simulation, Types
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

    def simulation(self) -> Simulation:
        """Build the world and turn its clock."""
        return Simulation(Plan(self.seed, self.epoch, self.messages, self.contacts), self.types, self.now)


def load(path: Path) -> State | None:
    """Read the file, if there is one.

    Raises:
        ValueError: it is not one of ours.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as wrong:
        raise ValueError(f"{path} is not a state file of the sandbox: {wrong}") from wrong


def save(path: Path, state: State) -> None:
    """Write the file in one step: a reader, or a run after a crash, sees the old state or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_bytes(msgspec.json.encode(state) + b"\n")
    draft.replace(path)
