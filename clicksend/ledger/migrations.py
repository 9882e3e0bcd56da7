"""What makes version 2 of the ledger's tables of version 1, version 3 of version 2, and so on.

A migration says what it does in SQL of its own: tables.py changes with the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

Migration = Callable[[Connection], None]


def _claims_into_outcomes(connection: Connection) -> None:
    """Keep claims in the rows of their outcomes, and no index on keys: half of what a batch writes."""
    time = "VARCHAR" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    columns = {"recipient_hash": "VARCHAR(64)", "body_hash": "VARCHAR(64)"}
    columns |= {"claimed_at": time, "lease_until": time}
    for name, kind in columns.items():
        connection.exec_driver_sql(f"ALTER TABLE outcomes ADD COLUMN {name} {kind}")
    values = ", ".join(
        f"{name} = (SELECT {name} FROM claims WHERE claims.outcome_id = outcomes.outcome_id)"  # noqa: S608
        for name in columns
    )
    claimed = "outcome_id IN (SELECT outcome_id FROM claims)"
    connection.exec_driver_sql(f"UPDATE outcomes SET {values} WHERE {claimed}")  # noqa: S608
    by_hash = "" if connection.dialect.name == "sqlite" else "USING hash"
    for statement in (
        "INSERT INTO meta (name, value) SELECT DISTINCT 'sink:' || sink, '' FROM outcomes",
        "DROP TABLE claims",
        "DROP INDEX outcomes_key",
        "DROP INDEX outcomes_message_id",
        f"CREATE INDEX outcomes_message_id ON outcomes {by_hash} (message_id) WHERE message_id IS NOT NULL",
    ):
        connection.exec_driver_sql(statement)


MIGRATIONS: Sequence[Migration] = (_claims_into_outcomes,)
