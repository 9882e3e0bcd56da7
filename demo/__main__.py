"""``make demo``: messages and customers into ClickSend, all of it into PostgreSQL, both on this machine.

Meltano runs it. What it makes lies in ``.demo``: the database, the sandbox's world and clock, the target's
ledger, Meltano's state, the logs. So a second run is what the next day's run would be.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import psycopg
import requests
from rich.console import Console

from demo import customers, messages, pipeline, report, warehouse
from demo.postgres import Postgres, program
from demo.processes import DemoError
from demo.world import World

PROJECT = Path(__file__).resolve().parents[1]
DAY = 86_400
RETENTION = timedelta(days=122)  # how long the API has messages: about four months
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AFTERWARDS = """\
Look at the warehouse:  make psql  (try: select status, count(*) from clicksend.sms_history group by 1;)
Run it again:           make demo  turns the clock by a day; new messages are sent, new or unsettled ones read
Start afresh:           make clean"""


def main() -> int:
    """Run the demo, or psql on its warehouse; return the exit code."""
    options = _options()
    os.umask(0o077)  # what it starts inherits that: Meltano keeps keys in its run folder
    pipeline.forget_environment()
    for number in STOPS:
        signal.signal(number, _stop)
    console = Console(highlight=False, soft_wrap=True)
    try:
        options.directory.mkdir(parents=True, exist_ok=True)
        return _psql(options.directory) if options.psql else _demo(options, console)
    except (DemoError, OSError, psycopg.Error, requests.RequestException) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=main.__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="size of a new world")
    parser.add_argument("--contacts", type=int, default=2_000, help="size of a new world")
    parser.add_argument("--directory", type=_path, default=PROJECT / ".demo", help="where everything is kept")
    parser.add_argument("--psql", action="store_true", help="only open psql on the warehouse")
    return parser.parse_args()


def _path(text: str) -> Path:
    return Path(text).resolve()


def _stop(_: int, __: FrameType | None) -> None:
    for number in STOPS:  # once is enough: what was started is being stopped
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _psql(directory: Path) -> int:
    with Postgres(directory / "postgres") as url:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is psql's, to cancel a query with
        return subprocess.run([program("psql"), url], check=False).returncode  # noqa: S603


def _demo(options: argparse.Namespace, console: Console) -> int:
    directory: Path = options.directory
    meltano = pipeline.Pipeline(PROJECT, directory)
    began = time.monotonic()
    with (
        _alone(directory / "lock"),
        Postgres(directory / "postgres") as url,
        World(directory / "sandbox.json", options.messages, options.contacts) as world,
    ):
        console.print(f"PostgreSQL and the sandbox ({world.url}) are up.")
        customers.create(url)
        new = messages.add(url)
        console.print(f"{new:,} messages are to be sent.")
        if world.existed:
            world.advance(DAY)
            console.print("The sandbox's clock is a day further.")
            if somebody := customers.somebody(url):
                world.stop_by(*somebody)
                console.print("A customer has replied STOP.")
        else:
            world.opt_out(messages.number(messages.OPTED_OUT))
        console.print(f"meltano run {' '.join(pipeline.JOBS)} ... (log: {meltano.log})")
        since = datetime.now(UTC)
        meltano.run(world.url, url)
        api = world.state()
        horizon = datetime.fromtimestamp(api["now"], UTC) - RETENTION
        counts = warehouse.count(url, since=since, horizon=horizon)
        counts.pop("outcomes", None)  # of the ledger, not of the API
        compared = customers.compare(url)
        account = messages.account_for(url, world.arrivals())
    held = {stream: rows for stream, rows in api["rows"].items() if stream not in meltano.left_out()}
    rows = list(report.compare(held, counts, meltano.seconds()))
    report.show_messages(account, new, console)
    are_equal = report.show_customers(meltano.report(), compared, console)
    report.show(rows, console)
    if wrong := [row.stream for row in rows if row.differs]:
        raise DemoError(f"API and warehouse differ in {', '.join(wrong)}. `make clean` starts afresh.")
    if not account.is_whole:
        raise DemoError("Not every message is accounted for. `make clean` starts afresh.")
    if not are_equal:
        raise DemoError("Customers and contacts differ. `make clean` starts afresh.")
    console.print(
        f"API and warehouse have as many rows in all {len(rows)} streams. {time.monotonic() - began:.0f} s.\n"
    )
    console.print(AFTERWARDS, markup=False)
    return 0


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep a second demo off the same folder."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"Another demo is at work in {lock.parent}.") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
