"""The ledger's database: private, durable, versioned, and clear about what is wrong with it."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from clicksend.errors import LedgerError
from clicksend.ledger import schema
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.store import Store
from tests.ledger.cases import ACCOUNT, assert_as_described, claim, in_new_schema

pytestmark = pytest.mark.both_databases


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_reads_a_ledger(tmp_path, monkeypatch):
    path, modes = tmp_path / "ledger.db", []
    before = os.umask(0)
    try:
        with Ledger.open(f"sqlite:///{path}", **ACCOUNT) as ledger, ledger._store.write() as connection:
            connection.execute(text("insert into meta values ('a', 'b')"))
            modes = [mode(file) for file in tmp_path.iterdir()]
    finally:
        os.umask(before)
    assert modes == [0o600] * 4  # its log and the index of that too, and its key


def test_the_file_is_private_before_its_first_byte(tmp_path):
    before = os.umask(0)
    try:
        store = Store(f"sqlite:///{tmp_path}/ledger.db")
    finally:
        os.umask(before)
    store.close()
    assert mode(tmp_path / "ledger.db") == 0o600
    assert (tmp_path / "ledger.db").stat().st_size == 0


def test_a_ledger_that_others_can_read_is_closed_to_them(tmp_path):
    path = tmp_path / "ledger.db"
    Ledger.open(f"sqlite:///{path}", **ACCOUNT).close()
    path.chmod(0o644)
    Ledger.existing(f"sqlite:///{path}").close()
    assert mode(path) == 0o600


def test_opening_a_ledger_again_keeps_the_locks_of_the_first(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    connects = f"sqlite3.connect({str(tmp_path / 'ledger.db')!r}, timeout=0)"
    other = f"import sqlite3; {connects}.execute('BEGIN IMMEDIATE')"
    with Ledger.open(url, **ACCOUNT) as ledger, ledger._store.write():
        Ledger.existing(url).close()
        done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("journal", [None, "truncate"])
def test_all_who_open_a_ledger_first_share_it(tmp_path, journal):
    """Also one that an earlier version left with another journal."""

    def opened(url):
        together.wait()
        with Ledger.open(url, **ACCOUNT) as ledger:
            return ledger.outcomes.counts("run 1")

    together = Barrier(8)
    for number in range(20):
        path = tmp_path / f"{number}.db"
        if journal:
            Ledger.open(f"sqlite:///{path}", **ACCOUNT).close()
            with closing(sqlite3.connect(path)) as database:
                database.execute(f"pragma journal_mode = {journal}")
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(opened, [f"sqlite:///{path}"] * 8)) == [{}] * 8


def test_what_is_committed_is_on_disk(ledger):
    with ledger._store.write() as connection:
        if connection.dialect.name == "sqlite":
            found = [
                connection.execute(text(f"pragma {name}")).scalar()
                for name in ("synchronous", "journal_mode", "secure_delete")
            ]
            assert found == [2, "wal", 1]
        else:
            # The server of these tests has it off.
            assert connection.execute(text("show synchronous_commit")).scalar() == "on"
            assert connection.execute(text("show transaction_isolation")).scalar() == "read committed"


def test_what_fails_leaves_no_trace(ledger):
    def fails():
        with ledger._store.write() as connection:
            connection.execute(text("insert into meta values ('a', 'b')"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    with ledger._store.read() as connection:
        assert schema.read_meta(connection, "a") is None


def test_every_table_is_as_described(ledger):
    with ledger._store.read() as connection:
        assert_as_described(connection)


def test_look_ups_use_an_index(tmp_path):
    queries = {
        "select * from outcomes where outcome_id in ('i')": "sqlite_autoindex_outcomes",
        "select * from outcomes where outcome = 'unknown' and run_id = 'r'": "outcomes_unknown",
        "select * from outcomes where message_id in ('m')": "outcomes_message_id",
        "select * from outcomes order by updated_at, outcome_id": "outcomes_updated_at",
        "select * from outcomes where recipient_hash in ('h')": "outcomes_recipient_hash",
    }
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", **ACCOUNT) as ledger:
        ledger.claims.recently_sent([], since=datetime.now(UTC))  # makes the index of recipients
    connection = sqlite3.connect(tmp_path / "ledger.db")
    for query, index in queries.items():
        plan = connection.execute(f"explain query plan {query}").fetchall()
        assert index in str(plan), query
    connection.close()


@pytest.mark.parametrize("name", ["meta", "outcomes"])
def test_tables_of_somebody_else_are_left_alone(ledger_url, name):
    store = Store(ledger_url)
    with store.write() as connection:
        connection.execute(text(f"create table {name} (city varchar(9))"))
    store.close()
    with pytest.raises(LedgerError, match="other tables"):
        Ledger.open(ledger_url, **ACCOUNT)


@pytest.mark.parametrize("exists", [False, True])
def test_a_read_only_database_is_called_that(ledger_postgres, exists):
    url = in_new_schema(ledger_postgres)
    if exists:
        Ledger.open(url, **ACCOUNT, pii_key="a key that nobody guesses").close()
    with pytest.raises(LedgerError, match="database is read-only") as caught:
        Ledger.open(f"{url}%20-cdefault_transaction_read_only%3Don", **ACCOUNT)
    assert "other tables" not in str(caught.value)


def test_a_schema_that_is_missing_or_forbidden_is_called_that(ledger_postgres):
    url = in_new_schema(ledger_postgres)
    with pytest.raises(LedgerError, match="no schema to make its tables in"):
        Ledger.open(f"{url}_nowhere", **ACCOUNT)
    with psycopg.connect(ledger_postgres, autocommit=True) as connection:
        role = f"guest_{uuid4().hex}"
        connection.execute(f"create role {role}")
        connection.execute(f"grant usage on schema {url.rpartition('%3D')[2]} to {role}")
    with pytest.raises(LedgerError, match="user lacks a right"):
        Ledger.open(f"{url}%20-crole%3D{role}", **ACCOUNT)


def test_a_read_only_file_is_called_that(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/ledger.db")

    def migrate():
        with store.read() as connection:
            connection.exec_driver_sql("pragma query_only = on")
            schema.migrate(connection)

    with pytest.raises(LedgerError, match="readonly") as caught:
        migrate()
    store.close()
    assert "other tables" not in str(caught.value)


def test_a_ledger_that_is_not_there_is_not_made_by_reading(ledger_url, tmp_path):
    with pytest.raises(LedgerError, match="check ledger_url"):
        Ledger.existing(ledger_url)
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "must be a SQLAlchemy URL"),
        ("ledger.db", "must be a SQLAlchemy URL"),
        ("mysql://root:secret@localhost/x", "must be a SQLAlchemy URL"),
        ("nonsense+x://root:secret@localhost/x", "must be a SQLAlchemy URL"),
        ("sqlite://", "plain file"),
        ("sqlite:///:memory:", "plain file"),
        ("sqlite:///file:x?mode=memory&uri=true", "plain file"),
        (
            "sqlite:////no/such/folder/ledger.db",
            "folder of the ledger /no/such/folder/ledger.db does not exist",
        ),
        ("sqlite:////proc", "plain file, but /proc is a link, a folder or a device"),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql+psycopg2://user:secret@127.0.0.1:1/x", "needs the database driver psycopg2"),
        ("postgresql+psycopg://user:secret@127.0.0.1:port/x", "must be a SQLAlchemy URL"),
    ],
)
def test_wrong_urls_are_named_in_a_sentence(url, says):
    with pytest.raises(LedgerError, match=says) as caught:
        Ledger.open(url, **ACCOUNT)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "ledger.db").write_text("no database " * 1000)
    with pytest.raises(LedgerError, match="file is not a database"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db", **ACCOUNT)


def test_a_plain_postgresql_url_will_do(ledger_postgres):
    with pytest.raises(LedgerError, match="There is no ledger yet"):
        Ledger.existing(ledger_postgres)


def test_neither_logs_nor_errors_show_values(ledger, caplog):
    with caplog.at_level(logging.DEBUG):
        ledger.claims.claim("run 1", "sms", [claim("hidden")], lease_seconds=90)
        twice = text("insert into meta values (:a, :a), (:a, :a)")
        with pytest.raises(LedgerError) as caught, ledger._store.write() as connection:
            connection.execute(twice, {"a": "hidden"})
    assert "hidden" not in caplog.text + str(caught.value)


def test_opening_costs_no_more_than_it_must():
    code = "import sys, clicksend.cli; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
