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
    """Make room for keys of names and values: those of versions 1 and 2 stay known under their own."""
    time = "VARCHAR" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for statement in NAMED_KEYS.format(time=time).split(";"):
        connection.exec_driver_sql(statement)


CLEAR_ROWS = """
INSERT INTO meta (name, value)
    SELECT 'version_3_keys', CASE WHEN EXISTS (SELECT 1 FROM meta WHERE name = 'hash_key') THEN 'unkeyed'
        ELSE 'keyed' END
    WHERE EXISTS (SELECT 1 FROM outcomes) OR EXISTS (SELECT 1 FROM contact_keys);
INSERT INTO meta (name, value) SELECT 'has_clear_rows', 'true' WHERE EXISTS (SELECT 1 FROM outcomes)
"""


def _note_clear_rows(connection: Connection) -> None:
    """Note how keys were made, and that rows are to be hidden: for that the key of the hashes is needed."""
    for statement in CLEAR_ROWS.split(";"):
        connection.exec_driver_sql(statement)


MIGRATIONS: Sequence[Migration] = (_claims_into_outcomes, _name_keys, _note_clear_rows)
