"""A ledger that version 2 wrote, with the input that filled it: nothing goes out a second time.

``recorded/ledger_version_2.sql`` is what its code left after ``recorded/ledger_version_2.jsonl``.
"""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import text
from tap_runner import CREDENTIALS
from target_runner import record, run_target, schema

from clicksend.hashing import text_hasher
from clicksend.ledger import Ledger
from clicksend.ledger.schema import version
from clicksend.sandbox import Sandbox
from target_clicksend.keys import Keys
from target_clicksend.repairing import opened, rebuild

RECORDED = Path(__file__).parent / "recorded"
LINES = [json.loads(line) for line in (RECORDED / "ledger_version_2.jsonl").read_text().splitlines()]
SENDING = dict.fromkeys(("numbers", "times", "texts", "pairs", "owned"), "sms_messages")
CONFIG = {"opt_out": "ignore", "streams": SENDING, "create_missing_lists": True}


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=450, contacts=260) as box:
        yield box


@pytest.fixture
def old_ledger(ledger_url, box):
    """Return the URL of the ledger as version 2 left it, in both databases."""
    dump = (RECORDED / "ledger_version_2.sql").read_text()
    box.control("POST", "reset")
    if ledger_url.startswith("sqlite"):
        with sqlite3.connect(ledger_url.removeprefix("sqlite:///")) as database:
            database.executescript(dump)
        return ledger_url
    import psycopg

    dump = re.sub(r"(_at|_until|seen_at) VARCHAR", r"\1 TIMESTAMP WITH TIME ZONE", dump)
    dump = dump.replace("price VARCHAR", "price NUMERIC").replace("BEGIN TRANSACTION;", "BEGIN;")
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute(dump)
    return ledger_url


def sms(lines=LINES):
    """Return the messages of the streams that send."""
    return [line for line in lines if line["stream"] != "contacts"]


def rows(lines):
    return [line for line in lines if line["type"] == "RECORD"]


def test_the_same_input_sends_nothing(box, old_ledger):
    for _ in range(2):
        ran = run_target(box.api_url, sms(), ledger_url=old_ledger, **CONFIG)
        assert (ran.rows("sms_messages"), ran.code) == ({"duplicate": len(rows(sms()))}, 0)
        # 1 and true, two keys of version 2, are one now: the other's text is said.
        assert (ran.report["conflicts"], ran.writes) == (1, [])
    with Ledger.existing(old_ledger) as ledger, ledger._store.read() as connection:
        found = connection.execute(text("select value from meta where name = 'schema_version'")).scalar()
        assert found == str(version())


OTHERWISE = {
    "numbers": {1: "1.0", "2": 2, 3.0: "3", "4.0": 4, "1.10": 1.1, 2.5: "2.50", "007": "007 ", "-0": 0},
    "times": {
        "2026-01-01": "2026-01-01T00:00:00+00:00",
        "2026-01-02T00:00:00+00:00": "2026-01-02",
        "2026-01-03 10:00:00": "2026-01-03T10:00:00.000Z",
    },
    "texts": {
        "A1      ": "A1",
        "7C9E6679-7425-40DE-944B-E07FC1F90AE7": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    },
}


def spelled_otherwise(lines):
    """Return the same rows as another tap, or a newer version of it, writes them."""
    for line in lines:
        others = OTHERWISE.get(line["stream"], {})
        (key, *_) = line.get("record", {"": None}).items()
        if line["type"] == "RECORD" and line["stream"] in OTHERWISE and key[1] in others:
            yield line | {"record": line["record"] | {key[0]: others[key[1]]}}
        else:
            yield line


def test_a_tap_that_spells_keys_otherwise_after_the_first_run_sends_nothing(box, old_ledger):
    run_target(box.api_url, sms(), ledger_url=old_ledger, **CONFIG)
    ran = run_target(box.api_url, spelled_otherwise(sms()), ledger_url=old_ledger, **CONFIG)
    assert (ran.rows("sms_messages"), ran.writes) == ({"duplicate": len(rows(sms()))}, [])


def test_key_columns_in_another_order_are_known(box, old_ledger):
    lines = [
        line | {"key_properties": line["key_properties"][::-1]} if line["type"] == "SCHEMA" else line
        for line in sms()
        if line["stream"] == "pairs"
    ]
    ran = run_target(box.api_url, lines, ledger_url=old_ledger, **CONFIG)
    assert ran.rows("sms_messages") == {"duplicate": 2}


def test_a_lost_ledger_that_is_rebuilt_knows_the_keys_of_older_versions(box, tmp_path):
    """The history shows the tokens that version 2 gave its messages."""
    box.control("POST", "reset")
    dump = (RECORDED / "ledger_version_2.sql").read_text()
    tokens = sorted(set(re.findall(r"sc-[0-9a-f]{32}", dump)))
    assert len(tokens) == len(rows(sms()))
    messages = [
        {"to": f"+614915702{number:02}", "body": f"{number}", "custom_string": token}
        for number, token in enumerate(tokens)
    ]
    sent = requests.post(
        f"{box.api_url}/sms/send", json={"messages": messages}, auth=tuple(CREDENTIALS.values()), timeout=10
    )
    assert sent.status_code == 200
    url = f"sqlite:///{tmp_path}/new.db"
    config = {"api_url": box.api_url, "ledger_url": url, **CREDENTIALS}
    with opened(config, new=True) as run:
        assert sum(one.ours for one in rebuild(run, datetime(2026, 1, 1, tzinfo=UTC))) == len(tokens)
    ran = run_target(box.api_url, sms(), ledger_url=url, **CONFIG)
    assert (ran.rows("sms_messages"), ran.writes) == ({"duplicate": len(tokens)}, [])


def test_a_key_shows_what_an_older_version_wrote_of_it(box, old_ledger):
    run_target(box.api_url, sms(), ledger_url=old_ledger, **CONFIG)
    key = Keys("sms_messages", "numbers", {"id": "id"}, frozenset(), text_hasher("")).of({"id": "2"})[0]
    with Ledger.existing(old_ledger) as ledger:
        assert [row["outcome"] for row in ledger.show(key)] == ["sent"]


def test_new_rows_go_out_and_once(box, old_ledger):
    lines = [schema("numbers", ["id", "to", "body"])]
    lines += [record("numbers", {"id": 500 + n, "to": "+61491570150", "body": f"New {n}"}) for n in range(3)]
    first = run_target(box.api_url, [*sms(), *lines], ledger_url=old_ledger, **CONFIG)
    assert first.rows("sms_messages") == {"duplicate": len(rows(sms())), "sent": 3}
    again = run_target(box.api_url, [*sms(), *lines], ledger_url=old_ledger, **CONFIG)
    assert again.rows("sms_messages") == {"duplicate": len(rows(sms())) + 3}


def test_a_known_stream_of_an_older_version_is_no_new_one(box, old_ledger):
    with Ledger.existing(old_ledger) as ledger:
        assert ledger.knows_stream("sms_messages", "numbers", "numbers", ["id"])
        assert ledger.knows_stream("sms_messages", "pairs", "pairs", ["nr", "shop"])
        assert not ledger.knows_stream("sms_messages", "numbers", "numbers", ["other"])
        assert not ledger.knows_stream("sms_messages", "public-numbers", "public-numbers", ["id"])


def test_contacts_that_an_older_version_made_are_found_by_their_key(box, old_ledger):
    keys = Keys("contacts", "contacts", {"id": "id"}, frozenset(), text_hasher(""))
    with Ledger.existing(old_ledger) as ledger:
        for value in (1, "2.0", "2026-02-01"):
            key = keys.of({"id": value})[0]
            assert ledger.contacts_of({key: keys.older({"id": value})}).keys() == {key}
