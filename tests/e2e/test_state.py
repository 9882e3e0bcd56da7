"""State on S3 and in PostgreSQL, for runs on several machines at once."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from clicksend.sandbox import Sandbox
from tests.e2e.checkout import check_out
from tests.e2e.meltano_project import MELTANO, connection, new_database, query
from tests.e2e.object_store import SECRET, run_program
from tests.pages import block_of, typed

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
        (home := tmp_path / name).mkdir()
        own = block_of("s3.md", "MELTANO_SYS_DIR_ROOT") + 'echo "$MELTANO_SYS_DIR_ROOT"'
        system = typed(own, project, {"PATH": os.environ["PATH"], "TMPDIR": str(home)}).strip()
        given = {"MELTANO_SYS_DIR_ROOT": system, "MELTANO_HUB_URL": hub.url, "HOME": str(home)}
        given |= {"TAP_CLICKSEND_API_URL": box.api_url, "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}

        def meltano(*arguments: str, **env: str) -> str:
            command = (programs / "python", "-c", MELTANO, *arguments)
            done = run_program(*command, env={**given, **connection(warehouse), **env}, folder=project)
            assert done.returncode == 0, done.stdout + done.stderr
            assert SECRET not in done.stdout + done.stderr
            return done.stdout

        return meltano

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
