"""Runs a reader against a page server of its own and measures it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
"""Where ``python -m tests.bench.<module>`` finds this package."""

KIBIBYTES = 1 / 1024 if sys.platform == "darwin" else 1
PREFIXES = ("CLICKSEND_", "SKILLBOSS_", "TAP_CLICKSEND_", "MELTANO_")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}


class BenchError(Exception):
    """A run failed, or did not write what it should."""


@dataclass(frozen=True)
class Case:
    """One way to read the history.

    Attributes:
        command: Returns the command for the API's URL and an empty folder, which it may write to.
        rows: Counts the rows in what it wrote: its standard output, and the folder.
    """

    name: str
    command: Callable[[str, Path], list[str]]
    rows: Callable[[Path, Path], int]


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes:
        seconds: From its first request to its end.
        start_up: Seconds before the first request.
        megabytes: Peak of its resident memory.
        busy: Share of the time that the page server was working.
        refused: Requests that were answered with 429.
        written: Rows that were found in its output; None where they were not counted.
    """

    rows: int
    seconds: float
    start_up: float
    megabytes: float
    requests: int
    busy: float
    refused: int
    written: int | None

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


@dataclass
class PageServer:
    """A running page server; ``served`` is there once it has ended."""

    api_url: str
    served: dict[str, Any] = field(default_factory=dict)


@contextmanager
def page_server(rows: int, latency: float, limit: int = 0) -> Iterator[PageServer]:
    """Run a page server: rows, milliseconds before each answer, requests a minute (0: no limit)."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.page_server",
        "--rows",
        str(rows),
        "--latency",
        str(latency),
        "--limit",
        str(limit),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        server = PageServer(f"http://127.0.0.1:{process.stdout.readline().strip()}/v3")
        try:
            yield server
        finally:
            report, _ = process.communicate()
        server.served = json.loads(report)


def run(case: Case, rows: int, *, latency: float = 0, limit: int = 0, count: bool = False) -> Run:
    """Read so many rows once.

    Args:
        case: What reads.
        rows: Length of the history.
        latency: Milliseconds before each answer.
        limit: Requests a minute, which the answers' headers name; 0 for no limit.
        count: Whether to keep the output and count the rows in it.

    Raises:
        BenchError: It failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (work := folder / "work").mkdir()
        output = folder / "output" if count else Path(os.devnull)
        with page_server(rows, latency, limit) as server:
            began = time.time()
            megabytes = _child(case.command(server.api_url, work), output, folder / "log")
            ended = time.time()
        served = server.served
        seconds = ended - served["first"]
        return Run(
            rows=rows,
            seconds=seconds,
            start_up=served["first"] - began,
            megabytes=megabytes,
            requests=served["requests"],
            busy=served["busy"] / seconds,
            refused=served["refused"],
            written=case.rows(output, work) if count else None,
        )


def seconds_of(command: list[str]) -> float:
    """Return how long a command runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        began = time.time()
        _child(command, Path(os.devnull), Path(name) / "log")
        return time.time() - began


def _child(command: list[str], output: Path, log: Path) -> float:
    """Run a command to its end and return its peak memory in MB.

    What it writes comes through a pipe, as it does to Meltano: the null device would take lines for nothing,
    and a tap that writes files would be measured against one that need not write.

    The memory is at least this process' own (the kernel carries the mark over): nothing large is imported.
    """
    with output.open("wb", buffering=0) as kept, log.open("wb") as errors:
        process = subprocess.Popen(
            command, bufsize=0, cwd=log.parent, stdout=subprocess.PIPE, stderr=errors, env=ENVIRONMENT
        )
        with process.stdout:
            shutil.copyfileobj(process.stdout, kept)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{command} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return usage.ru_maxrss * KIBIBYTES / 1024
