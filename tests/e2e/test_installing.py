"""The blocks that install something: typed by somebody who has nothing but Python, git and an account."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests
import yaml

from clicksend.sandbox import API_KEY, USERNAME, Sandbox
from demo.airflow import free_port
from demo.pipeline import FOREIGN
from demo.processes import start, stop
from tests.e2e.checkout import check_out
from tests.e2e.meltano_project import connection, new_database, query
from tests.e2e.object_store import SECRET
from tests.e2e.test_s3 import rows_in
from tests.pages import block_of, filled_in, typed

pytestmark = pytest.mark.long
KEYS = {"me@example.com": USERNAME, "=...": f"={API_KEY}"}
HUB_KEY = {"=...": f"={API_KEY}"}


class Person:
    """Somebody with a checkout and an empty virtual environment.

    Attributes:
        checkout: The folder in which they type.
        env: The variables that they have.
    """

    def __init__(self, folder: Path) -> None:
        self.checkout = check_out(folder)
        environment = folder / "environment"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        # How packages are found is this machine's business; keys and settings are not.
        theirs = (*FOREIGN, "AWS_", "PYTHON", "VIRTUAL_ENV")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        self.env["PATH"] = f"{environment / 'bin'}:{os.environ['PATH']}"
        self.env |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}

    def type(self, *blocks: str, **env: str) -> str:
        """Type blocks into one shell; return what it prints."""
        return typed("\n".join(blocks), self.checkout, self.env | env, seconds=900)

    def publish(self) -> str:
        """Make a repository of the checkout; return its address for pip."""
        mine = "-c user.name=somebody -c user.email=somebody@example.com"
        self.type(f"git init --quiet && git add --all && git {mine} commit --quiet --message=First")
        # pip of Python 3.11 wants a host
        return f"git+file://localhost{self.checkout.as_uri().removeprefix('file://')}"


@pytest.fixture(scope="module")
def person(tmp_path_factory) -> Person:
    return Person(tmp_path_factory.mktemp("person"))


@pytest.fixture
def somebody(tmp_path) -> Person:
    """Return somebody who has installed nothing yet."""
    return Person(tmp_path)


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=300, contacts=60) as box:
        yield box


@pytest.fixture(scope="module")
def doctor(person, box) -> Callable[..., str]:
    """Return a function that asks ``clicksend doctor``, of the sandbox, with keys that are set before."""
    file = person.checkout / "connection.json"

    def doctor(keys: str, **config: str) -> str:
        file.write_text(json.dumps(config))
        asking = block_of("start.md", "clicksend doctor")
        return person.type(
            keys, filled_in(asking, {"clicksend doctor": f"clicksend doctor --config {file.name}"})
        )

    return doctor


def test_keys_of_clicksend(doctor, box):
    said = doctor(filled_in(block_of("start.md", "CLICKSEND_USERNAME"), KEYS), api_url=box.api_url)
    assert "CLICKSEND_USERNAME, CLICKSEND_API_KEY set" in said
    assert box.requests()[-1]["auth"] == "basic"


def test_a_key_of_the_hub(doctor, box):
    urls = {"api_url": f"{box.url}/clicksend/v3", "hub_url": box.url}
    said = doctor(filled_in(block_of("start.md", "SKILLBOSS_API_KEY"), HUB_KEY), **urls)
    assert "SKILLBOSS_API_KEY set" in said
    assert box.requests()[-1]["auth"] == "bearer"


@pytest.fixture(scope="module")
def meltano(person, box, hub) -> Callable[..., str]:
    """Return a function that types blocks where Meltano, its plugins and the sandbox's keys are there."""
    person.type(block_of("start.md", "umask 077"), MELTANO_HUB_URL=hub.url)
    keys = filled_in(block_of("start.md", "CLICKSEND_USERNAME"), KEYS)
    given = {"TAP_CLICKSEND_API_URL": box.api_url, "MELTANO_HUB_URL": hub.url}

    def meltano(*blocks: str, **env: str) -> str:
        return person.type(keys, *blocks, **given | env)

    return meltano


def with_warehouse(block: str, warehouse: str) -> str:
    """Return a block of the page on answers with a warehouse where it has a made-up one."""
    url = urlsplit(warehouse)
    mine = {
        "db.example.com": f"'{parse_qs(url.query)['host'][0]}'",
        "=me ": f"={url.username} ",
        "=...": "=none",
        "=warehouse\n": f"={url.path[1:]}\n",
    }
    return filled_in(block, mine)


ANSWERS = block_of("analytics.md", "DBT_POSTGRES_HOST")


@pytest.fixture(scope="module")
def answers(meltano, warehouse) -> str:
    """Return the URL of a database with what one gets who follows the pages."""
    meltano(with_warehouse(ANSWERS, warehouse), **connection(warehouse))
    return warehouse


def assert_history_of(box: Sandbox, warehouse: str) -> int:
    """Check that the warehouse has all messages; return how many."""
    held: int = box.state()["rows"]["sms_history"]
    assert query(warehouse, "select count(*) from clicksend.sms_history") == [(held,)]
    return held


def test_nobody_else_may_read_what_meltano_keeps(person, answers):
    meltano = person.checkout / ".meltano"
    assert stat.S_IMODE(meltano.stat().st_mode) == 0o700
    assert not [one for one in meltano.rglob("*.env") if one.stat().st_mode & 0o077]


def test_answers_by_meltano(answers, box, hub):
    held = assert_history_of(box, answers)
    assert query(answers, "select count(*) from clicksend_analytics.messages_enhanced")[0][0] >= held
    assert hub.asked == []


def test_answers_without_meltano(answers, somebody):
    """The same again, from the same variables."""
    count = "select count(*) from clicksend_analytics.messages_enhanced"
    before = query(answers, count)
    with psycopg.connect(answers, autocommit=True) as connection:
        connection.execute("drop schema clicksend_analytics cascade")
    variables = with_warehouse("".join(ANSWERS.splitlines(keepends=True)[:1]), answers)
    assert "Completed successfully" in somebody.type(
        variables, block_of("analytics.md", "requirements-dbt.txt")
    )
    assert query(answers, count) == before


def test_files_of_a_lake_into_postgresql(meltano, answers, postgres, box, s3, hub):
    """By plugins that are there once meltano.yml includes their file; they load what lines do."""
    lake = filled_in(block_of("s3.md", "sed -i"), {"s3://bucket": f"s3://{s3.bucket}"})
    files = new_database(postgres)
    said = meltano(lake, **s3.env, **connection(files))
    assert SECRET not in said
    sums = "select count(*), count(distinct message_id), sum(message_price) from clicksend.sms_history"
    assert query(files, sums) == query(answers, sums)
    assert any(name.endswith("/_SUCCESS") for name in s3.names())
    assert hub.asked == []


class Shop:
    """Somebody's own Meltano project, with a loader and a warehouse, beside a checkout of this one."""

    def __init__(self, somebody: Person, warehouse: str, **env: str) -> None:
        self._somebody, self.warehouse, self._env = somebody, warehouse, env | connection(warehouse)
        somebody.type("pip install meltano", "meltano init shop --no-usage-stats", **env)
        folders = (somebody.checkout, somebody.checkout / "shop")
        ours, theirs = (yaml.safe_load((folder / "meltano.yml").read_text()) for folder in folders)
        (loader,) = [one for one in ours["plugins"]["loaders"] if one["name"] == "target-postgres"]
        loader["pip_url"] = shlex.join(["--requirement", str(folders[0] / "requirements-loader.txt")])
        theirs["plugins"] = {"loaders": [loader]}
        (folders[1] / "meltano.yml").write_text(yaml.safe_dump(theirs, sort_keys=False))
        (folders[1] / "path").mkdir()
        (folders[1] / "path" / "to").symlink_to(folders[0])

    def type(self, *blocks: str, **env: str) -> None:
        self._somebody.type("cd shop", *blocks, **self._env | env)


@pytest.fixture
def shop(somebody, postgres, box, hub):
    yield Shop(somebody, new_database(postgres), TAP_CLICKSEND_API_URL=box.api_url, MELTANO_HUB_URL=hub.url)
    assert hub.asked == []


def with_keys(block: str) -> str:
    return filled_in(block, {"USERNAME=...": f"USERNAME={USERNAME}", "KEY=...": f"KEY={API_KEY}"})


@pytest.mark.parametrize("page", ["README.md", "meltano.md"])
def test_a_meltano_project_of_ones_own(shop, somebody, box, tmp_path, page):
    """A folder is the index that has our package."""
    wheels = tmp_path / "wheels"
    somebody.type(f"pip wheel --quiet --no-deps --wheel-dir {wheels} .")
    shop.type(with_keys(block_of(page, "meltano run tap-clicksend")), UV_FIND_LINKS=str(wheels))
    assert_history_of(box, shop.warehouse)


def test_a_meltano_project_where_no_index_has_our_package(shop, box):
    lines = with_keys(block_of("meltano.md", "meltano run tap-clicksend")).splitlines()
    assert [line.startswith("meltano add") for line in lines[:3]] == [True, True, False]
    shop.type(block_of("meltano.md", "_pip_url"), *lines[2:])
    assert_history_of(box, shop.warehouse)


def test_what_the_readme_begins_with(somebody):
    """All but `make test`, which is what runs this."""
    demo, test, install = block_of("README.md", "make demo").splitlines()
    assert test.startswith("make test ")
    said = somebody.type(
        demo, install, "tap-clicksend --version && target-clicksend --version && clicksend --version"
    )
    assert "Rows unaccounted │            0 │" in said


def test_files_on_s3(somebody, box, s3):
    block = filled_in(
        block_of("s3.md", "pip install"),
        {
            "git+https://...": somebody.publish(),
            "ACCESS_KEY_ID=...": "ACCESS_KEY_ID=test",
            "SECRET_ACCESS_KEY=...": f"SECRET_ACCESS_KEY={SECRET}",
            "s3://bucket": f"s3://{s3.bucket}",
        },
    )
    (somebody.checkout / "box.json").write_text(json.dumps({"api_url": box.api_url}))
    run = "tap-clicksend --config config.json --config box.json > rows.jsonl"
    keys = filled_in(block_of("start.md", "CLICKSEND_USERNAME"), KEYS)
    somebody.type(keys, block, run, AWS_ENDPOINT_URL=s3.endpoint)
    assert len(rows_in(s3, "sms_history")) == box.state()["rows"]["sms_history"]


def test_a_sandbox_of_ones_own(somebody):
    """Installed from an address, begun, and a message sent there."""
    port = free_port()
    mine = {
        "git+https://...": somebody.publish(),
        "\nclicksend sandbox\n": f"\nexec clicksend sandbox --port {port}\n",
    }
    block = filled_in(block_of("sandbox.md", "pip install"), mine)
    log = somebody.checkout / "log"
    with log.open("wb") as errors:
        shell = ["bash", "-euc", block]
        running = start(shell, errors, stdout=subprocess.PIPE, cwd=somebody.checkout, env=somebody.env)
    try:
        assert any(b"ready" in line for line in running.stdout), log.read_text()
        url = f"http://127.0.0.1:{port}"
        sending = block_of("sandbox.md", "/v3/sms/send")
        said = somebody.type(re.sub(r"http://127\.0\.0\.1:\d+", url, sending), NO_PROXY="127.0.0.1")
        assert "Messages queued for delivery." in said
        with requests.Session() as session:
            session.trust_env = False
            (one,) = session.get(f"{url}/_sandbox/arrivals", timeout=60).json()
        assert (one["to"], one["body"]) == ("+61412345678", "Hello")
    finally:
        stop(running)
        running.stdout.close()
