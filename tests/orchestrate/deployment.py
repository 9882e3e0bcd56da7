"""A whole deployment on this machine: Airflow's services, a Meltano project, PostgreSQL, and a sandbox."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import requests

from clicksend.sandbox import API_KEY, USERNAME, Sandbox
from demo.airflow import Airflow
from demo.postgres import Postgres
from tests.e2e.checkout import check_out, run
from tests.e2e.meltano_project import MELTANO, query

PATIENCE = 1200.0
"""Seconds for a run: on a busy machine one takes ten times as long as on an idle one."""
ENDED = ("success", "failed")
PII_KEY = "canary-key-of-hashes-0123456789"
BODY = "A canary of a body"
LIVE_DAYS = 10
"""So far back does the hourly run read."""
HISTORY_DAYS = 124
"""So far, at most, does ClickSend."""


@dataclass
class Deployment:
    """What runs.

    Attributes:
        warehouse: URL of the database with the rows in, and the tables out.
        states: URL of Meltano's database.
    """

    airflow: Airflow
    box: Sandbox
    home: Path
    project: Path
    warehouse: str
    states: str

    def trigger(self, dag: str, **conf: Any) -> str:
        """Start a run; return its path in the API."""
        self.airflow.call("PATCH", f"dags/{dag}", {"is_paused": False})
        run = self.airflow.call("POST", f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        return f"dags/{dag}/dagRuns/{run['dag_run_id']}"

    def wait(self, run: str) -> str:
        """Wait for the end of a run; return its state."""
        return str(self.until(lambda: state if (state := self.state(run)) in ENDED else None))

    def state(self, run: str) -> str:
        return str(self.airflow.call("GET", run)["state"])

    def run(self, dag: str, **conf: Any) -> str:
        """Run a DAG to its success; return the run's path."""
        run = self.trigger(dag, **conf)
        assert self.wait(run) == "success", self.story(run)
        return run

    def tasks(self, run: str, task: str | None = None) -> list[dict[str, Any]]:
        """Return the task instances of a run, or those of one task."""
        found = self.airflow.call("GET", f"{run}/taskInstances?limit=100")["task_instances"]
        return [one for one in found if task is None or one["task_id"].rpartition(".")[2] == task]

    def task(self, run: str, task: str) -> dict[str, Any]:
        (one,) = self.tasks(run, task)
        return one

    def until(self, found: Callable[[], Any]) -> Any:
        """Wait until something is found; return it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if (value := found()) is not None:
                return value
            time.sleep(0.5)
        raise AssertionError("nothing in time")

    def log(self, run: str, task: str) -> str:
        """Return all that the tries of a task have said."""
        _, dag, _, name = run.split("/")
        folder = self.home / "logs" / f"dag_id={dag}" / f"run_id={name}"
        paths = sorted(path for path in folder.rglob("*.log") if f"{task}/" in path.as_posix())
        entries = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
        return "\n".join(f"{entry['event']} {_errors(entry)}" for entry in entries)

    def story(self, run: str) -> str:
        """Return what became of a run, for a test that fails."""
        lines = [
            f"{one['task_id']} {one['map_index']} {one['state']} {one['try_number']}"
            for one in self.tasks(run)
        ]
        failed = {one["task_id"] for one in self.tasks(run) if one["state"] == "failed"}
        return "\n".join([*lines, *(self.log(run, task)[-3000:] for task in failed)])

    def clear(self, run: str, task: str) -> None:
        """Have a task run again, as a person would."""
        _, dag, _, run_id = run.split("/")
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task], "only_failed": False}
        self.airflow.call("POST", f"dags/{dag}/clearTaskInstances", body)

    def answer(self, run: str, option: str) -> None:
        """Answer the question whether to send.

        An answer that comes before Airflow has put the question aside is lost, and it asks again.
        """
        path = f"{run}/taskInstances/approve/-1/hitlDetails"
        body = {"chosen_options": [option], "params_input": {}}

        def is_answered() -> bool | None:
            state = self.task(run, "approve")["state"]
            if state == "awaiting_input":
                time.sleep(20)  # on a busy machine 5 s were too few, three times in a row
                with suppress(requests.HTTPError):
                    self.airflow.call("PATCH", path, body)
            return True if state in ("success", "failed") else None

        self.until(is_answered)

    def count(self) -> int:
        """Return how many different messages the warehouse has."""
        return int(
            query(self.warehouse, "select count(distinct message_id) from clicksend.sms_history")[0][0]
        )

    def arrived(self) -> list[str]:
        """Return the texts that ClickSend took from calls, in the order of the alphabet."""
        return sorted(one["body"] for one in self.box.control("GET", "arrivals"))

    def add(self, first: int, last: int) -> list[str]:
        """Add rows to the table of messages; return their texts."""
        texts = [f"{BODY} {number:03}" for number in range(first, last + 1)]
        with psycopg.connect(self.warehouse) as database:
            database.execute(
                'create table if not exists messages (id integer primary key, "to" text, body text)'
            )
            rows = [(first + at, f"+1312555{first + at:04}", text) for at, text in enumerate(texts)]
            database.cursor().executemany("insert into messages values (%s, %s, %s)", rows)
        return texts

    def meltano_states(self) -> dict[str, Any]:
        """Return Meltano's states by their names."""
        return dict(query(self.states, "select state_id, completed_state from state"))

    def history(self) -> dict[str, Any]:
        """Return params of a backfill of all that ClickSend has, in four windows."""
        today = datetime.fromtimestamp(self.box.state()["now"], UTC).date()
        start = today - timedelta(days=HISTORY_DAYS)
        return {"start": str(start), "end": str(today), "days": HISTORY_DAYS // 4}


def _errors(entry: dict[str, Any]) -> str:
    return " ".join(f"{one['exc_type']}: {one['exc_value']}" for one in entry.get("error_detail") or ())


@contextmanager
def deployed(
    folder: Path, python: Path, link_plugins: Callable[[Path], None], **env: str
) -> Iterator[Deployment]:
    """Run a deployment.

    Args:
        folder: Where all of it is.
        python: The one with Airflow.
        link_plugins: Gives a project its plugins.
        env: More for Airflow's environment.
    """
    project = check_out(folder)
    link_plugins(project)
    with Postgres(folder / "postgres") as server, Sandbox(messages=600, contacts=50) as box:
        host = parse_qs(urlsplit(server).query)["host"][0]
        with psycopg.connect(server, autocommit=True) as connection:
            for name in ("warehouse", "meltano", "ledger"):
                connection.execute(f"create database {name}".encode())
        live = datetime.fromtimestamp(box.state()["now"], UTC) - timedelta(days=LIVE_DAYS)
        given = {
            "CLICKSEND_PROJECT": str(project),
            "CLICKSEND_MELTANO": shlex.join([sys.executable, "-c", MELTANO]),
            "MELTANO_DATABASE_URI": f"postgresql+psycopg://postgres@/meltano?host={host}",
            "MELTANO_HUB_URL": "http://127.0.0.1:1",
            "TAP_CLICKSEND_START_DATE": f"{live:%Y-%m-%d}",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            **env,
        }
        # As docs/airflow.md has it: tasks that make Meltano's tables at once get in each other's way.
        made = run(project, "-c", MELTANO, "state", "list", **given)
        assert made.returncode == 0, made.stderr
        home = folder / "airflow"
        with Airflow(python, home, server, project / "orchestrate", env=given) as airflow:
            ledger = f"postgresql+psycopg://postgres@/ledger?host={host}"
            airflow.set_connection(
                "clicksend_default",
                conn_type="clicksend",
                login=USERNAME,
                password=API_KEY,
                host=box.api_url,
                extra={"ledger_url": ledger, "pii_key": PII_KEY, "requests_per_minute": 6000},
            )
            database = {"conn_type": "postgres", "login": "postgres", "schema": "warehouse"}
            airflow.set_connection("clicksend_warehouse", host=host, **database)
            airflow.set_pool("clicksend_default", 2)
            one = Deployment(
                airflow,
                box,
                home,
                project,
                server.replace("@/postgres?", "@/warehouse?"),
                server.replace("@/postgres?", "@/meltano?"),
            )
            # A DAG can be triggered once its file was read
            one.until(lambda: True if airflow.call("GET", "dags")["total_entries"] == 3 else None)
            yield one
