"""Airflow on this machine: scheduler, DAG processor and web page over a PostgreSQL, by its own programs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import psycopg
import requests

from demo.processes import DemoError, start, stop, tail

DATABASE = "airflow"
USER = "admin"
SERVICES = ("scheduler", "dag-processor", "api-server")
HEALTHY = ("metadatabase", "scheduler", "dag_processor")
PATIENCE = 300.0
"""Seconds until all are up; an idle machine needs 20."""
CALL = 60.0
SLOW_MACHINE = {
    # A task gives up on the API after a few seconds otherwise, and its run fails
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "900",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__API__WORKERS": "1",
}


class Airflow:
    """Running services: ``with Airflow(python, home, server, dags) as airflow: airflow.call("GET", "dags")``.

    Attributes:
        url: The web page's.
        password: Of the user admin.
        env: What its programs find in their environment.
    """

    def __init__(
        self,
        python: Path,
        home: Path,
        server: str,
        dags: Path,
        *,
        env: Mapping[str, str],
    ) -> None:
        """Describe it; nothing is started yet.

        Args:
            python: Of the environment that has Airflow.
            home: Where logs and secrets are kept.
            server: URL of a PostgreSQL server, in which a database is made for it.
            dags: The folder of the DAGs.
            env: More for the environment.
        """
        self._python, self._home = python, home
        self._server = server
        self._stack = ExitStack()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business here
        home.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        kept = self._secrets()
        self.password = kept["password"]
        (home / "passwords.json").write_text(json.dumps({USER: self.password}))
        host = parse_qs(urlsplit(server).query)["host"][0]
        database = f"postgresql+psycopg2://postgres@/{DATABASE}?host={host}"
        self.env = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": kept["fernet"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt"],
            "AIRFLOW__API__SECRET_KEY": kept["api"],
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **SLOW_MACHINE,
            **env,
        }

    def __enter__(self) -> Self:
        """Start the services, and wait until all are healthy."""
        with self._stack as started:
            self._create_database()
            done = self.run("db", "migrate")
            if done.returncode:
                raise DemoError(f"airflow db migrate failed:\n{done.stderr[-2000:]}")
            for name in SERVICES:
                self.start(name)
            self._wait()
            self._log_in()
            self._stack = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started, last first."""
        self._stack.close()
        self._session.close()

    def start(self, *arguments: str, log: str = "", **env: str) -> subprocess.Popen[bytes]:
        """Start one of its programs, which is stopped with the others."""
        path = self._home / f"{log or arguments[0]}.log"
        with path.open("wb") as file:
            process = start([*self._program(), *arguments], file, cwd=self._home, env=self.env | env)
        self._stack.callback(stop, process)
        return process

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to the end."""
        return subprocess.run(  # noqa: S603
            [*self._program(), *arguments],
            cwd=self._home,
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call its REST API; return what it answers.

        Raises:
            requests.HTTPError: It refuses.
        """
        answer = self._session.request(method, f"{self.url}/api/v2/{path}", json=body, timeout=CALL)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}")
        return answer.json() if answer.content else None

    def set_connection(self, name: str, **fields: Any) -> None:
        """Store a connection, in place of one of that name."""
        with suppress(requests.HTTPError):
            self.call("DELETE", f"connections/{name}")
        extra = json.dumps(fields.pop("extra", {}))
        self.call("POST", "connections", {"connection_id": name, "extra": extra, **fields})

    def set_pool(self, name: str, slots: int) -> None:
        """Store a pool, in place of one of that name."""
        with suppress(requests.HTTPError):
            self.call("DELETE", f"pools/{name}")
        self.call("POST", "pools", {"name": name, "slots": slots})

    def _program(self) -> list[str]:
        # Not its script, which names the environment's path: that ends when the folder is moved
        return [str(self._python), "-m", "airflow"]

    def _secrets(self) -> dict[str, str]:
        """Return what is kept from one start to the next: what is in the database is encrypted with it."""
        path = self._home / "secrets.json"
        if path.exists():
            kept: dict[str, str] = json.loads(path.read_text())
            return kept
        made = {name: secrets.token_urlsafe(32) for name in ("jwt", "api")}
        made |= {"password": secrets.token_urlsafe(9)}
        made |= {"fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
        return made

    def _create_database(self) -> None:
        with suppress(psycopg.errors.DuplicateDatabase), psycopg.connect(self._server) as connection:
            connection.autocommit = True
            connection.execute(f"create database {DATABASE}".encode())

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(requests.RequestException, KeyError):
                health = self.call("GET", "monitor/health")
                if all(health[part]["status"] == "healthy" for part in HEALTHY):
                    return
            time.sleep(1)
        logs = "\n".join(f"{name}:\n{tail(self._home / f'{name}.log')}" for name in SERVICES)
        raise DemoError(f"Airflow did not start:\n{logs}")

    def _log_in(self) -> None:
        user = {"username": USER, "password": self.password}
        answer = self._session.post(f"{self.url}/auth/token", json=user, timeout=CALL)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def free_port() -> int:
    """Return a port of this machine that nobody uses just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
