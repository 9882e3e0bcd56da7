"""What the warehouse holds."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

SCHEMA = "clicksend"
# By which column the API forgets old rows
DATED = {
    "sms_history": "date",
    "mms_history": "date_added",
    "voice_history": "date_added",
    "sms_inbound": "timestamp",
    "sms_receipts": "timestamp",
    "mms_receipts": "timestamp",
    "voice_receipts": "timestamp",
}
COUNT = SQL("""
    select count(*) filter (where not gone and not old),
           count(*) filter (where not gone and old),
           count(*) filter (where _sdc_received_at >= {since})
    from {table},
         lateral (select _sdc_deleted_at is not null as gone, coalesce({date} < {horizon}, false) as old)
""")


class Count(NamedTuple):
    """Rows of one table that are not marked as deleted, and those that came last.

    Attributes:
        current: As old as the API still has them, or younger.
        kept: Older: gone from the API, kept here.
        loaded: Written by the last run, new or not.
    """

    current: int = 0
    kept: int = 0
    loaded: int = 0


def count(url: str, *, since: datetime, horizon: datetime) -> dict[str, Count]:
    """Count the rows of every table.

    Args:
        url: The database.
        since: When the last run began.
        horizon: Date of the oldest row that the API still has.
    """
    with psycopg.connect(url, options="-c timezone=UTC") as database:
        tables = database.execute(
            "select table_name from information_schema.tables where table_schema = %s", [SCHEMA]
        )
        return {table: _count(database, table, since, horizon) for (table,) in tables.fetchall()}


def _count(
    database: psycopg.Connection[tuple[int, ...]], table: str, since: datetime, horizon: datetime
) -> Count:
    query = COUNT.format(
        table=Identifier(SCHEMA, table),
        since=since,
        horizon=horizon,
        date=Identifier(DATED[table]) if table in DATED else SQL("null::timestamptz"),
    )
    return Count(*database.execute(query).fetchall()[0])
