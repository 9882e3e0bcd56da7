"""The lines of docs/airflow.md that lead from nothing to a scheduled run."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import closing, suppress
from urllib.parse import parse_qs, quote, urlsplit

import psutil
import psycopg
import pytest

from clicksend.sandbox import API_KEY, USERNAME, Sandbox
from demo.airflow import free_port
from demo.pipeline import FOREIGN, PLUGINS
from demo.postgres import Postgres
from demo.processes import start
from tests.e2e.checkout import check_out
from tests.e2e.meltano_project import link_plugins, plugins, query  # noqa: F401, fixtures
from tests.pages import block_of, filled_in, typed

pytestmark = pytest.mark.long
PATIENCE = 900.0
"""Seconds for the run, on a busy machine."""
INSTALLING = ("make airflow ", ".venv/bin/meltano install ")
"""The first two: what they install is there already."""


def without_installing(block):
    """Return the lines that are left."""
    lines = block.splitlines()
    assert [line.startswith(one) for line, one in zip(lines, INSTALLING, strict=False)] == [True, True]
    return "\n".join(lines[2:])


def end(script):
    """End a script and all that it started, and that those have started."""
    processes = [psutil.Process(script.pid), *psutil.Process(script.pid).children(recursive=True)]
    for request in ("terminate", "kill"):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                getattr(process, request)()
        _, processes = psutil.wait_procs(processes, timeout=20)
    script.wait()


def states(home):
    """Return the states of the runs, by the DAG."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(home / "airflow.db")) as database:
        return dict(database.execute("select dag_id, state from dag_run"))
    return {}


def test_the_first_two_install_what_the_others_use(tmp_path):
    project = check_out(tmp_path)
    first_two = "\n".join(block_of("airflow.md", "make airflow").splitlines()[:2])
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    typed(first_two, project, env | {"MELTANO_HUB_URL": "http://127.0.0.1:1"}, seconds=PATIENCE)
    typed(".airflow/bin/airflow version && .venv/bin/meltano --version", project, env)
    for kind in PLUGINS:
        assert list((project / ".meltano" / kind).glob("*/venv/bin/python"))


def test_they_end_in_a_scheduled_run(airflow_python, link_plugins, tmp_path):  # noqa: F811
    project = check_out(tmp_path)
    link_plugins(project)
    (project / ".airflow").symlink_to(airflow_python.parent.parent)
    (project / ".venv").symlink_to(sys.prefix)
    port, home = free_port(), tmp_path / "airflow"
    environment = {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "MELTANO_HUB_URL": "http://127.0.0.1:1",
    }
    with Postgres(tmp_path / "postgres") as server, Sandbox(messages=200, contacts=50) as box:
        host = parse_qs(urlsplit(server).query)["host"][0]
        with psycopg.connect(server, autocommit=True) as connection:
            for name in ("warehouse", "meltano"):
                connection.execute(f"create database {name}".encode())
        script = filled_in(
            without_installing(block_of("airflow.md", "make airflow")),
            {
                "~/airflow": f"'{home}'",
                "postgresql+psycopg://user:password@host/meltano": (
                    f"'postgresql+psycopg://postgres@/meltano?host={host}'"
                ),
                "me@example.com": f"{USERNAME} --conn-host {box.api_url}",
                "--conn-password KEY": f"--conn-password {API_KEY}",
                "postgresql://user:password@host:5432/warehouse": (
                    f"postgresql://postgres@{quote(host, safe='')}:5432/warehouse"
                ),
            },
        )
        with (tmp_path / "log").open("wb") as log:
            # `wait` keeps the shell, so that what it started is found below it.
            running = start(["bash", "-euc", f"{script}\nwait"], log, cwd=project, env=environment)
        try:
            deadline = time.monotonic() + PATIENCE
            while (state := states(home).get("clicksend_elt")) not in ("success", "failed"):
                assert running.poll() is None, (tmp_path / "log").read_text()[-3000:]
                assert time.monotonic() < deadline, state
                time.sleep(1)
        finally:
            end(running)
        assert state == "success"
        warehouse = server.replace("@/postgres?", "@/warehouse?")
        loaded = query(warehouse, "select count(*) from clicksend.sms_history")
        assert loaded == [(box.state()["rows"]["sms_history"],)]
        assert query(warehouse, "select count(*) from clicksend_analytics.messages_enhanced")[0][0] > 0
