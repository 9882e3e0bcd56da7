"""One run of the target within this process that can be killed or stopped at any step."""

from __future__ import annotations

import io
import json
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clicksend.client import Client
from clicksend.ledger import claims, schedules
from clicksend.ledger.memory import Memory
from clicksend.ledger.outcomes import Outcomes
from clicksend.ledger.reconciliation import Reconciliation
from clicksend.settings import Settings
from clicksend.transport import Transport
from target_clicksend.target import TargetClickSend
from tests.conftest import FakeClock
from tests.target.runner import line_of, record, schema, state

Sinks = list[tuple[str, dict[str, Any]]]
"""Rows of several sinks, in the order of the input."""


class Killed(BaseException):
    """What stands for SIGKILL: nothing of ours catches it, and open transactions are rolled back."""


current = threading.local()
"""The hook of the run in this thread: it is told of each step. Its worker sees the requests."""


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


def _seen(patch: Callable[..., None]) -> None:
    """Show each request to the worker of its thread, once nothing can keep it from being made."""
    original = Transport.exchange

    def seen(self: Any, request: Any, endpoint: str) -> Any:
        worker = getattr(current, "worker", None)
        if worker is None:
            return original(self, request, endpoint)
        worker.request(request)
        try:
            return original(self, request, endpoint)
        finally:
            worker.answered(request)

    patch(Transport, "exchange", seen)


def watch(patch: Callable[..., None]) -> None:
    """Tell the hooks of every step: those within a transaction too, before it is committed."""
    _seen(patch)
    for kind, names in (
        (claims.Claims, ("claim_within", "settle", "cancel_unsent")),
        (schedules.Schedules, ("cancel", "cancel_messages")),
        (Outcomes, ("record", "known")),
        (Reconciliation, ("confirm",)),
        (Memory, ("add_stops", "set_cursor")),
        (claims, ("leave_final", "write_meta", "execute_each", "count")),
        (schedules, ("count",)),
        (Transport, ("exchange",)),
    ):
        for name in names:
            _around(kind, name, patch)


@dataclass
class Request:
    """One request that sends.

    Attributes:
        began: When.
        read: How many rows of the input had arrived.
        senders: ``from`` of its messages.
    """

    began: datetime
    read: int
    senders: frozenset[str]


@dataclass
class Worker:
    """One run, in a thread of its own where there are several."""

    rows: Sinks
    config: dict[str, Any]
    end: tuple[int, str] | None
    """Step at which it is killed or stopped, and which of both."""
    now: Callable[[], datetime]
    clock: Any = field(default_factory=FakeClock)
    """What its client waits with."""
    answered: Callable[[Any], None] = lambda _: None
    """Called after each request."""
    states: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    came: dict[int, datetime] = field(default_factory=dict)
    """When each row arrived, by its number."""
    outcomes: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What came of each row, by its number."""
    code: int | None = None
    """None when it was killed."""
    error: Exception | None = None

    @property
    def sinks(self) -> set[str]:
        return {sink for sink, _ in self.rows}

    def run(self) -> None:
        self.target = target = TargetClickSend(config=self.config)
        target.run.now = self.now
        target.run._states._write = lambda text: self.states.append(json.loads(text)["row"])
        target.run.client = Client(Settings.from_config(target.config, env={}), self.clock)
        self._listen()
        steps = iter(range(10**6))
        try:
            current.hook, current.worker = lambda _: self._meet(next(steps)), self
            target.listen(io.BytesIO(b"".join(map(line_of, self._lines()))))
            self.code = 0
        except SystemExit as stop:
            self.code = int(stop.code or 0)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001, told apart by the walk
            self.code, self.error = 1, error
        finally:
            current.hook = current.worker = None
            target.run.close()

    def request(self, request: Any) -> None:
        """Note a request that is about to be made."""
        if request.method == "POST" and request.url.endswith("/send"):
            senders = frozenset(str(one["from"]) for one in json.loads(request.body)["messages"])
            self.requests.append(Request(self.now(), len(self.came), senders))

    def _lines(self) -> list[Any]:
        columns: dict[str, dict[str, None]] = {}
        for sink, row in self.rows:
            columns.setdefault(sink, {"id": None}).update(dict.fromkeys(row))
        lines = [schema(sink, names) for sink, names in columns.items()]
        for number, (sink, row) in enumerate(self.rows, 1):
            lines += [record(sink, {"id": number, **row}), state({"row": number})]
        return lines

    def _listen(self) -> None:
        """Note when rows arrive, and what comes of them."""
        run = self.target.run
        count, finish = run.open_row, run._finish

        def counting() -> int:
            number = count()
            self.came[number] = self.now()
            return number

        def finishing(row: Any, outcome: str) -> None:
            self.outcomes[row.number].append(outcome)
            finish(row, outcome)

        run.open_row, run._finish = counting, finishing

    def _meet(self, step: int) -> None:
        if self.end and step == self.end[0]:
            if self.end[1] == "kill":
                raise Killed
            self.target.run.stop(signal.SIGTERM if step % 2 else signal.SIGINT)
