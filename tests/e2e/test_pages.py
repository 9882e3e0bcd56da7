"""The pages that a new user follows with Meltano: their commands, typed into a shell as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
import yaml

from clicksend.sandbox import Sandbox
from demo.pipeline import with_host_and_password
from tests.e2e.meltano_project import connection, query

pytestmark = pytest.mark.long
DOCS = Path(__file__).parents[2] / "docs"
CUSTOMERS = [("(201) 555-0101", "gold"), ("+61 412 345 678", "blue"), ("12", None)]
BEFORE = [f"Sent by another system, no. {number}." for number in range(3)]
OURS = [f"Your order no. {number} is on its way." for number in range(5)]


def block(page: str, pattern: str, kind: str = "bash") -> str:
    """Return the only block of a page in which a pattern is found, without the page's indent."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^\1```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    (text,) = [text for text in (textwrap.dedent(text) for _, text in found) if re.search(pattern, text)]
    return text


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
    given = yaml.safe_load(block("contacts.md", "create_missing_lists", "yaml"))["config"]
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

    def typed(text: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", text],
            cwd=meltano.project,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return typed


def add(warehouse: str, bodies: list[str]) -> None:
    with psycopg.connect(warehouse) as database:
        insert = 'insert into messages ("to", body) values (%s, %s)'
        database.cursor().executemany(insert, [(f"+1312555{n:04}", body) for n, body in enumerate(bodies)])


def test_start(typed, warehouse):
    typed(block("start.md", "clicksend-to-warehouse"))
    assert query(warehouse, "select count(*) from clicksend.sms_history")[0][0] > 0


def test_contacts(typed):
    said = typed(block("contacts.md", "DRY_RUN"))
    counts = set(re.findall(r"contacts (\d+) (\w+)", said))
    assert counts == {("2", "create"), ("2", "created"), ("1", "rejected")}, said
    assert "phone_number has too few or too many digits" in typed(block("contacts.md", ":ledger list"))


def test_messages(typed, warehouse, box, meltano):
    """The first send, in its five steps; what another system sent before is never sent."""
    add(warehouse, BEFORE)
    typed(block("messages.md", "baseline"))
    add(warehouse, OURS)
    typed(block("messages.md", "plan.json"))
    assert json.loads((meltano.project / "plan.json").read_text())["plan"]["sms_messages"] == {"send": 5}
    assert box.control("GET", "arrivals") == []

    typed(block("messages.md", "TEST_RECIPIENT"))
    tried = [(one["to"], one["body"]) for one in box.control("GET", "arrivals")]
    assert tried == [("+15551234567", body) for body in (BEFORE + OURS)[:5]]

    (meltano.project / "plan.json").unlink()
    send = block("messages.md", r"\Ameltano \S+ run ")
    typed(send)
    typed(send)
    assert [one["body"] for one in box.control("GET", "arrivals")[len(tried) :]] == OURS


def test_a_backfill(typed, box):
    before = len(box.requests())
    typed(block("tap.md", "backfill"))
    assert len(box.requests()) > before
