"""Prints how fast the target is: messages, next to the bare loop over pages of history, and contacts."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from tests.bench.cases import bare
from tests.bench.runs import ENVIRONMENT, KIBIBYTES, ROOT, BenchError, run

CREDENTIALS = {"username": "sandbox", "api_key": "sandbox-key"}
TARGET = [sys.executable, "-m", "target_clicksend", "--config", "config.json"]
SANDBOX = [
    *(sys.executable, "-c", "from clicksend.cli import main; main()", "sandbox"),
    *("--port", "0", "--messages", "10", "--contacts", "20", "--clock", "still"),
]
BATCH = 1000
CHANGED = 100
"""Of so many contacts one is changed."""
NAMES = ("new", "unchanged", "1 % changed")
BARE_ROWS = 100_000
COLUMNS = f"{'':<24}{'rows':>10}{'rows/s':>10}{'ratio':>8}{'CPU s':>8}{'peak MB':>9}{'requests':>10}\n"
_opener = build_opener(ProxyHandler({}))

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Ran:
    """What one run of the target took; ``busy`` are the seconds of its processor."""

    rows: int
    seconds: float
    busy: float
    megabytes: float
    report: dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    try:
        for rows in options.messages:
            _print_messages(rows, options.repeats)
        contacts = _best([_contacts_run(options.contacts) for _ in range(options.repeats)])
        _print(f"\nContacts into a sandbox, the whole command; best of {options.repeats}\n{COLUMNS}")
        for name, ran in zip(NAMES, contacts, strict=True):
            _print(_line(f"contacts, {name}", ran))
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench.target", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--messages", type=int, nargs="+", default=[10_000, 100_000, 300_000])
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args(arguments)


def _best(rounds: list[list[Ran]]) -> list[Ran]:
    return [min(runs, key=lambda one: one.seconds) for runs in zip(*rounds, strict=True)]


def _print_messages(rows: int, repeats: int) -> None:
    """Print how fast messages go, next to the loop that the tap is compared with."""
    loops, rounds = [], []
    for _ in range(repeats):
        loops.append(run(bare(), BARE_ROWS))
        rounds.append(_messages_run(rows))
    loop, (sent, again) = max(loops, key=lambda one: one.rate), _best(rounds)
    _print(
        "\nMessages into a server that answers at once; no caps; opt-outs, parts and a SQLite ledger; from"
        f" first request to end; ratio to the bare loop; best of {repeats} alternating runs\n{COLUMNS}"
        f"{'bare loop of the tap':<24}{loop.rows:>10,}{loop.rate:>10,.0f}{1:>8.3f}\n"
    )
    _print(_line("messages, sent", sent, loop.rate) + _line("messages, sent before", again, loop.rate))


def _messages_run(count: int) -> list[Ran]:
    """Send so many messages, and then the same again."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _write(folder, "sms_messages", lambda: _messages(count))
        return [
            _send(folder, count, arriving, outcome)
            for arriving, outcome in ((count, "sent"), (0, "duplicate"))
        ]


def _send(folder: Path, count: int, arriving: int, outcome: str) -> Ran:
    with _send_server() as server:
        ran, ended = _run(folder, server.url, count), time.time()
    served = server.served
    _check(ran, "sms_messages", **{outcome: count})
    if served["messages"] != arriving or served["requests"] > -(-arriving // BATCH) + 10:
        raise BenchError(f"{served} arrived, of {count} messages.")
    return replace(ran, seconds=ended - served["first"])


def _contacts_run(count: int) -> list[Ran]:
    """Write so many contacts, the same again, and then with a few changes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _sandbox() as url:
        folder, runs = Path(name), []
        for changes in (0, 0, 1):
            _write(folder, "contacts", lambda changes=changes: _contacts(count, changes))
            runs.append(_run(folder, url, count))
    changed = -(-count // CHANGED)
    _check(runs[0], "contacts", created=count)
    _check(runs[1], "contacts", unchanged=count)
    _check(runs[2], "contacts", unchanged=count - changed, updated=changed)
    return runs


def _check(ran: Ran, sink: str, **expected: int) -> None:
    found = ran.report["rows"].get(sink)
    if found != {name: rows for name, rows in expected.items() if rows}:
        raise BenchError(f"{sink}: {found} instead of {expected}.")


def _contacts(count: int, changes: int) -> Rows:
    for number in range(count):
        change = changes if number % CHANGED == 0 else 0
        phone = f"+614{number:08}"
        yield {"id": number, "phone_number": phone, "first_name": f"N{number}.{change}", "list_name": "Bench"}


def _messages(count: int) -> Rows:
    for number in range(count):
        yield {"id": number, "to": f"+614{number:08}", "body": f"Your order {number} is on its way"}


def _write(folder: Path, stream: str, rows: Callable[[], Rows]) -> None:
    """Write an input; what is held in memory here would count as the target's."""
    properties: dict[str, Any] = {name: {} for name in next(rows())}
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}}
    with (folder / "input.jsonl").open("w") as file:
        file.write(json.dumps(schema | {"key_properties": ["id"]}) + "\n")
        for row in rows():
            file.write(json.dumps({"type": "RECORD", "stream": stream, "record": row}) + "\n")


def _run(folder: Path, url: str, rows: int) -> Ran:
    """Run the target once.

    Raises:
        BenchError: It failed.
    """
    files = {"ledger_url": "sqlite:///ledger.db", "report_path": "report.json"}
    config = {"api_url": f"{url}/v3", "create_missing_lists": True, **files, **CREDENTIALS}
    (folder / "config.json").write_text(json.dumps(config))
    began = time.perf_counter()
    with (folder / "input.jsonl").open() as lines, (folder / "log").open("w") as log:
        process = subprocess.Popen(
            TARGET, stdin=lines, stdout=subprocess.DEVNULL, stderr=log, cwd=folder, env=ENVIRONMENT
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(
            f"The target ended with {process.returncode}:\n{(folder / 'log').read_text()[-2000:]}"
        )
    busy, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIBIBYTES / 1024
    return Ran(rows, seconds, busy, megabytes, json.loads((folder / "report.json").read_text()))


@dataclass
class SendServer:
    """A running server; ``served`` is there once it has ended."""

    url: str
    served: dict[str, Any]


@contextmanager
def _send_server() -> Iterator[SendServer]:
    command = [sys.executable, "-m", "tests.bench.send_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        server = SendServer(process.stdout.readline().strip(), {})
        try:
            yield server
        finally:
            report, _ = process.communicate()
        server.served = json.loads(report)


@contextmanager
def _sandbox() -> Iterator[str]:
    """Run a sandbox that allows any number of requests."""
    with subprocess.Popen(SANDBOX, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            url = process.stdout.readline().split("ready: ")[1].split("/v3")[0]
            limits = json.dumps({"*": [10_000_000, 60]}).encode()
            json_type = {"Content-Type": "application/json"}
            _opener.open(Request(f"{url}/_sandbox/limits", limits, json_type), timeout=10).close()
            yield url
        finally:
            process.terminate()


def _line(name: str, ran: Ran, base: float | None = None) -> str:
    rate = ran.rows / ran.seconds
    ratio = f"{rate / base:.3f}" if base else ""
    return (
        f"{name:<24}{ran.rows:>10,}{rate:>10,.0f}{ratio:>8}{ran.busy:>8.1f}{ran.megabytes:>9.0f}"
        f"{ran.report['requests']:>10,}\n"
    )


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
