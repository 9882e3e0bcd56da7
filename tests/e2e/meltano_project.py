"""A copy of the project with its Meltano plugins installed, and a PostgreSQL to load into."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import psycopg
import pytest

from demo.postgres import Postgres
from tests.e2e.checkout import check_out, run

MELTANO = "import sys; from meltano.cli import main; sys.argv[0] = 'meltano'; main()"


@pytest.fixture(scope="module")
def hub():
    """Stand in for Meltano's hub, and collect what is asked of it."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        server.asked, server.url = asked, f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def meltano(tmp_path_factory, hub):
    """Return a function that runs Meltano in a copy of the project; the plugins are installed once."""
    project = check_out(tmp_path_factory.mktemp("meltano"))

    def meltano(*arguments: str, **env: str) -> str:
        done = run(project, "-c", MELTANO, *arguments, MELTANO_HUB_URL=hub.url, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    meltano.project = project
    meltano("install")
    return meltano


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    with Postgres(tmp_path_factory.mktemp("warehouse") / "postgres") as url:
        yield url


def connection(warehouse: str) -> dict[str, str]:
    return {"TARGET_POSTGRES_SQLALCHEMY_URL": warehouse.replace("postgresql:", "postgresql+psycopg:")}


def query(url: str, text: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()
