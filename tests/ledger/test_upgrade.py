"""Ledgers that versions 2 and 3 wrote, with the input that filled them: nothing goes out a second time.

``ledger_version_2.sql`` is what its code left after ``ledger_version_2.jsonl``; so is that
of version 3, but for the answer to one message, which was taken out of it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from clicksend.hashing import unkeyed_hasher
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Outcome
from clicksend.ledger.schema import metadata, version
from clicksend.sandbox import Sandbox
from target_clicksend.keys import Keys
from target_clicksend.ledger_tools import opened
from target_clicksend.messages.reconcile import Search
from target_clicksend.rebuild import rebuild
from tests.tap.runner import CREDENTIALS
from tests.target.runner import record, run_target, schema

RECORDED = Path(__file__).parent
VERSIONS = (2, 3)
STREAMS = ("numbers", "times", "texts", "pairs", "owned", "people", "owned-people")
SENDING = dict.fromkeys(STREAMS, "sms_messages")
CONFIG = {"opt_out": "ignore", "streams": SENDING, "create_missing_lists": True}


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=450, contacts=260) as box:
        yield box


def dump_of(version):
    return (RECORDED / f"ledger_version_{version}.sql").read_text()


@pytest.fixture(params=VERSIONS)
def old(request):
    """Return an older version of the ledger."""
    return request.param


@pytest.fixture
def sms(old):
    """Return the messages of the streams that send, of which an older version's ledger knows."""
    lines = (RECORDED / f"ledger_version_{old}.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["stream"] != "contacts"]


@pytest.fixture
def old_ledger(ledger_url, box, old):
    """Return the URL of the ledger as an older version left it, in both databases."""
    return fill(ledger_url, box, old)


def fill(ledger_url, box, version):
    dump = dump_of(version)
    box.control("POST", "reset")
    if ledger_url.startswith("sqlite"):
        with closing(sqlite3.connect(ledger_url.removeprefix("sqlite:///"))) as database, database:
            database.executescript(dump)
        return ledger_url
    import psycopg

    dump = re.sub(r"(_at|_until|_for) VARCHAR", r"\1 TIMESTAMP WITH TIME ZONE", dump)
    dump = dump.replace("price VARCHAR", "price NUMERIC").replace("BEGIN TRANSACTION;", "BEGIN;")
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute(dump)
    return ledger_url


def rows(lines):
    return [line for line in lines if line["type"] == "RECORD"]


@pytest.mark.both_databases
def test_the_same_input_sends_nothing(box, old_ledger, old, sms):
    for _ in range(2):
        ran = run_target(box.api_url, sms, ledger_url=old_ledger, **CONFIG)
        # Of version 3 one answer was lost.
        assert (ran.rows("sms_messages"), ran.code) == ({"duplicate": len(rows(sms))}, 3 * (old == 3))
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


def test_a_tap_that_spells_keys_otherwise_after_the_first_run_sends_nothing(box, old_ledger, sms):
    run_target(box.api_url, sms, ledger_url=old_ledger, **CONFIG)
    ran = run_target(box.api_url, spelled_otherwise(sms), ledger_url=old_ledger, **CONFIG)
    assert (ran.rows("sms_messages"), ran.writes) == ({"duplicate": len(rows(sms))}, [])


def test_key_columns_in_another_order_are_known(box, old_ledger, sms):
    lines = [
        line | {"key_properties": line["key_properties"][::-1]} if line["type"] == "SCHEMA" else line
        for line in sms
        if line["stream"] == "pairs"
    ]
    ran = run_target(box.api_url, lines, ledger_url=old_ledger, **CONFIG)
    assert ran.rows("sms_messages") == {"duplicate": 2}


def test_a_lost_ledger_that_is_rebuilt_knows_the_keys_of_older_versions(box, tmp_path, old, sms):
    """The history shows the tokens that the version gave its messages."""
    box.control("POST", "reset")
    tokens = sorted(set(re.findall(r"sc-[0-9a-f]{32}", dump_of(old))))
    sms = [line for line in sms if line["stream"] != "people"]
    assert len(tokens) == len(rows(sms)) - (old == 3)
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
    ran = run_target(box.api_url, sms, ledger_url=url, **CONFIG)
    assert (ran.rows("sms_messages"), ran.writes) == ({"duplicate": len(rows(sms))}, [])


def test_a_key_shows_what_an_older_version_wrote_of_it(box, old_ledger, sms):
    run_target(box.api_url, sms, ledger_url=old_ledger, **CONFIG)
    with Ledger.existing(old_ledger) as ledger:
        keys = Keys("sms_messages", "numbers", {"id": "id"}, frozenset(), ledger.privacy.fingerprint)
        key = keys.for_row({"id": "2"})[0]
        assert [row["outcome"] for row in ledger.outcomes.of_key(key)] == ["sent"]


def test_new_rows_go_out_and_once(box, old_ledger, sms):
    lines = [schema("numbers", ["id", "to", "body"])]
    lines += [record("numbers", {"id": 500 + n, "to": "+61491570150", "body": f"New {n}"}) for n in range(3)]
    first = run_target(box.api_url, [*sms, *lines], ledger_url=old_ledger, **CONFIG)
    assert first.rows("sms_messages") == {"duplicate": len(rows(sms)), "sent": 3}
    again = run_target(box.api_url, [*sms, *lines], ledger_url=old_ledger, **CONFIG)
    assert again.rows("sms_messages") == {"duplicate": len(rows(sms)) + 3}


@pytest.mark.both_databases
def test_a_known_stream_of_an_older_version_is_no_new_one(box, old_ledger, sms):
    with Ledger.existing(old_ledger) as ledger:
        assert ledger.memory.knows_stream("sms_messages", "numbers", "numbers", ["id"])
        assert ledger.memory.knows_stream("sms_messages", "pairs", "pairs", ["nr", "shop"])
        assert not ledger.memory.knows_stream("sms_messages", "numbers", "numbers", ["other"])
        assert not ledger.memory.knows_stream("sms_messages", "public-numbers", "public-numbers", ["id"])


@pytest.mark.both_databases
def test_contacts_that_an_older_version_made_are_found_by_their_key(box, old_ledger, sms):
    with Ledger.existing(old_ledger) as ledger:
        keys = Keys("contacts", "contacts", {"id": "id"}, frozenset(), ledger.privacy.fingerprint)
        for value in (1, "2.0", "2026-02-01"):
            key = keys.for_row({"id": value})[0]
            assert ledger.memory.contacts_of(
                {key: keys.older({"id": value}, ledger.privacy.older_keys)}
            ).keys() == {key}


CANARIES = ("61411222", "0411 222", "0411222", "anary", "Zo", "autumn", "order-", "Letter", "xxxxx")


def held(url):
    """Return all that a ledger holds: the bytes of its files, or what its tables show."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(one.read_bytes() for one in path.parent.glob("ledger.db*") if one.suffix != ".key")
    with Ledger.existing(url) as ledger, ledger._store.read() as connection:
        tables = [connection.execute(table.select()) for table in metadata.sorted_tables]
        return "".join(str(list(table)) for table in tables).encode()


ACCOUNT = {"api_url": "http://127.0.0.1/v3", "user_id": "672721"}


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "opens", [partial(Ledger.open, **ACCOUNT), Ledger.existing], ids=["open", "existing"]
)
def test_what_an_older_version_held_in_clear_is_hidden_once(old_ledger, old, opens):
    before = dump_of(old)
    assert sum(canary in before for canary in CANARIES) >= 2
    for _ in range(2):
        opens(old_ledger).close()
        assert [canary for canary in CANARIES if canary.encode() in held(old_ledger)] == []
    hash_key = re.search(r"'hash_key','(\w+)'", before)[1]
    assert hash_key.encode() not in held(old_ledger)
    with Ledger.existing(old_ledger) as ledger:
        shown = [
            json.loads(row["source_key"]) for row in ledger.outcomes.newest() if row["stream"] == "numbers"
        ]
        assert {"id": 1} in shown
        assert {row["key"] for row in ledger.outcomes.of_key("order-17")} == {
            ledger.privacy.fingerprint("order-17")
        }


@pytest.mark.both_databases
def test_declared_columns_of_an_older_version_stay_clear(old_ledger, old):
    declared = ["campaign", "custom_string", "idempotency_key"]
    Ledger.existing(old_ledger, clear=declared).close()
    found = held(old_ledger)
    assert [text in found for text in (b"autumn", b"for-61411222334")] == [old == 3] * 2
    assert b"order-17" in found


@pytest.fixture
def version_3(ledger_url, box):
    return fill(ledger_url, box, 3)


@pytest.mark.both_databases
def test_custom_strings_of_an_older_version_are_found_by_their_hash(version_3):
    now = datetime(2026, 12, 1, tzinfo=UTC)
    with Ledger.existing(version_3, now=lambda: now) as ledger:
        assert len(ledger.schedules.message_ids("sms_messages", " for-61411222333 ")) == 1
        assert ledger.schedules.message_ids("sms_messages", "for-6141122233") == []
        (unknown,) = ledger.reconciliation.open_claims("sms_messages")
        row = {"custom_string": "for-61411222335", "to": "+61411222335", "body": "Hello 2", "message_id": "M"}
        row["date"] = int(unknown.claimed_at.timestamp())
        search = Search(ledger, [unknown], "date", shows_text=True)
        assert not search.concerns(row | {"custom_string": "for-61411222336"})
        assert search.concerns(row)
        (found,) = search.found_in({"M": row})
        assert found.outcome_id == unknown.outcome_id


def test_a_test_recipient_gets_nothing_twice(box, version_3, tmp_path):
    """What was tried with an older version is known as well."""
    row = {"id": 1, "to": "+61491570150", "body": "x"}
    lines = [schema("numbers", row), record("numbers", row)]
    config = {**CONFIG, "test_recipient": "+61491570156", "ledger_url": version_3}
    key = Keys("sms_messages", "numbers", {"id": "id"}, frozenset(), unkeyed_hasher()).for_row({"id": 1})[0]
    tried = unkeyed_hasher()(f"+61491570156\0{key}")
    with Ledger.existing(version_3) as ledger:
        ledger.outcomes.record(
            "run", [Outcome(sink="sms_messages", key=tried, stream="numbers", outcome="sent")]
        )
    assert run_target(box.api_url, lines, **config).rows("sms_messages") == {"duplicate": 1}
