"""What nobody knows of messages, and what a history shows of which the ledger knows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, select, update

from clicksend.ledger import schema
from clicksend.ledger.reconciling import CLAIMED_AT, TO_RETRY, nobody_sends
from clicksend.ledger.records import Unknown
from clicksend.ledger.store import insert
from clicksend.ledger.tables import UNKNOWN, meta, outcomes, runs
from clicksend.ledger.writing import IS_FINAL, WANTED

KNOWN = "history_known:"
"""What the names of notes begin with that say until when the ledger knows a sink's history."""
SKEW = timedelta(minutes=10)
"""How far the clock of ClickSend and ours may be apart."""


def unknown(connection: Connection, sink: str, now: datetime) -> Unknown:
    """Return what is unknown of a sink."""
    of_sink = and_(UNKNOWN, outcomes.c.sink == sink)
    by_run = (
        select(outcomes.c.run_id, func.count(), func.min(CLAIMED_AT))
        .where(of_sink, nobody_sends(now))
        .group_by(outcomes.c.run_id)
        .order_by(func.min(CLAIMED_AT), outcomes.c.run_id)
    )
    found = connection.execute(by_run).all()
    lease = outcomes.c.lease_until
    leases = select(func.count(), func.max(lease)).where(of_sink, lease > now)
    leased, leased_until = connection.execute(leases).one()
    return Unknown(
        count=sum(rows for _, rows, _ in found),
        since=min((since for _, _, since in found), default=None),
        run_ids=tuple(run_id for run_id, _, _ in found),
        leased=leased,
        leased_until=leased_until,
    )


def known_until(connection: Connection, sink: str) -> datetime | None:
    """Return until when the ledger knows all that a sink's history showed, None where it has sent nothing."""
    value = schema.read(connection, f"{KNOWN}{sink}")
    noted = None if value is None else datetime.fromisoformat(value)
    newest = _newest(connection, sink, noted)
    claimed = None if newest is None else newest.claimed_at - SKEW
    return max((time for time in (noted, claimed) if time is not None), default=None)


def note_known(connection: Connection, sink: str, at: datetime) -> None:
    """Note that the ledger knows all that a sink's history showed at a time (by the server's clock)."""
    schema.write(connection, f"{KNOWN}{sink}", at.isoformat())


def keep_known(connection: Connection) -> None:
    """Note until when it is for all sinks that have sent: what shows it may be deleted next."""
    noted = select(meta.c.name).where(meta.c.name.startswith(schema.SINK))
    for name in connection.execute(noted).scalars().all():
        sink = name.removeprefix(schema.SINK)
        until = known_until(connection, sink)
        if newest := _newest(connection, sink, until):
            note_known(connection, sink, max(filter(None, [until, newest.updated_at + SKEW])))


def _newest(connection: Connection, sink: str, since: datetime | None) -> Row[Any] | None:
    """Return the times of the message of a sink that changed last, None where none has since a time.

    Another may have been claimed a little later. Only the index on changes is read, and only since then.
    """
    if schema.read(connection, f"{schema.SINK}{sink}") is None:
        return None
    query = select(outcomes.c.claimed_at, outcomes.c.updated_at)
    query = query.where(outcomes.c.sink == sink, outcomes.c.claimed_at.is_not(None))
    if since is not None:
        query = query.where(outcomes.c.updated_at >= since)
    return connection.execute(query.order_by(outcomes.c.updated_at.desc()).limit(1)).first()


def strange(connection: Connection, went: Mapping[str, datetime | None]) -> set[str]:
    """Return those messages that went out though, for all that the ledger knows, they did not.

    What was judged after it went out is not strange: a person had released it. A dry run and ``retry`` judge
    nothing.

    Args:
        connection: To the database.
        went: When each message went out, by outcome id; None when nobody knows.
    """
    columns = outcomes.c.outcome_id, outcomes.c.outcome, outcomes.c.reason, outcomes.c.updated_at
    query = select(*columns, IS_FINAL.label("is_final")).join(WANTED, outcomes.c.outcome_id == WANTED.c.key)
    known = set()
    for row in connection.execute(query, {"wanted": dict.fromkeys(went)}):
        at = went[row.outcome_id]
        is_judged = row.outcome != "dry_run" and row.reason != TO_RETRY
        if row.is_final or (is_judged and at is not None and row.updated_at >= at):
            known.add(row.outcome_id)
    return went.keys() - known


def note_found(connection: Connection, run_id: str, sink: str, found: int) -> None:
    """Count messages of a run as ``sent`` that it has counted as ``unknown``."""
    counted = runs.c.run_id == run_id, runs.c.sink == sink, runs.c.outcome == "unknown"
    connection.execute(update(runs).where(*counted).values(rows=runs.c.rows - found))
    connection.execute(delete(runs).where(*counted, runs.c.rows == 0))
    sent = insert(connection.dialect, runs).values(run_id=run_id, sink=sink, outcome="sent", rows=found)
    connection.execute(
        sent.on_conflict_do_update(
            index_elements=list(runs.primary_key), set_={"rows": runs.c.rows + sent.excluded.rows}
        )
    )
