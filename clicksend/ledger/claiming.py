"""Claims: a key is handed out for sending once, and what was answered ends its claim.

A claim is committed before its message is sent, so whoever dies in between leaves ``unknown``, which
nobody sends again. Claims of sent messages stay, as what the duplicate window looks at; the claims of
messages that were certainly not sent go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, case, func, null, or_, select, true, update

from clicksend.ledger import schema
from clicksend.ledger.recording import count
from clicksend.ledger.records import FINAL, Claim, Outcome, ScheduledMessage, outcome_id
from clicksend.ledger.tables import CLAIM, SENT, UNKNOWN, opt_outs, outcomes
from clicksend.ledger.writing import WANTED, execute_each, given, leave_final, values_of, write

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
    leave_final(connection, by_id)
    same = {"run_id": run_id, "sink": sink, "outcome": "unknown", "reason": UNANSWERED, "attempts": 1}
    times = {"created_at": now, "updated_at": now, "claimed_at": now, "lease_until": until}
    # What an earlier outcome said of the message is no longer true.
    same |= dict.fromkeys(DETAILS) | times
    write(connection, {"outcome_id": by_id.keys(), **values_of(list(by_id.values()))}, same)
    schema.write(connection, f"{schema.SINK}{sink}", run_id)
    return {one.key for one in by_id.values()}


def settle(connection: Connection, run_id: str, answered: Sequence[Outcome], now: datetime) -> None:
    """End claims with what was answered, and count it.

    ``sent`` is true whatever else stands there, and ``unknown`` whatever but ``sent``: such a key must not
    be sent again. Any other answer ends only the claim that its own run still holds.
    """
    by_outcome: dict[str, list[Outcome]] = {name: [] for name in FINAL}
    for one in answered:
        by_outcome.setdefault(one.outcome, []).append(one)
    for name, some in reversed(by_outcome.items()):
        # Not the whole outcome: most of it stands there, and the database would write it for nothing.
        said = {
            column: values
            for column, values in values_of(some).items()
            if column in DETAILS and any(value is not None for value in values)
        }
        ids = [outcome_id(one.sink, one.key) for one in some]
        reasons = [one.reason for one in some]
        execute_each(
            connection,
            _settlement(name, tuple(said)),
            {"outcome_id": ids, "reason": reasons, **said},
            {"outcome": name, "run_id": run_id, "updated_at": now},
        )
    count(connection, run_id, answered)


@lru_cache
def _settlement(outcome: str, details: tuple[str, ...]) -> Any:
    own = and_(UNKNOWN, outcomes.c.run_id == given("run_id"))
    if outcome == "unknown":  # for reconciling at once
        claim: dict[str, Any] = {
            "lease_until": case((own, given("updated_at")), else_=outcomes.c.lease_until)
        }
    else:
        claim = {} if outcome in FINAL else dict.fromkeys(CLAIM, null())
    # Its run's id, or the claim's later holder could still end it.
    anew = ("outcome", "reason", "updated_at", "run_id")
    return (
        update(outcomes)
        .where(outcomes.c.outcome_id == given("outcome_id"), ~SENT, true() if outcome in FINAL else own)
        .values({name: func.coalesce(given(name), outcomes.c[name]) for name in details})
        .values({name: given(name) for name in anew} | claim)
    )


def scheduled(
    connection: Connection, sink: str, names: Collection[str] | None, run_id: str | None, now: datetime
) -> list[str]:
    """Return the message ids of what was sent, with a custom_string and by a run, and waits for its schedule.

    None for the spellings of the custom_string or for the run means any.
    """
    query = select(outcomes.c.message_id).where(
        outcomes.c.scheduled_for > now, SENT, outcomes.c.sink == sink, outcomes.c.message_id.is_not(None)
    )
    if names is not None:
        query = query.where(func.trim(outcomes.c.custom_string).in_(names))
    if run_id is not None:
        query = query.where(outcomes.c.run_id == run_id)
    return list(connection.execute(query).scalars())


def has_scheduled(connection: Connection, now: datetime) -> bool:
    """Return whether anything waits for its schedule."""
    query = select(outcomes.c.outcome_id).where(outcomes.c.scheduled_for > now, SENT).limit(1)
    return connection.execute(query).first() is not None


def scheduled_to(
    connection: Connection, hashes: Collection[str], now: datetime, *, opted_out: bool
) -> list[ScheduledMessage]:
    """Return what waits for its schedule to recipients, by hash, and to all that have opted out."""
    columns = [outcomes.c[name] for name in ScheduledMessage.__struct_fields__]
    recipients = [outcomes.c.recipient_hash.in_(select(WANTED.c.key))]
    if opted_out:
        recipients.append(outcomes.c.recipient_hash.in_(select(opt_outs.c.hash)))
    query = select(*columns).where(outcomes.c.scheduled_for > now, SENT, outcomes.c.message_id.is_not(None))
    found = connection.execute(query.where(or_(*recipients)), {"wanted": dict.fromkeys(hashes)})
    return [ScheduledMessage(**row) for row in found.mappings()]


def note_cancelled(  # noqa: PLR0913, PLR0917
    connection: Connection, run_id: str, sink: str, message_ids: Sequence[str], reason: str, now: datetime
) -> None:
    """Turn sent messages, by message id, into ``cancelled``; they are no rows of this run."""
    about = {"outcome": "cancelled", "reason": reason, "run_id": run_id, "updated_at": now}
    for one in message_ids:
        ours = outcomes.c.message_id.in_({one, one.upper(), one.lower()})
        connection.execute(update(outcomes).where(ours, outcomes.c.sink == sink, SENT).values(**about))


def call_off(connection: Connection, run_id: str, sent: Mapping[str, Outcome], now: datetime) -> None:
    """Turn messages, by outcome id, into ``cancelled``, and count it: sent with a schedule, or never sent."""
    for name, one in sent.items():
        about = {"outcome": "cancelled", "reason": one.reason, "run_id": run_id, "updated_at": now}
        known = outcomes.c.outcome_id == name, or_(SENT, UNKNOWN)
        connection.execute(update(outcomes).where(*known).values(**about))
    count(connection, run_id, sent.values())


def recently_sent(
    connection: Connection, pairs: Iterable[tuple[str, str]], since: datetime, sink: str | None
) -> set[tuple[str, str]]:
    """Return those (recipient hash, body hash) that were claimed since a time, and sent for all we know."""
    wanted = set(pairs)
    claim = outcomes.c.recipient_hash, outcomes.c.body_hash
    # IN, not JOIN: without an index on recipients the table is read once, not once for each of them.
    query = select(*claim).where(outcomes.c.recipient_hash.in_(select(WANTED.c.key)))
    query = query.where(outcomes.c.claimed_at >= since)
    if sink is not None:
        query = query.where(outcomes.c.sink == sink)
    found = connection.execute(query, {"wanted": dict(wanted)})
    return wanted.intersection(tuple(row) for row in found)
