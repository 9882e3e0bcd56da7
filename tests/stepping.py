"""One run of the target within this process that can be killed or stopped at any step."""

from __future__ import annotations

import io
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conftest import FakeClock
from target_runner import line_of, record, schema, state

from clicksend.client import Client
from clicksend.ledger import Ledger, claiming
from clicksend.settings import Settings
from clicksend.transport import Transport
from target_clicksend.target import TargetClickSend


class Killed(BaseException):
    """What stands for SIGKILL: nothing of ours catches it, and open transactions are rolled back."""


current = threading.local()
"""The hook of the run in this thread: it is told of each step."""


def _step(name: str) -> None:
    if hook := getattr(current, "hook", None):
        hook(name)


def _around(kind: Any, name: str, patch: Callable[..., None]) -> None:
    original = getattr(kind, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        _step(f"before {name}")
        result = original(*arguments, **options)
        _step(f"after {name}")
        return result

    patch(kind, name, wrapped)


def watch(patch: Callable[..., None]) -> None:
    """Tell the hooks of every step: those within a transaction too, before it is committed."""
    for kind, names in (
        (Ledger, ("claim", "settle", "record", "known", "confirm")),
        (claiming, ("claim", "settle")),
        (Transport, ("exchange",)),
    ):
        for name in names:
            _around(kind, name, patch)


@dataclass
class Worker:
    """One run, in a thread of its own where there are several."""

    rows: list[dict[str, Any]]
    sink: str
    config: dict[str, Any]
    end: tuple[int, str] | None
    """Step at which it is killed or stopped, and which of both."""
    now: Callable[[], datetime]
    states: list[int] = field(default_factory=list)
    code: int | None = None
    """None when it was killed."""
    error: Exception | None = None

    def run(self) -> None:
        self.target = target = TargetClickSend(config=self.config)
        target.run.now = self.now
        target.run._states._write = lambda text: self.states.append(json.loads(text)["row"])
        target.run.client = Client(Settings.from_config(target.config, env={}), FakeClock())
        lines = [schema(self.sink, ["id", *self.rows[0]])]
        for number, row in enumerate(self.rows, 1):
            lines += [record(self.sink, {"id": number, **row}), state({"row": number})]
        steps = iter(range(10**6))
        try:
            current.hook = lambda _: self._meet(next(steps))
            target.listen(io.BytesIO(b"".join(map(line_of, lines))))
            self.code = 0
        except SystemExit as stop:
            self.code = int(stop.code or 0)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001, told apart by the walk
            self.code, self.error = 1, error
        finally:
            current.hook = None
            target.run.client.close()
            if "ledger" in target.run.__dict__:
                target.run.ledger.close()

    def _meet(self, step: int) -> None:
        if self.end and step == self.end[0]:
            if self.end[1] == "kill":
                raise Killed
            self.target.run.stop(signal.SIGTERM if step % 2 else signal.SIGINT)
