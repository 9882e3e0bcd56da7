"""The ledger's tables, their version, and the migrations from one to the next.

Recipients and bodies are held as keyed hashes only. Texts that come from rows may hold anything, so no
index is on a text of unlimited length but PostgreSQL's hash index, which has no limit. Every index on what
has no order costs each batch of a large ledger as many pages as it has rows, so there are few.

Who changes a table adds a migration, which says what it does in SQL of its own: the tables described here
change with the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
    inspect,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from clicksend.errors import LedgerError
from clicksend.ledger.store import is_taken

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL (NUL) or UTF-8 (lone surrogates) cannot hold."""


@lru_cache(maxsize=64)
def _iso(moment: datetime) -> str:
    """Return a time as SQLite stores it: ISO 8601 in UTC, to the microsecond.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time in the ledger needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Moment(TypeDecorator[datetime]):
    """A time in UTC, to the microsecond; on SQLite a text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the database's type."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return a time as the database takes it."""
        if value is None:
            return None
        text = _iso(value)
        return text if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read a time."""
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return moment.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """An exact decimal; SQLite has no such type, so there it is a text."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the database's type."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return a decimal as the database takes it, never as a float."""
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Read a decimal."""
        return None if value is None else Decimal(value)


class Free(TypeDecorator[str]):
    """A text that came with a row; what no database can hold becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Make a text storable."""
        if not value or (value.isascii() and "\0" not in value):
            return value
        return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)


metadata = MetaData()

outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", String(32), primary_key=True, comment="Hash of sink and key"),
    Column("key", Free, nullable=False, comment="The row's idempotency_key, or a hash of what identifies it"),
    Column("source_key", Free, comment="The row's key properties, a JSON object"),
    Column("run_id", Free, nullable=False, comment="The run that wrote this outcome"),
    Column("stream", Free, nullable=False),
    Column("sink", Free, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Free, nullable=False),
    Column("message_id", Free),
    Column("contact_id", BigInteger),
    Column("object_id", Free, comment="Of a list, a template or an address"),
    Column("parts", Integer),
    Column("price", Exact),
    Column("currency", Free),
    Column("custom_string", Free, comment="What ClickSend hands back with the message"),
    Column("campaign", Free),
    Column("attempts", Integer, nullable=False, comment="How often the row was judged"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("recipient_hash", String(64)),
    Column("body_hash", String(64)),
    Column("claimed_at", Moment),
    Column("lease_until", Moment, comment="Until then its run may still be sending"),
    Column("scheduled_for", Moment, comment="When ClickSend was asked to send it, null for at once"),
)
CLAIM = ("recipient_hash", "body_hash", "claimed_at", "lease_until", "scheduled_for")
"""The claim of what was or may have been sent; all null where the outcome is another."""

SENT = outcomes.c.outcome == literal_column("'sent'")
UNKNOWN = outcomes.c.outcome == literal_column("'unknown'")
"""Written as in the index, or SQLite does not use it."""
CANCELLED = and_(outcomes.c.outcome == literal_column("'cancelled'"), outcomes.c.claimed_at.is_not(None))
"""A message that was sent with a schedule, then cancelled; the sink ``cancellations`` claims nothing."""
IS_FINAL = or_(SENT, UNKNOWN, CANCELLED)
"""What must not be sent again."""


def _only(condition: Any) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


Index("outcomes_updated_at", outcomes.c.updated_at, outcomes.c.outcome_id)
Index("outcomes_unknown", outcomes.c.run_id, **_only(UNKNOWN))
Index(
    "outcomes_scheduled_for",
    outcomes.c.scheduled_for,
    **_only(outcomes.c.scheduled_for.is_not(None)),
)
Index(
    "outcomes_message_id",
    outcomes.c.message_id,
    postgresql_using="hash",
    **_only(outcomes.c.message_id.is_not(None)),
)

INDEX_OF_RECIPIENTS = (
    "CREATE INDEX IF NOT EXISTS outcomes_recipient_hash ON outcomes (recipient_hash)"
    " WHERE recipient_hash IS NOT NULL"
)
"""Made when the duplicate window first looks at it: keeping it takes a tenth of the time of sending."""

budgets = Table(
    "budgets",
    metadata,
    Column("run_group", Free, primary_key=True, comment="Whose runs spend one cap together"),
    Column("messages", BigInteger, nullable=False, comment="Sent, or perhaps sent, by all of them"),
    Column("spend", Exact, nullable=False, comment="In the account's currency"),
    Column("updated_at", Moment, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Free, primary_key=True),
    Column("sink", Free, primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("rows", BigInteger, nullable=False),
)

aliases = Table(
    "aliases",
    metadata,
    Column("outcome_id", String(32), primary_key=True, comment="Of a key as it is made now"),
    Column("known_as", String(32), nullable=False, comment="Of the same key as an earlier version made it"),
)

contact_keys = Table(
    "contact_keys",
    metadata,
    Column("outcome_id", String(32), primary_key=True, comment="Of the key of a row of contacts"),
    Column("list_id", BigInteger, nullable=False),
    Column("contact_id", BigInteger, nullable=False, comment="The contact that the row last was"),
)

opt_ins = Table(
    "opt_ins",
    metadata,
    Column("hash", String(64), primary_key=True, comment="Of a number that a person opted in again"),
    Column("reason", Free, nullable=False),
    Column("opted_in_at", Moment, nullable=False, comment="Replies before it do not opt out"),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("source", String(16), primary_key=True, comment="list or reply"),
    Column("kind", String(16), nullable=False, comment="phone or email"),
    Column("seen_at", Moment, nullable=False),
)

missing = Table(
    "missing",
    metadata,
    Column("list_id", BigInteger, primary_key=True),
    Column("contact_id", BigInteger, primary_key=True),
    Column("times", Integer, nullable=False, comment="In how many inputs in a row it was missing"),
)

written = Table(
    "written",
    metadata,
    Column("contact_id", BigInteger, primary_key=True),
    Column("wanted", String(64), nullable=False, comment="Hash of what was written"),
    Column("found", String(64), nullable=False, comment="Hash of what was read back"),
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

SINK = "sink:"
"""Prefix of the names in meta that say which sinks have claimed anything; ``runs`` says it too, but only of
what is counted."""
OLDER_KEYS = "has_older_keys"
"""Name in meta: versions 1 and 2, which wrote keys in another form, have recorded outcomes."""
VERSION_3_KEYS = "version_3_keys"
"""Name in meta: version 3 or an earlier one made keys, and whether it hashed them with a key."""
UNKEYED, KEYED = "unkeyed", "keyed"
CLEAR_ROWS = "has_clear_rows"
"""Name in meta: rows of these versions are not hidden yet."""
HASH_KEY = "hash_key"
"""Name in meta under which versions 1 to 3 stored the key of the hashes."""


def read_meta(connection: Connection, name: str) -> str | None:
    """Return the value of a name in meta, None where it has none."""
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def write_meta(connection: Connection, name: str, value: str) -> None:
    """Set the value of a name in meta."""
    statement = text(
        "INSERT INTO meta (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    connection.execute(statement, {"name": name, "value": value})


NAMED_KEYS = """
ALTER TABLE outcomes ADD COLUMN scheduled_for {time};
CREATE INDEX outcomes_scheduled_for ON outcomes (scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE TABLE aliases (outcome_id VARCHAR(32) PRIMARY KEY, known_as VARCHAR(32) NOT NULL);
CREATE TABLE contact_keys
    (outcome_id VARCHAR(32) PRIMARY KEY, list_id BIGINT NOT NULL, contact_id BIGINT NOT NULL);
CREATE TABLE opt_ins
    (hash VARCHAR(64) PRIMARY KEY, reason TEXT NOT NULL, opted_in_at {time} NOT NULL);
INSERT INTO contact_keys SELECT outcome_id, CAST(object_id AS BIGINT), contact_id FROM outcomes
    WHERE sink = 'contacts' AND outcome IN ('created', 'updated', 'copied', 'transferred')
    AND contact_id IS NOT NULL AND object_id IS NOT NULL;
INSERT INTO meta (name, value) SELECT 'has_older_keys', 'true' WHERE EXISTS (SELECT 1 FROM outcomes)
"""


def _name_keys(connection: Connection) -> None:
    """Make room for keys of names and values: those of versions 1 and 2 stay known under their own ids."""
    time = "VARCHAR" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for statement in NAMED_KEYS.format(time=time).split(";"):
        connection.exec_driver_sql(statement)


CLEAR_ROWS_NOTED = """
INSERT INTO meta (name, value)
    SELECT 'version_3_keys', CASE WHEN EXISTS (SELECT 1 FROM meta WHERE name = 'hash_key') THEN 'unkeyed'
        ELSE 'keyed' END
    WHERE EXISTS (SELECT 1 FROM outcomes) OR EXISTS (SELECT 1 FROM contact_keys);
INSERT INTO meta (name, value) SELECT 'has_clear_rows', 'true' WHERE EXISTS (SELECT 1 FROM outcomes)
"""


def _mark_clear_rows(connection: Connection) -> None:
    """Record how keys were made, and that rows are to be hidden: for that the key of the hashes is needed."""
    for statement in CLEAR_ROWS_NOTED.split(";"):
        connection.exec_driver_sql(statement)


BUDGETS = """
CREATE TABLE budgets
    (run_group TEXT PRIMARY KEY, messages BIGINT NOT NULL, spend {exact} NOT NULL, updated_at {time} NOT NULL)
"""


def _add_budgets(connection: Connection) -> None:
    """Make room for what groups of runs have spent."""
    is_sqlite = connection.dialect.name == "sqlite"
    exact, time = ("VARCHAR", "VARCHAR") if is_sqlite else ("NUMERIC", "TIMESTAMP WITH TIME ZONE")
    connection.exec_driver_sql(BUDGETS.format(exact=exact, time=time))


OLDEST = 2
"""The oldest version that is upgraded; version 1 was never in use."""
Migration = Callable[[Connection], None]
MIGRATIONS: Sequence[Migration] = (_name_keys, _mark_clear_rows, _add_budgets)
"""What makes version 3 of version 2, version 4 of version 3, and so on."""

FOREIGN = (
    "The database holds other tables of the ledger's names: give the ledger a database or a schema of its"
    " own (on PostgreSQL add ?options=-csearch_path%3Dname to ledger_url)."
)


def version() -> int:
    """Return the version that this code reads and writes."""
    return OLDEST + len(MIGRATIONS)


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version, or create them; a writer is alone, so one process does it.

    Raises:
        LedgerError: The ledger is newer than this code or older than any in use, or the tables are not the
            ledger's.
    """
    found = found_version(connection)
    if found is None:
        _create(connection)
    else:
        for migration in MIGRATIONS[found - OLDEST :]:
            migration(connection)
    write_meta(connection, "schema_version", str(version()))


def found_version(connection: Connection) -> int | None:
    """Return the version of the tables, None when there are none.

    Raises:
        LedgerError: The ledger is newer than this code or older than any in use, or the tables are not the
            ledger's.
    """
    inspector = inspect(connection)
    if not inspector.has_table("meta"):
        return None
    if {column["name"] for column in inspector.get_columns("meta")} != set(meta.columns.keys()):
        raise LedgerError(FOREIGN)
    found = read_meta(connection, "schema_version")
    if found is None:
        raise LedgerError(FOREIGN)
    if int(found) > version():
        raise LedgerError(
            f"The ledger has version {found}, but this program knows only versions up to {version()}:"
            " upgrade singer-clicksend."
        )
    if int(found) < OLDEST:
        raise LedgerError(
            f"The ledger has version {found}, but this program reads only versions from {OLDEST} on: name"
            " another one in ledger_url, and refill it with clicksend ledger rebuild."
        )
    return int(found)


def existing_version(connection: Connection) -> int:
    """Return the version of tables that must exist.

    Raises:
        LedgerError: There are none; or as ``found_version``.
    """
    found = found_version(connection)
    if found is None:
        raise LedgerError("There is no ledger yet: check ledger_url, or let the target run first.")
    return found


def _create(connection: Connection) -> None:
    try:
        metadata.create_all(connection, checkfirst=False)
    except DBAPIError as error:
        if is_taken(error):
            raise LedgerError(FOREIGN) from None
        raise
