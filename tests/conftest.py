"""Fixtures that the tests share: a sandbox, a clock that never sleeps, and the tap in this process."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from hypothesis import Phase, settings
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from clicksend.client import Client
from clicksend.settings import Settings
from tests.contract.recorded_server import RecordedServer
from tests.pages import ROOT
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS

pytest_plugins = [
    "tests.contract.official_client",
    "tests.contract.known_requests",
    "tests.sandbox.fixtures",
    "tests.target.fixtures",
    "tests.target.messages.fixtures",
]

# Thousands of ledgers and private files are made and thrown away: in memory, where there is plenty.
MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 8 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# On a machine that keeps UTC a time without a zone would be read right by chance.
os.environ["TZ"] = "America/Chicago"
time.tzset()

# Each run of the tap and the target asks three times; reading it takes a tenth of a short run.
metadata.version = cache(metadata.version)

# A test makes ledgers of its own, and SQLAlchemy would compile the same statements for each of them anew.
COMPILED: dict[Any, Any] = {}
for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
    dialect.__eq__ = lambda self, other: (type(self), self.paramstyle) == (type(other), other.paramstyle)
    dialect.__hash__ = lambda self: hash((type(self), self.paramstyle))


@event.listens_for(Engine, "engine_connect")
def _share_compiled(connection):
    connection.execution_options(compiled_cache=COMPILED)


PROFILE = os.environ.get("CLICKSEND_TESTS", "quick")
FULL = PROFILE == "full"
"""Whether everything is tried, as `make test-long` does."""

# The first example of a test also pays for what it imports, and the machine may be busy: no deadline.
# `make test` tries the same examples each time: what fails there is the change's doing. New ones are tried by
# `make test-long`. Either prints a failing example so that it can be tried again.
settings.register_profile("quick", deadline=None, print_blob=True, derandomize=True, max_examples=40)
settings.register_profile("full", deadline=None, print_blob=True, max_examples=500)
# `make mutants` asks only whether a test fails, and need not wait for the smallest example that it fails on.
settings.register_profile(
    "mutants", settings.get_profile("quick"), phases=set(Phase) - {Phase.shrink, Phase.explain}
)
settings.load_profile(PROFILE)


def budget(quick: int, full: int) -> int:
    """Return how many examples or walks a test tries, where its profile's number does not fit."""
    return full if FULL else quick


@cache
def _sources() -> str:
    paths = (path for name in ("clicksend", "target_clicksend") for path in (ROOT / name).rglob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8").casefold() for path in paths)


def is_said_by_us(text: str) -> bool:
    """Return whether a text is part of the product's own words: hypothesis draws such, too.

    Found in a log or a ledger, it need not come from a row.
    """
    return text.strip().casefold() in _sources()


def pytest_collection_finish():
    """Collect garbage seldom: what tests and libraries are made of stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_collection_modifyitems(config, items):
    """Leave long tests and most combinations to the full profile; begin with what takes longest."""
    if FULL:
        # Where a file has few tests, they are pipelines, kills or walks.
        sizes = Counter(item.path for item in items)
        items.sort(key=lambda item: sizes[item.path])
        return
    chosen = set(_each_value_once([item for item in items if not item.get_closest_marker("long")]))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]
    items.sort(key=lambda item: not {"e2e", "transform"} & set(item.path.parts))


def _each_value_once(items: list[pytest.Function]) -> Iterator[pytest.Function]:
    """Yield so many cases of each test that every value of every parameter is tried.

    Where lists of values are crossed, those are as many as the longest list has; the rest only combine them.
    """
    tried: dict[str, set[Any]] = defaultdict(set)
    for only_new in (True, False):
        for item in items:
            name, _, _ = item.nodeid.partition("[")
            known, values = tried[name], _values(item)
            if not values & known if only_new else values - known:
                known |= values
                yield item


def _values(item: pytest.Function) -> set[Any]:
    """Return the values that a case gets, those of one ``parametrize`` together, by their identity."""
    if not hasattr(item, "callspec"):
        return {None}
    given = {name: id(value) for name, value in item.callspec.params.items()}
    together = [mark.args[0] for mark in item.iter_markers("parametrize")]
    groups = [names.replace(",", " ").split() if isinstance(names, str) else names for names in together]
    alone = given.keys() - {name for names in groups for name in names}
    return {tuple((name, given[name]) for name in names) for names in [*groups, *([name] for name in alone)]}


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CLICKSEND_", "SKILLBOSS_", "TAP_", "TARGET_", "MELTANO_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _shared_sandbox():
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=1, messages=450, contacts=260, epoch=EPOCH) as box:
        yield box


@pytest.fixture
def sandbox(_shared_sandbox):
    """Return a sandbox in its first state; it holds more than two pages of messages and contacts."""
    _shared_sandbox.control("POST", "reset")
    return _shared_sandbox


@pytest.fixture(scope="session")
def boxes():
    """Return two small sandboxes of one world, in both spellings; reset them before use."""
    from clicksend.sandbox import Sandbox

    sizes = {"messages": 300, "contacts": 150, "epoch": EPOCH}
    with Sandbox(types="live", **sizes) as live, Sandbox(types="legacy", **sizes) as legacy:
        yield live, legacy


@pytest.fixture
def box(boxes):
    """Return the live one of them, in its first state."""
    boxes[0].control("POST", "reset")
    return boxes[0]


@pytest.fixture(scope="session")
def session():
    """Return a session with the sandbox's credentials."""
    with requests.Session() as session:
        session.auth = tuple(CREDENTIALS.values())
        session.trust_env = False
        yield session


@pytest.fixture
def get(box, session):
    """Return a function that gets ``data`` of a path of the box."""

    def get(path, **query):
        response = session.get(box.api_url + path, params=query, timeout=10)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    return get


@pytest.fixture(params=["live", "legacy"])
def recorded(request):
    """Return a server that replays recorded bodies."""
    with RecordedServer(request.param) as server:
        yield server


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def connect(clock):
    """Return a function that connects a client to an api_url; its waits are in ``clock.slept``."""
    clients = []

    def connect(api_url: str, **config: Any) -> Client:
        settings = Settings.from_config({"api_url": api_url, **CREDENTIALS, **config}, env={})
        clients.append(client := Client(settings, clock))
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """Return the URL of a PostgreSQL server that all workers of a run share; the first who asks starts it.

    Who started it waits for the others' end before it stops it.
    """
    from demo.postgres import Postgres

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "postgres.starting").open("w") as starting, (folder / "postgres.users").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        with Postgres(folder / "postgres") as url:
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield url
            fcntl.flock(users, fcntl.LOCK_EX)


@pytest.fixture(scope="session")
def ledger_postgres(postgres):
    """Return the URL of this worker's own database: ledgers in one database write one after the other."""
    import psycopg

    name = f"ledgers_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return postgres.replace("@/postgres?", f"@/{name}?")


def pytest_generate_tests(metafunc):
    """Run a test of the ledger on both databases where its SQL may differ, and on SQLite where it may not."""
    if "ledger_url" in metafunc.fixturenames:
        both = FULL or metafunc.definition.get_closest_marker("both_databases")
        metafunc.parametrize("ledger_url", ["sqlite", "postgresql"] if both else ["sqlite"], indirect=True)


@pytest.fixture
def ledger_url(request, tmp_path):
    """Return the URL of a ledger that nobody has opened yet; its key file has a place."""
    from clicksend.ledger import keyfile
    from tests.ledger.cases import KEY_FILE, in_new_schema

    beside, path = keyfile.beside, tmp_path / "ledger.db.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_FILE, str(path))
        patch.setattr(keyfile, "beside", lambda url: beside(url) or path)
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path}/ledger.db"
            return
        yield in_new_schema(request.getfixturevalue("ledger_postgres"))


@pytest.fixture
def ledger_time():
    """Return the ledger's clock."""
    from tests.ledger.cases import Clock

    return Clock()


@pytest.fixture
def ledger(ledger_url, ledger_time):
    """Return an open ledger."""
    from clicksend.ledger.ledger import Ledger
    from tests.ledger.cases import ACCOUNT

    with Ledger.open(ledger_url, **ACCOUNT, now=ledger_time) as ledger:
        yield ledger
