"""The ledger's tables. Who changes one adds a migration to migrations.py.

Recipients and bodies are held as keyed hashes only. Texts that come from rows may hold anything, so no
index is on a text of unlimited length but PostgreSQL's hash index, which has no limit. Every index on what
has no order costs each batch of a large ledger as many pages as it has rows, so there are few.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
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
    literal_column,
)

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL (NUL) or UTF-8 (lone surrogates) cannot hold."""


@lru_cache(maxsize=64)
def spelled(moment: datetime) -> str:
    """Return a time as SQLite keeps it, and as PostgreSQL reads it."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is no point in time")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Moment(TypeDecorator[datetime]):
    """A time in UTC, to the microsecond; on SQLite a text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Choose the database's type."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Spell a time for the database."""
        if value is None:
            return None
        text = spelled(value)
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
        """Spell a decimal for the database, never as a float."""
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
"""Spelled as in the index, or SQLite does not use it."""
CALLED_OFF = and_(outcomes.c.outcome == literal_column("'cancelled'"), outcomes.c.claimed_at.is_not(None))
"""A message that was sent with a schedule, then cancelled; the sink ``cancellations`` claims nothing."""


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
    Column("outcome_id", String(32), primary_key=True, comment="Of a key as it is spelled now"),
    Column(
        "known_as", String(32), nullable=False, comment="Of the same key as an earlier version spelled it"
    ),
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
