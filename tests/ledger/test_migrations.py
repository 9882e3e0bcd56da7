"""Ledgers of earlier versions are brought to the newest, once, and keep all that they know."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import inspect, text

from clicksend.errors import LedgerError
from clicksend.ledger import schema
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.schema import MIGRATIONS
from clicksend.ledger.store import Store
from tests.ledger.cases import ACCOUNT, outcome

pytestmark = pytest.mark.both_databases


def grow(connection):
    connection.execute(text("alter table opt_outs add column country varchar(2)"))


def test_an_older_ledger_is_migrated_once(ledger_url, monkeypatch):
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        ledger.outcomes.record("run 1", [outcome()])
    newest, done = schema.version(), []
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, grow, done.append])
    for opened in (Ledger.existing(ledger_url), Ledger.open(ledger_url, **ACCOUNT)):
        with opened as ledger, ledger._store.read() as connection:
            assert schema.read_meta(connection, "schema_version") == str(newest + 2)
            assert "country" in {column["name"] for column in inspect(connection).get_columns("opt_outs")}
            assert len(ledger.outcomes.of_key("k")) == 1
    assert len(done) == 1


def test_a_migration_that_fails_changes_nothing(ledger_url, monkeypatch):
    Ledger.open(ledger_url, **ACCOUNT).close()

    def fails(connection):
        grow(connection)
        connection.execute(text("alter table nothing add column country varchar(2)"))

    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, fails])
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger.open(ledger_url, **ACCOUNT)
    monkeypatch.undo()
    with Ledger.open(ledger_url, **ACCOUNT) as ledger, ledger._store.read() as connection:
        assert "country" not in {column["name"] for column in inspect(connection).get_columns("opt_outs")}


def test_a_ledger_of_a_version_that_was_never_in_use_is_refused(ledger_url):
    with Ledger.open(ledger_url, **ACCOUNT) as ledger, ledger._store.write() as connection:
        schema.write_meta(connection, "schema_version", "1")
    for opens in (lambda: Ledger.open(ledger_url, **ACCOUNT), lambda: Ledger.existing(ledger_url)):
        with pytest.raises(LedgerError, match=r"version 1, .* from 2 on"):
            opens()
    with closing(Store(ledger_url)) as store, store.read() as connection:
        assert schema.read_meta(connection, "schema_version") == "1"


def test_a_newer_ledger_is_refused(ledger_url, monkeypatch):
    newest = schema.version()
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, grow])
    Ledger.open(ledger_url, **ACCOUNT).close()
    monkeypatch.undo()
    for opens in (lambda: Ledger.open(ledger_url, **ACCOUNT), lambda: Ledger.existing(ledger_url)):
        with pytest.raises(LedgerError, match=rf"version {newest + 1}, .* up to {newest}: upgrade"):
            opens()
