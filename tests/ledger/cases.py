"""What the tests of the ledger share: an account, a clock, rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import inspect

from clicksend.ledger.records import Claim, Outcome
from clicksend.ledger.schema import metadata

KEY_FILE = "TEST_LEDGER_KEY_FILE"
"""Variable that tells other processes where the key file of the fixture ``ledger_url`` is."""
ACCOUNT = {"api_url": "https://rest.clicksend.com/v3", "user_id": "7"}


def in_new_schema(url):
    """Make a schema in a PostgreSQL; return the URL of a ledger in it."""
    import psycopg

    schema = f"ledger_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
    return url.replace("postgresql:", "postgresql+psycopg:") + f"&options=-csearch_path%3D{schema}"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.time = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.time

    def advance(self, **time):
        self.time += timedelta(**time)


def outcome(key="k", name="created", sink="contacts", **about):
    return Outcome(sink=sink, key=key, stream="people", outcome=name, **about)


def claim(key, **about):
    about = {"custom_string": f"token-{key}", "recipient_hash": f"to-{key}", "body_hash": "body"} | about
    return Claim(key=key, stream="texts", **about)


def final(ledger, sink, keys):
    """Return the outcome of those keys that must not be sent again."""
    return {key: one.outcome for key, one in ledger.outcomes.known(sink, dict.fromkeys(keys, ())).items()}


def stored(ledger, key="k"):
    return {row["sink"]: row for row in ledger.outcomes.of_key(key)}


def assert_as_described(connection):
    inspector = inspect(connection)
    assert set(inspector.get_table_names()) == set(metadata.tables)
    for table in metadata.tables.values():
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        assert columns == set(table.columns.keys())
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert indexes == {index.name for index in table.indexes}
