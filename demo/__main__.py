"""``make demo``: messages and customers into ClickSend, all of it into PostgreSQL, both on this machine.

Meltano runs it. What it makes lies in ``.demo``: the database, the sandbox's world and clock, the target's
ledger, Meltano's state, the logs. So a second run is what the next day's run would be.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import requests
from rich.console import Console

from clicksend.sandbox import API_KEY, USERNAME
from demo import answers, customers, messages, pipeline, report, warehouse
from demo.airflow import USER, Airflow
from demo.postgres import Postgres, program
from demo.processes import DemoError, python
from demo.world import World

PROJECT = Path(__file__).resolve().parents[1]
DAY = 86_400
WAIT = 21_600
"""Seconds between sending and reading, in which receipts and replies come."""
RETENTION = timedelta(days=122)  # how long the API has messages: about four months
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AFTERWARDS = """\
Look at the warehouse:  make psql  (try: select campaign, delivered, cost from campaign_cost;)
Leave it running:       make warehouse  for notebooks, dbt and other programs
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
        if options.psql:
            return _psql(options.directory)
        if options.notebooks or options.gallery:
            lab = [options.notebooks, "lab", "--no-browser", PROJECT / "notebooks"]
            pages = [options.gallery, PROJECT / "notebooks" / "gallery.py"]
            return _beside(options.directory, lab if options.notebooks else pages)
        if options.airflow:
            return _airflow(options.directory, options.airflow, console)
        return _warehouse(options.directory, console) if options.warehouse else _demo(options, console)
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
    parser.add_argument("--warehouse", action="store_true", help="only run the warehouse, until Ctrl-C")
    parser.add_argument(
        "--notebooks", metavar="JUPYTER", help="only run Jupyter, beside warehouse and sandbox"
    )
    parser.add_argument(
        "--airflow", metavar="PYTHON", type=Path, help="only run Airflow over the demo's data, until Ctrl-C"
    )
    parser.add_argument("--gallery", metavar="PYTHON", help="only write docs/gallery, with that Python")
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
        return subprocess.run([program("psql"), _with_search_path(url)], check=False).returncode  # noqa: S603


def _warehouse(directory: Path, console: Console) -> int:
    """Run the warehouse until it is to stop, and say how to reach it."""
    with Postgres(directory / "postgres") as url:
        host = parse_qs(urlsplit(url).query)["host"][0]
        dbt = PROJECT / ".meltano" / "utilities" / "dbt-postgres" / "venv" / "bin" / "dbt"
        build = [str(dbt if dbt.exists() else "dbt"), "build"]
        build += [f"--{kind}-dir={PROJECT / 'transform'}" for kind in ("project", "profiles")]
        console.print(
            f"The warehouse is running; Ctrl-C ends it.\n\n"
            f"URL    {_with_search_path(url)}\n"
            f"psql   {shlex.join([program('psql'), _with_search_path(url)])}\n"
            f"dbt    DBT_POSTGRES_HOST={shlex.quote(host)} {shlex.join(build)}",
            markup=False,
        )
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _beside(directory: Path, command: Sequence[str | Path]) -> int:
    """Run a program while warehouse and sandbox of an earlier demo are up; return its exit code.

    Raises:
        DemoError: There is no earlier demo.
    """
    state = directory / "sandbox.json"
    if not state.exists():
        raise DemoError("There is nothing to look at yet: run `make demo` first.")
    with Postgres(directory / "postgres") as url, World(state, messages=0, contacts=0) as world:
        found = {"CLICKSEND_WAREHOUSE_URL": url, "CLICKSEND_API_URL": f"{world.url}/v3"}
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the program's, to ask or to end
        return subprocess.run(command, env=os.environ | found, check=False).returncode  # noqa: S603


def _airflow(directory: Path, program: Path, console: Console) -> int:
    """Run Airflow on the data of an earlier demo until it is to stop.

    Raises:
        DemoError: There is no earlier demo, or Airflow does not start.
    """
    state = directory / "sandbox.json"
    if not state.exists():
        raise DemoError("There is nothing to work on yet: run `make demo` first.")
    with (
        suppress(KeyboardInterrupt),
        Postgres(directory / "postgres") as url,
        World(state, messages=0, contacts=0) as world,
    ):
        env = pipeline.Pipeline(PROJECT, directory).environment(world.url, url)
        env |= {
            "CLICKSEND_PROJECT": str(PROJECT),
            "CLICKSEND_MELTANO": shlex.join(python("meltano.cli:main")),
        }
        console.print("PostgreSQL and the sandbox are up; Airflow takes half a minute or more.")
        with Airflow(program, directory / "airflow", url, PROJECT / "orchestrate", env=env) as airflow:
            account = {"conn_type": "clicksend", "login": USERNAME, "password": API_KEY}
            ledger = {"ledger_url": env["TARGET_CLICKSEND_LEDGER_URL"]}
            airflow.set_connection("clicksend_default", host=f"{world.url}/v3", extra=ledger, **account)
            database = {"conn_type": "postgres", "login": "postgres", "schema": "postgres"}
            host = parse_qs(urlsplit(url).query)["host"][0]
            airflow.set_connection("clicksend_warehouse", host=host, **database)
            airflow.set_pool("clicksend_default", 2)
            console.print(
                f"Airflow is running; Ctrl-C ends it.\n\n"
                f"URL    {airflow.url}\nLogin  {USER}, {airflow.password}\n\n"
                "Trigger clicksend_elt, clicksend_backfill (the last four months) or clicksend_send there.",
                markup=False,
            )
            signal.pause()
    return 0


def _with_search_path(url: str) -> str:
    """Return the URL of a database in which tables and models are found by their names alone."""
    return f"{url}&options={quote('-c search_path=clicksend_analytics,clicksend,public')}"


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
        since, before = datetime.now(UTC), world.balance()
        _run(meltano, pipeline.SENDING, world, url, console)
        balances = (before, world.balance())
        world.advance(WAIT)
        console.print("Six hours have passed.")
        _run(meltano, pipeline.ANSWERING, world, url, console)
        api = world.state()
        horizon = datetime.fromtimestamp(api["now"], UTC) - RETENTION
        counts = warehouse.count(url, since=since, horizon=horizon)
        counts.pop("outcomes", None)  # of the ledger, not of the API
        compared = customers.compare(url)
        account = messages.account_for(url, world.arrivals())
        answered = answers.read(url, since=since, balances=balances)
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
    console.print(f"API and warehouse have as many rows in all {len(rows)} streams.\n")
    answers.show(answered, console)
    if not answered.agree:
        raise DemoError("Rows or money are not accounted for. `make clean` starts afresh.")
    console.print(f"{time.monotonic() - began:.0f} s.\n")
    console.print(AFTERWARDS, markup=False)
    return 0


def _run(meltano: pipeline.Pipeline, jobs: Sequence[str], world: World, url: str, console: Console) -> None:
    console.print(f"meltano run {' '.join(jobs)} ... (log: {meltano.log})")
    meltano.run(jobs, world.url, url)


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
