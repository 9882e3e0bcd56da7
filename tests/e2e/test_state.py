"""State on S3 and in PostgreSQL, for runs on several machines at once; and the way over files, by Meltano."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from clicksend.sandbox import Sandbox
from tests.e2e.checkout import check_out
from tests.e2e.meltano_project import MELTANO, connection, new_database, query
from tests.e2e.object_store import SECRET, run_program

pytestmark = pytest.mark.long

ONE = {"TAP_CLICKSEND__SELECT": '["sms_history.*"]'}


@pytest.fixture
def box():
    with Sandbox(seed=1, messages=3000, contacts=20) as box:
        yield box


@pytest.fixture
def warehouse(postgres):
    """Return the URL of a database that no other test has loaded into: what is missing must not be there."""
    return new_database(postgres)


@pytest.fixture
def machine(tmp_path, link_plugins, programs, hub, box, warehouse):
    """Return a function that makes a function that runs Meltano as another machine would."""
    project = check_out(tmp_path)
    link_plugins(project)

    def machine(name: str):
        system = tmp_path / name
        system.mkdir()
        for kind in ("extractors", "loaders"):
            (system / kind).symlink_to(project / ".meltano" / kind)
        given = {"MELTANO_SYS_DIR_ROOT": str(system), "MELTANO_HUB_URL": hub.url, "HOME": str(system)}
        given |= {"TAP_CLICKSEND_API_URL": box.api_url, "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}

        def meltano(*arguments: str, **env: str) -> str:
            command = (programs / "python", "-c", MELTANO, *arguments)
            done = run_program(*command, env={**given, **connection(warehouse), **env}, folder=project)
            assert done.returncode == 0, done.stdout + done.stderr
            assert SECRET not in done.stdout + done.stderr
            return done.stdout

        return meltano

    machine.project = project
    return machine


@pytest.fixture(params=["s3", "postgresql"])
def state(request, s3, postgres):
    """Return the variables that say where the state is, as docs/s3.md has them."""
    if request.param == "s3":
        return s3.env | {"MELTANO_STATE_BACKEND_URI": f"s3://{s3.bucket}/state"}
    return {"MELTANO_DATABASE_URI": new_database(postgres).replace("postgresql:", "postgresql+psycopg:")}


def test_two_machines_share_a_state(machine, box, state, warehouse):
    middle = (datetime.fromtimestamp(box.state()["now"], UTC) - timedelta(days=40)).isoformat()
    halves = {
        "older": {"TAP_CLICKSEND_END_DATE": middle},
        "newer": {"TAP_CLICKSEND_START_DATE": middle},
    }

    def load(meltano, half, **span):
        plugins = "tap-clicksend", "target-postgres"
        meltano("run", f"--state-id-suffix={half}", *plugins, **span or halves[half], **ONE, **state)

    # The loader's schema and tables, and Meltano's, are made by one: two at once get in each other's way.
    load(machine("first"), "nothing", TAP_CLICKSEND_END_DATE="2020-01-01")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, (machine("here"), machine("there")), halves))
    found = "select count(*), count(distinct message_id) from clicksend.sms_history"
    assert query(warehouse, found) == [(box.state()["rows"]["sms_history"],) * 2]
    third = machine("third")
    ids = {half: f"sandbox:tap-clicksend-to-target-postgres:{half}" for half in halves}
    listed = third("state", "list", **state)
    assert all(one in listed for one in ids.values())
    marks = {
        half: json.loads(third("state", "get", one, **state))["singer_state"]["bookmarks"]["sms_history"]
        for half, one in ids.items()
    }
    assert marks["older"]["replication_key_value"] <= middle < marks["newer"]["replication_key_value"]
    before = box.requests()
    load(third, "newer")
    asked = [one for one in box.requests()[len(before) :] if one["path"] == "/sms/history"]
    assert 0 < len(asked) < len([one for one in before if one["path"] == "/sms/history"]) / 3


def test_the_way_over_files(machine, box, s3, programs, loader, warehouse):
    """The plugins of files.meltano.yml, which are there once meltano.yml includes it."""
    for kind, name, venv in (
        ("extractors", "tap-clicksend--files", programs),
        ("loaders", "target-postgres--files", loader.parent),
    ):
        # Meltano clears what it takes for out of date: a folder with a link, rather than a link.
        (machine.project / ".meltano" / kind / name / "venv").mkdir(parents=True)
        (machine.project / ".meltano" / kind / name / "venv" / "bin").symlink_to(venv)
    file = machine.project / "meltano.yml"
    file.write_text(file.read_text().replace("# include_paths", "include_paths", 1))
    variables = s3.env | {"CLICKSEND_FILES": s3.root}
    meltano = machine("here")
    meltano("run", "--no-install", "clicksend-files-to-warehouse", **variables)
    sums = "select count(*), count(distinct message_id), sum(message_price) from {}.sms_history"
    files = query(warehouse, sums.format("clicksend"))
    lines = {"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "lines"}
    meltano("run", "--no-install", "--full-refresh", "tap-clicksend", "target-postgres", **ONE, **lines)
    assert files == query(warehouse, sums.format("lines"))
    assert files[0][0] == box.state()["rows"]["sms_history"]
    assert any(name.endswith("/_SUCCESS") for name in s3.names())
