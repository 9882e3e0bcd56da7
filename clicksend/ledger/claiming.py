"""Claims: a key is handed out for sending once, and what was answered ends its claim.

A claim is committed before its message is sent, so whoever dies in between leaves ``unknown``, which
nobody sends again. Claims of sent messages stay, as what the duplicate window looks at; the claims of
messages that were certainly not sent go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import astuple
from sqlalchemy import Connection, and_, case, func, select, true, update

from clicksend.ledger import schema
from clicksend.ledger.recording import count
from clicksend.ledger.records import FINAL, Claim, Outcome, outcome_id
from clicksend.ledger.tables import CLAIM, SENT, UNKNOWN, outcomes
from clicksend.ledger.writing import ROWS, field, leave_final, once_each, write

UNANSWERED = "claimed for sending; no answer was recorded"
DETAILS = ("message_id", "contact_id", "object_id", "parts", "price", "currency", "custom_string", "campaign")
"""Columns that an answer sets where it says anything."""


def claim(  # noqa: PLR0913, PLR0917
    connection: Connection, run_id: str, sink: str, wanted: Iterable[Claim], now: datetime, until: datetime
) -> set[str]:
    """Claim the keys that are not final, with a lease until then; return these."""
    by_id: dict[str, Claim] = {}
    for one in wanted:
        by_id.setdefault(outcome_id(sink, one.key), one)
    there = leave_final(connection, by_id)
    same = {"run_id": run_id, "sink": sink, "outcome": "unknown", "reason": UNANSWERED, "attempts": 1}
    times = {"created_at": now, "updated_at": now, "claimed_at": now, "lease_until": until}
    # What an earlier outcome said of the message is no longer true.
    same |= dict.fromkeys(DETAILS) | times
    write(connection, by_id, Claim.__struct_fields__, same, there=there)
    schema.write(connection, f"{schema.SINK}{sink}", run_id)
    return {one.key for one in by_id.values()}


def settle(connection: Connection, run_id: str, answered: Sequence[Outcome], now: datetime) -> None:
    """End claims with what was answered, and count it.

    ``sent`` is true whatever else stands there, and ``unknown`` whatever but ``sent``: such a key must not
    be sent again. Any other answer ends only the claim that its own run still holds.
    """
    by_outcome: dict[str, list[tuple[str, Outcome]]] = {name: [] for name in FINAL}
    for one in answered:
        by_outcome.setdefault(one.outcome, []).append((outcome_id(one.sink, one.key), one))
    for name, pairs in reversed(by_outcome.items()):
        for rows in once_each(pairs):
            details = _given(rows.values())
            # Not the whole outcome: most of it stands there, and the database would read it for nothing.
            said = {
                key: {column: getattr(one, column) for column in ("reason", *details)}
                for key, one in rows.items()
            }
            connection.execute(_settlement(name, details, run_id, now), {"rows": said})
    count(connection, run_id, answered)


def _given(answered: Iterable[Outcome]) -> list[str]:
    """Return the columns of which an answer says anything."""
    columns = zip(Outcome.__struct_fields__, zip(*map(astuple, answered), strict=True), strict=True)
    return [name for name, values in columns if name in DETAILS and values.count(None) < len(values)]


def _settlement(outcome: str, details: Iterable[str], run_id: str, now: datetime) -> Any:
    own = and_(UNKNOWN, outcomes.c.run_id == run_id)
    if outcome == "unknown":  # for reconciling at once
        claim: dict[str, Any] = {"lease_until": case((own, now), else_=outcomes.c.lease_until)}
    else:
        claim = {} if outcome in FINAL else dict.fromkeys(CLAIM)
    return (
        update(outcomes)
        .where(outcomes.c.outcome_id == ROWS.c.key, ~SENT, true() if outcome in FINAL else own)
        .values({name: func.coalesce(field(name), outcomes.c[name]) for name in details})
        .values(outcome=outcome, reason=field("reason"), updated_at=now, **claim)
        .values(run_id=run_id)  # or the claim's later holder could still end it
    )


def recently_sent(
    connection: Connection, pairs: Iterable[tuple[str, str]], since: datetime
) -> set[tuple[str, str]]:
    """Return those (recipient hash, body hash) that were claimed since a time, and sent for all we know."""
    wanted = set(pairs)
    claim = outcomes.c.recipient_hash, outcomes.c.body_hash
    query = select(*claim).join(ROWS, outcomes.c.recipient_hash == ROWS.c.key)
    found = connection.execute(query.where(outcomes.c.claimed_at >= since), {"rows": dict(wanted)})
    return wanted.intersection(tuple(row) for row in found)
