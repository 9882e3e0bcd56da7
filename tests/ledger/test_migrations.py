"""Ledgers of earlier versions are brought to the newest, once, and keep all that they know."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text

from clicksend.errors import LedgerError
from clicksend.ledger import Ledger, schema
from clicksend.ledger.hiding import HIDDEN
from clicksend.ledger.migrations import MIGRATIONS
from tests.ledger.cases import ACCOUNT, assert_as_described, claim, outcome

pytestmark = pytest.mark.both_databases

BACK_TO_1 = """
create table claims (
    outcome_id varchar(32) primary key references outcomes on delete cascade,
    recipient_hash varchar(64), body_hash varchar(64),
    claimed_at {time} not null, lease_until {time} not null);
create index claims_recipient_hash on claims (recipient_hash);
insert into claims select outcome_id, recipient_hash, body_hash, claimed_at, lease_until
    from outcomes where claimed_at is not null;
drop index outcomes_message_id;
create index outcomes_message_id on outcomes {by_hash} (message_id);
create index outcomes_key on outcomes {by_hash} (key);
alter table outcomes drop column recipient_hash;
alter table outcomes drop column body_hash;
alter table outcomes drop column claimed_at;
alter table outcomes drop column lease_until;
drop index outcomes_scheduled_for;
alter table outcomes drop column scheduled_for;
drop table aliases;
drop table contact_keys;
drop table opt_ins;
delete from meta where name like 'sink:%';
update meta set value = '1' where name = 'schema_version'
"""
SQLITE = {"time": "varchar", "by_hash": ""}
POSTGRESQL = {"time": "timestamp with time zone", "by_hash": "using hash"}


def everything(ledger):
    """Return all outcomes, but for what is hashed when an earlier version's ledger is opened."""
    with ledger._store.read() as connection:
        rows = connection.execute(text("select * from outcomes order by outcome_id")).mappings()
        return [{name: value for name, value in row.items() if name not in HIDDEN} for row in rows]


def test_claims_of_version_1_are_kept(ledger_url):
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        ledger.record("run 1", [outcome("a")])
        ledger.claim("run 1", "sms", [claim("b"), claim("c"), claim("d")], lease_seconds=90)
        answers = [outcome("b", "sent", "sms", message_id="m"), outcome("c", "failed", "sms")]
        ledger.settle("run 1", answers)
        before = everything(ledger)
        with ledger._store.write() as connection:
            names = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL
            for statement in BACK_TO_1.format(**names).split(";"):
                connection.execute(text(statement))
    assert sum(row["recipient_hash"] is not None for row in before) == 2
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        assert everything(ledger) == before
        with ledger._store.read() as connection:
            assert_as_described(connection)
        assert {row["sink"] for row in ledger.show("d")} == {"sms"}
        assert ledger.claim("run 2", "sms", [claim(key) for key in "bcd"], lease_seconds=90) == {"c"}


def grow(connection):
    connection.execute(text("alter table opt_outs add column country varchar(2)"))


def test_an_older_ledger_is_migrated_once(ledger_url, monkeypatch):
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        ledger.record("run 1", [outcome()])
    newest, done = schema.version(), []
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, grow, done.append])
    for opened in (Ledger.existing(ledger_url), Ledger.open(ledger_url, **ACCOUNT)):
        with opened as ledger, ledger._store.read() as connection:
            assert schema.read(connection, "schema_version") == str(newest + 2)
            assert "country" in {column["name"] for column in inspect(connection).get_columns("opt_outs")}
            assert len(ledger.show("k")) == 1
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


def test_a_newer_ledger_is_refused(ledger_url, monkeypatch):
    newest = schema.version()
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, grow])
    Ledger.open(ledger_url, **ACCOUNT).close()
    monkeypatch.undo()
    for opens in (lambda: Ledger.open(ledger_url, **ACCOUNT), lambda: Ledger.existing(ledger_url)):
        with pytest.raises(LedgerError, match=rf"version {newest + 1}, .* up to {newest}: upgrade"):
            opens()
