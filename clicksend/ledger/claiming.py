"""Claims: a key is handed out for sending once, and what was answered ends its claim.

A claim is committed before its message is sent, so whoever dies in between leaves ``unknown``, which
nobody sends again. Claims of sent messages stay, as what the duplicate window looks at; the claims of
messages that were certainly not sent go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from clicksend.ledger.recording import count, final_ids, replacing, slices
from clicksend.ledger.records import FINAL, Claim, Outcome, outcome_id
from clicksend.ledger.store import insert
from clicksend.ledger.tables import IS_FINAL, SENT, UNKNOWN, claims, outcomes

UNANSWERED = "claimed for sending; no answer was recorded"
ANSWERED = ("outcome", "reason")
"""Columns that an answer sets."""
DETAILS = ("message_id", "contact_id", "object_id", "parts", "price", "currency", "custom_string", "campaign")
"""Columns that an answer sets where it says anything."""


def claim(  # noqa: PLR0913, PLR0917
    connection: Connection, run_id: str, sink: str, wanted: Iterable[Claim], now: datetime, until: datetime
) -> set[str]:
    """Claim the keys that are not final, with a lease until then; return these."""
    by_id: dict[str, Claim] = {}
    for one in wanted:
        by_id.setdefault(outcome_id(sink, one.key), one)
    for name in final_ids(connection, by_id):
        del by_id[name]
    if by_id:
        rows = [_unanswered(name, run_id, sink, one, now) for name, one in by_id.items()]
        connection.execute(replacing(insert(connection, outcomes), ~IS_FINAL), rows)
        _hold(connection, by_id, now, until)
    return {one.key for one in by_id.values()}


def _unanswered(name: str, run_id: str, sink: str, one: Claim, now: datetime) -> dict[str, Any]:
    return {
        "outcome_id": name,
        "key": one.key,
        "source_key": one.source_key,
        "run_id": run_id,
        "stream": one.stream,
        "sink": sink,
        "outcome": "unknown",
        "reason": UNANSWERED,
        "custom_string": one.custom_string,
        "campaign": one.campaign,
        "attempts": 1,
        "created_at": now,
        "updated_at": now,
    }


def _hold(connection: Connection, by_id: Mapping[str, Claim], now: datetime, until: datetime) -> None:
    statement = insert(connection, claims)
    replaced = {column.name: statement.excluded[column.name] for column in claims.c if not column.primary_key}
    held = statement.on_conflict_do_update(index_elements=[claims.c.outcome_id], set_=replaced)
    rows = [
        {
            "outcome_id": name,
            "recipient_hash": one.recipient_hash,
            "body_hash": one.body_hash,
            "claimed_at": now,
            "lease_until": until,
        }
        for name, one in by_id.items()
    ]
    connection.execute(held, rows)


def settle(connection: Connection, run_id: str, answered: Sequence[Outcome], now: datetime) -> None:
    """End claims with what was answered, and count it.

    ``sent`` is true whatever else stands there, and ``unknown`` whatever but ``sent``: such a key must not
    be sent again. Any other answer ends only the claim that its own run still holds.
    """
    rows = [_answer(one, run_id, now) for one in answered]
    _end_leases(connection, run_id, [r["answered_id"] for r in rows if r["new_outcome"] == "unknown"], now)
    if rows:
        connection.execute(_settlement(), rows)
    let_go(connection, [row["answered_id"] for row in rows if row["new_outcome"] not in FINAL])
    count(connection, run_id, answered)


def _end_leases(connection: Connection, run_id: str, ids: Sequence[str], now: datetime) -> None:
    for some in slices(ids):
        own = select(outcomes.c.outcome_id).where(
            outcomes.c.outcome_id.in_(some), UNKNOWN, outcomes.c.run_id == run_id
        )
        connection.execute(update(claims).where(claims.c.outcome_id.in_(own)).values(lease_until=now))


def _answer(one: Outcome, run_id: str, now: datetime) -> dict[str, Any]:
    new = {f"new_{name}": getattr(one, name) for name in (*ANSWERED, *DETAILS)}
    return new | {"answered_id": outcome_id(one.sink, one.key), "answering_run": run_id, "now": now}


def _settlement() -> Any:
    new = {name: bindparam(f"new_{name}", type_=outcomes.c[name].type) for name in (*ANSWERED, *DETAILS)}
    details = {name: func.coalesce(new[name], outcomes.c[name]) for name in DETAILS}
    own = and_(UNKNOWN, outcomes.c.run_id == bindparam("answering_run"))
    return (
        update(outcomes)
        .where(
            outcomes.c.outcome_id == bindparam("answered_id"),
            ~SENT,
            or_(new["outcome"] == "sent", new["outcome"] == "unknown", own),
        )
        .values({name: new[name] for name in ANSWERED})
        .values(details)
        .values(run_id=bindparam("answering_run"))  # or the claim's later holder could still end it
        .values(updated_at=bindparam("now", type_=outcomes.c.updated_at.type))
    )


def let_go(connection: Connection, ids: Sequence[str]) -> None:
    """Remove the claims of outcomes that are no longer final."""
    for some in slices(ids):
        open_again = select(outcomes.c.outcome_id).where(outcomes.c.outcome_id.in_(some), ~IS_FINAL)
        connection.execute(delete(claims).where(claims.c.outcome_id.in_(open_again)))


def recently_sent(
    connection: Connection, pairs: Iterable[tuple[str, str]], since: datetime
) -> set[tuple[str, str]]:
    """Return those (recipient hash, body hash) that were claimed since a time, and sent for all we know."""
    wanted = set(pairs)
    found: set[tuple[str, str]] = set()
    for some in slices(sorted({recipient for recipient, _ in wanted})):
        query = select(claims.c.recipient_hash, claims.c.body_hash).where(
            claims.c.recipient_hash.in_(some), claims.c.claimed_at >= since
        )
        found.update((row.recipient_hash, row.body_hash) for row in connection.execute(query))
    return wanted & found
