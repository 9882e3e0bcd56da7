"""A copy of the project with its Meltano plugins, and a PostgreSQL to load into."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psycopg
import pytest

from demo.pipeline import PINS, PLUGINS
from tests.e2e.checkout import PACKAGES, ROOT, check_out, run
from tests.e2e.kept import kept

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


@pytest.fixture(scope="session")
def plugins() -> Path:
    """Return a copy of the project with its Meltano plugins; they run this checkout's code."""

    def make(folder: Path) -> None:
        for name in PACKAGES:
            (folder / name).symlink_to(ROOT / name)
        for name in ("README.md", "LICENSE", *PINS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        # Nothing is asked of Meltano's hub, so none is there.
        done = run(folder, "-c", MELTANO, "install", MELTANO_HUB_URL="http://127.0.0.1:1")
        assert done.returncode == 0, done.stdout + done.stderr

    return kept("meltano-plugins", [ROOT / name for name in PINS], make)


@pytest.fixture(scope="session")
def link_plugins(plugins) -> Callable[[Path], None]:
    """Return a function that gives a copy of the project the plugins."""

    def link(project: Path) -> None:
        for kind in PLUGINS:
            (project / ".meltano" / kind).mkdir(parents=True)
            for plugin in (plugins / ".meltano" / kind).iterdir():
                (project / ".meltano" / kind / plugin.name).symlink_to(plugin)

    return link


@pytest.fixture(scope="module")
def meltano(tmp_path_factory, hub, link_plugins):
    """Return a function that runs Meltano in a copy of the project that has its plugins."""
    project = check_out(tmp_path_factory.mktemp("meltano"))
    link_plugins(project)

    def meltano(*arguments: str, **env: str) -> str:
        done = run(project, "-c", MELTANO, *arguments, MELTANO_HUB_URL=hub.url, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    meltano.project = project
    return meltano


@pytest.fixture(scope="module")
def warehouse(postgres):
    """Return the URL of an empty database."""
    return new_database(postgres)


def new_database(postgres: str) -> str:
    """Make an empty database on a server; return its URL."""
    name = f"warehouse_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return postgres.replace("@/postgres?", f"@/{name}?")


def connection(warehouse: str) -> dict[str, str]:
    return {"TARGET_POSTGRES_SQLALCHEMY_URL": warehouse.replace("postgresql:", "postgresql+psycopg:")}


def query(url: str, text: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()
