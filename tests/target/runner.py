"""Runs the target: in this process, or as the command that users run, but for the end of its process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from subprocess import CompletedProcess
from typing import Any

from clicksend.client import Client
from clicksend.settings import Settings
from target_clicksend.target import TargetClickSend
from tests.command import run_command
from tests.conftest import FakeClock
from tests.tap.runner import CREDENTIALS

Message = dict[str, Any]


@dataclass
class Ran:
    """What a run of the target came to.

    Attributes:
        code: The exit code.
        states: What it wrote on stdout, decoded.
        report: Its report, as the file of ``report_path`` holds it.
        error: What ended it, None when it went through.
        requests: What the sandbox was asked.
    """

    code: int = 0
    stdout: str = ""
    states: list[Any] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)

    def rows(self, sink: str = "contacts") -> dict[str, int]:
        """Return the rows of a sink by outcome."""
        return self.report["rows"].get(sink, {})

    def plan(self, sink: str = "contacts") -> dict[str, int]:
        """Return what a dry run would have done."""
        return self.report["plan"].get(sink, {})

    def reasons(self, sink: str = "contacts") -> list[str]:
        """Return why rows of a sink were not written."""
        return [one["reason"] for one in self.report["reasons"] if one["sink"] == sink]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Return method and path of each write."""
        return [(one["method"], one["path"]) for one in self.requests if one["method"] != "GET"]

    @property
    def notes(self) -> str:
        return "\n".join(self.report["notes"])


def schema(stream: str, columns: Iterable[str], keys: Iterable[str] = ("id",)) -> Message:
    """Return a SCHEMA message that says nothing about types."""
    properties: dict[str, Any] = {name: {} for name in columns}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": [*keys],
    }


def record(stream: str, row: Any) -> Message:
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": row}


def state(value: Any) -> Message:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}


def stream_of(stream: str, rows: Iterable[Any], keys: Iterable[str] = ("id",)) -> list[Message]:
    """Return the messages of a stream: the schema, then the rows, each with an ``id`` unless it has one."""
    rows = [{"id": number, **row} if isinstance(row, dict) else row for number, row in enumerate(rows, 1)]
    columns = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
    return [schema(stream, {"id": None} | columns, keys), *(record(stream, row) for row in rows)]


def run_target(
    api_url: str,
    messages: Iterable[Any],
    *,
    clock: Any = None,
    client: bool = True,
    now: Callable[[], datetime] | None = None,
    **config: Any,
) -> Ran:
    """Run the target in this process; waits of its client take no time.

    Args:
        api_url: The sandbox's.
        messages: Messages, or lines as they are.
        clock: What the client waits with; ``clock.slept`` holds its waits.
        client: Whether the target gets a client with that clock; else it makes its own.
        now: Tells the time that rows are judged by.
        config: Settings; ``ledger_url`` must be among them.
    """
    given = {"api_url": api_url, **CREDENTIALS, **config}
    target = TargetClickSend(config={name: value for name, value in given.items() if value is not None})
    target.run.now = now or target.run.now
    if client:
        settings = Settings.from_config(target.config, env={})
        target.run.client = Client(settings, clock or FakeClock())
    ran, stdout = Ran(), io.StringIO()
    lines = b"".join(line_of(message) for message in messages)
    try:
        with redirect_stdout(stdout):
            target.listen(io.BytesIO(lines))
    except SystemExit as stop:
        ran.code = int(stop.code or 0)
    except Exception as error:  # noqa: BLE001, tests look at it
        ran.code, ran.error = 1, error
    ran.stdout = stdout.getvalue()
    ran.states = [json.loads(line) for line in ran.stdout.splitlines()]
    ran.report = target.run.report.content(target.run.traffic)
    return ran


def line_of(message: Any) -> bytes:
    """Return a message as a line; bytes and text are lines already."""
    if isinstance(message, bytes):
        return message + b"\n"
    text = message if isinstance(message, str) else json.dumps(message)
    return text.encode(errors="surrogatepass") + b"\n"


def target_command(
    tmp_path: Any, messages: Iterable[Any], config: dict[str, Any], *options: str, **env: str
) -> CompletedProcess[bytes]:
    """Run ``target-clicksend`` with a config file."""
    path = tmp_path / "target.json"
    path.write_text(json.dumps(config))
    lines = b"".join(map(line_of, messages))
    arguments = ("--config", str(path), *options)
    return run_command("target-clicksend", *arguments, stdin=lines, folder=tmp_path, env=env)
