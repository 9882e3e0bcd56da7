"""The same DAG with the CeleryExecutor: two workers share the windows."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from demo.airflow import free_port
from tests.e2e.meltano_project import link_plugins, plugins  # noqa: F401, fixtures
from tests.orchestrate.deployment import deployed

REDIS = shutil.which("redis-server")
pytestmark = [pytest.mark.long, pytest.mark.skipif(REDIS is None, reason="needs redis-server")]
WORKERS = ("one", "two")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Run a Redis; return its URL."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([str(REDIS), *options], stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, airflow_python, link_plugins, broker):  # noqa: F811
    folder = tmp_path_factory.mktemp("celery")
    env = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
        # A worker that has one task leaves the next to the other
        "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
        "AIRFLOW__CELERY__TASK_ACKS_LATE": "True",
    }
    with deployed(folder, airflow_python, link_plugins, **env) as one:
        for name in WORKERS:
            one.airflow.start(
                *("celery", "worker", "--celery-hostname", f"{name}@%h", "--skip-serve-logs"),
                log=name,
                AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT=str(free_port()),
            )
        yield one


def test_both_workers_load_windows_each_at_its_first_try(deployment):
    history = deployment.history()
    # One alone, first: the loader makes its tables without a lock.
    deployment.run("clicksend_backfill", **history | {"days": 1000})
    run = deployment.run("clicksend_backfill", **history)
    loads = deployment.tasks(run, "load")
    assert [(one["state"], one["try_number"]) for one in loads] == [("success", 1)] * 4
    assert deployment.count() > 0
    assert "in ClickSend" in deployment.log(run, "verify")
    for name in WORKERS:
        log = (deployment.home / f"{name}.log").read_text()
        assert len(re.findall(r"execute_workload\[[^]]+\] succeeded", log)) > 1, log[-3000:]
