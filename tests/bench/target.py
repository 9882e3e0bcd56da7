"""Prints how fast the target is, against a sandbox of its own: ``python -m bench.target``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from clicksend.sandbox import Sandbox

CREDENTIALS = {"username": "sandbox", "api_key": "sandbox-key"}
CHANGED = 100
"""Of so many contacts one is changed."""
COLUMNS = f"{'':<28}{'rows':>10}{'rows/s':>10}{'requests':>10}{'peak MB':>9}\n"


def main() -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench.target", description=__doc__)
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--messages", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    sys.stdout.write(f"\nNo latency, no caps; wall time of the whole command\n{COLUMNS}")
    with tempfile.TemporaryDirectory() as folder, Sandbox(messages=10, contacts=20) as box:
        box.control("POST", "limits", {"*": [10_000_000, 60], "POST /sms/send": [10_000_000, 60]})
        box.control("POST", "switches", {"throttle_seconds": 0})
        rows = options.contacts
        for name, changes in (("contacts, new", 0), ("contacts, unchanged", 0), ("contacts, 1 % changed", 1)):
            _measure(name, box, Path(folder), "contacts", list(_contacts(rows, changes)))
        for first, count in enumerate(options.messages):
            _measure("messages, sent", box, Path(folder), "sms_messages", list(_messages(count, first)))
        _measure("messages, sent before", box, Path(folder), "sms_messages", list(_messages(count, first)))
    return 0


def _contacts(count: int, changes: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        change = changes if number % CHANGED == 0 else 0
        phone = f"+614{number:08}"
        yield {"id": number, "phone_number": phone, "first_name": f"N{number}.{change}", "list_name": "Bench"}


def _messages(count: int, first: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "id": f"{first}/{number}",
            "to": f"+614{number:08}",
            "body": f"Your order {number} is on its way",
        }


def _measure(name: str, box: Sandbox, folder: Path, stream: str, rows: list[dict[str, Any]]) -> None:
    config = {"api_url": box.api_url, "ledger_url": f"sqlite:///{folder}/ledger.db", **CREDENTIALS}
    (folder / "config.json").write_text(json.dumps(config | {"create_missing_lists": True}))
    (folder / "input.jsonl").write_text("\n".join(_lines(stream, rows)) + "\n")
    command = [sys.executable, "-m", "target_clicksend", "--config", str(folder / "config.json")]
    before = len(box.requests())
    began = time.perf_counter()
    with (folder / "input.jsonl").open() as lines:
        process = subprocess.Popen(
            command, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name}: the target ended with {process.returncode}.")
    requests, peak = len(box.requests()) - before, usage.ru_maxrss / 1024
    sys.stdout.write(f"{name:<28}{len(rows):>10,}{len(rows) / seconds:>10,.0f}{requests:>10,}{peak:>9.0f}\n")
    sys.stdout.flush()


def _lines(stream: str, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    properties: dict[str, Any] = {name: {} for name in rows[0]} if isinstance(rows, list) else {}
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}}
    yield json.dumps(schema | {"key_properties": ["id"]})
    for row in rows:
        yield json.dumps({"type": "RECORD", "stream": stream, "record": row})


if __name__ == "__main__":
    sys.exit(main())
