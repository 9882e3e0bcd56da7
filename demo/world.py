"""The demo's ClickSend: the sandbox as a process of its own, whose world and clock persist in a file."""

from __future__ import annotations

import re
import select
import socket
import subprocess
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from clicksend.sandbox import API_KEY, USERNAME
from demo.processes import DemoError, python, start, stop, tail

USUAL_PORT = 8640
PATIENCE = 30.0


class World:
    """A running sandbox: ``with World(state_file, messages, contacts) as world: ...``."""

    def __init__(self, state: Path, messages: int, contacts: int) -> None:
        """Remember where the world is kept, and how large a new one is to be."""
        self.existed = state.exists()
        self.url = ""
        self._state = state
        self._log = state.with_suffix(".log")
        self._size = (f"--messages={messages}", f"--contacts={contacts}")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait for the line that says where it listens."""
        port = USUAL_PORT if _is_free(USUAL_PORT) else 0
        command = [*python("clicksend.cli:main"), "sandbox", "--clock=still"]
        command += [f"--port={port}", f"--state={self._state}"]
        with self._log.open("wb") as log:
            self._process = start([*command, *self._size], log, stdout=subprocess.PIPE)
        try:
            self.url = _address(self._process)
        finally:
            if not self.url:
                stop(self._process)
        if not self.url:
            raise DemoError(f"The sandbox did not start:\n{tail(self._log)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; the world stays in its file."""
        if self._process:
            stop(self._process)

    def advance(self, seconds: int) -> None:
        """Turn its clock: what was going to happen in that time has happened."""
        self._call("POST", "clock", {"advance": seconds})

    def stop_by(self, list_id: int, number: str) -> None:
        """Let somebody of a list reply STOP."""
        self._call("POST", "reply", {"from": number, "body": "STOP", "list_id": list_id})

    def opt_out(self, number: str) -> None:
        """Let somebody who is in no list reply STOP."""
        self._call("POST", "reply", {"from": number, "body": "STOP"})

    def balance(self) -> Decimal:
        """Return the account's credit, in its currency."""
        with requests.Session() as session:
            session.trust_env = False
            session.auth = (USERNAME, API_KEY)
            answer = session.get(f"{self.url}/v3/account", timeout=PATIENCE)
            answer.raise_for_status()
            return Decimal(answer.json()["data"]["balance"])

    def arrivals(self) -> list[dict[str, Any]]:
        """Return every message that it ever took from a call."""
        return list(self._call("GET", "arrivals"))

    def state(self) -> dict[str, Any]:
        """Return its clock (now) and how many distinct rows the API holds, by stream (rows)."""
        return dict(self._call("GET", "state"))

    def _call(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business here
            answer = session.request(method, f"{self.url}/_sandbox/{name}", json=body, timeout=PATIENCE)
            answer.raise_for_status()
            return answer.json()


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _address(process: subprocess.Popen[bytes]) -> str:
    """Read from the sandbox's first line where it listens; empty when there is none."""
    if not process.stdout or not select.select([process.stdout], [], [], PATIENCE)[0]:
        return ""
    found = re.search(rb"hub (http://\S+)", process.stdout.readline())
    return found[1].decode() if found else ""
