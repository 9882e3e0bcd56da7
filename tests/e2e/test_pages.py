"""The pages that a new user follows with Meltano: their commands, typed into a shell as they stand."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

from clicksend.sandbox import Sandbox
from demo.pipeline import with_host_and_password
from tests.e2e.meltano_project import connection, query
from tests.pages import block_of
from tests.pages import typed as typed_into

pytestmark = pytest.mark.long
CUSTOMERS = [("(201) 555-0101", "gold"), ("+61 412 345 678", "blue"), ("12", None)]
BEFORE = [f"Sent by another system, no. {number}." for number in range(3)]
OURS = [f"Your order no. {number} is on its way." for number in range(5)]


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=100, contacts=60) as box:
        yield box


@pytest.fixture(scope="module")
def typed(meltano, warehouse, hub, box):
    """Return a function that types a block into a shell, in the project, and returns what is printed."""
    path = meltano.project / "meltano.yml"
    project = yaml.safe_load(path.read_text())
    (target,) = [one for one in project["plugins"]["loaders"] if one["name"] == "target-clicksend"]
    given = yaml.safe_load(block_of("contacts.md", "create_missing_lists", "yaml"))["config"]
    given["streams"] |= {"public-messages": "sms_messages"}
    target["config"] = {**target["config"], **given}
    path.write_text(yaml.safe_dump(project, sort_keys=False))
    with psycopg.connect(warehouse) as database:
        database.execute("create table customers (id serial primary key, phone text, plan text)")
        database.execute('create table messages (id serial primary key, "to" text, body text)')
        insert = "insert into customers (phone, plan) values (%s, %s)"
        database.cursor().executemany(insert, CUSTOMERS)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "MELTANO_HUB_URL": hub.url,
        "CLICKSEND_USERNAME": "sandbox",
        "CLICKSEND_API_KEY": "sandbox-key",
        "TAP_CLICKSEND_API_URL": box.api_url,
        "TARGET_CLICKSEND_API_URL": box.api_url,
        "TAP_POSTGRES_SQLALCHEMY_URL": with_host_and_password(warehouse),
        **connection(warehouse),
    }
    return lambda text: typed_into(text, meltano.project, env)


def add(warehouse: str, bodies: list[str]) -> None:
    with psycopg.connect(warehouse) as database:
        insert = 'insert into messages ("to", body) values (%s, %s)'
        database.cursor().executemany(insert, [(f"+1312555{n:04}", body) for n, body in enumerate(bodies)])


def test_start(typed, warehouse):
    typed(block_of("start.md", "clicksend-to-warehouse"))
    assert query(warehouse, "select count(*) from clicksend.sms_history")[0][0] > 0


def test_contacts(typed):
    said = typed(block_of("contacts.md", "DRY_RUN"))
    counts = set(re.findall(r"contacts (\d+) (\w+)", said))
    assert counts == {("2", "create"), ("2", "created"), ("1", "rejected")}, said
    assert "phone_number has too few or too many digits" in typed(block_of("contacts.md", ":ledger list"))


def test_messages(typed, warehouse, box, meltano):
    """The first send, in its five steps; what another system sent before is never sent."""
    add(warehouse, BEFORE)
    typed(block_of("messages.md", "baseline"))
    add(warehouse, OURS)
    typed(block_of("messages.md", "plan.json"))
    assert json.loads((meltano.project / "plan.json").read_text())["plan"]["sms_messages"] == {"send": 5}
    assert box.control("GET", "arrivals") == []

    typed(block_of("messages.md", "TEST_RECIPIENT"))
    tried = [(one["to"], one["body"]) for one in box.control("GET", "arrivals")]
    assert tried == [("+15551234567", body) for body in (BEFORE + OURS)[:5]]

    (meltano.project / "plan.json").unlink()
    send = block_of("messages.md", r"\Ameltano \S+ run ")
    typed(send)
    typed(send)
    assert [one["body"] for one in box.control("GET", "arrivals")[len(tried) :]] == OURS


def test_a_backfill(typed, box):
    before = len(box.requests())
    typed(block_of("tap.md", "backfill"))
    assert len(box.requests()) > before
