"""ClickSend's histories beside the ledger: what they confirm and add, and until when they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, delete, func, or_, select, update

from clicksend.ledger.records import BASELINE, TO_RETRY, Confirmation, OpenClaim, Sent
from clicksend.ledger.schema import IS_FINAL, SENT, SINK, UNKNOWN, meta, outcomes, read_meta, write_meta
from clicksend.ledger.store import WANTED, Store, slices
from clicksend.ledger.upsert import columns_of, count, leave_final, write

FOUND = "no answer was recorded; found in the history"
HISTORY_KNOWN = "history_known:"
"""Prefix of the names in meta that say until when the ledger knows a sink's history."""
SKEW = timedelta(minutes=10)
"""How far the clock of ClickSend and ours may be apart."""
CLAIMED_AT = func.coalesce(outcomes.c.claimed_at, outcomes.c.created_at)


class Reconciliation:
    """What ClickSend's histories show, and what the ledger makes of it.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        """Take the database and the clock."""
        self._store = store
        self._now = now

    def open_claims(self, sink: str) -> list[OpenClaim]:
        """Return what may have been sent and nobody is sending now, the oldest first; for reconciling."""
        claimed_at = CLAIMED_AT.label("claimed_at")
        columns = [outcomes.c[name] for name in OpenClaim.__struct_fields__ if name != "claimed_at"]
        query = (
            select(*columns, claimed_at)
            .where(UNKNOWN, outcomes.c.sink == sink, nobody_sends(self._now()))
            .order_by(claimed_at, outcomes.c.outcome_id)
        )
        with self._store.read() as connection:
            return [OpenClaim(**row) for row in connection.execute(query).mappings()]

    def message_ids(self, sink: str, ids: Iterable[str]) -> set[str]:
        """Return those message ids that a key of the sink has already."""
        found: set[str] = set()
        with self._store.read() as connection:
            for some in slices(sorted(set(ids))):
                query = select(outcomes.c.message_id).where(outcomes.c.message_id.in_(some))
                found.update(connection.execute(query.where(outcomes.c.sink == sink)).scalars())
        return found

    def confirm(self, found: Sequence[Confirmation]) -> set[str]:
        """Turn ``unknown`` into ``sent`` for messages found in the history; return their outcome ids.

        Nothing is turned that is no longer ``unknown``, nor by a message that another key of the sink has: a
        message confirms one key only.
        """
        with self._store.write() as connection:
            now = self._now()
            return {one.outcome_id for one in found if _confirm(connection, one, now)}

    def restore(self, run_id: str, found: Sequence[Sent]) -> set[str]:
        """Write messages as ``sent`` that went out, though not from this ledger; return what was new, by id.

        What is ``sent`` or ``unknown`` stays as it is. Anything else (``dry_run``, ``failed``, ``held`` and
        others) yields: it would be sent again. All are counted, those known already as ``duplicate``. The
        duplicate window knows those whose recipient, text and time are known.
        """
        by_id: dict[str, Sent] = {}
        for one in found:
            by_id.setdefault(one.outcome_id, one)
        with self._store.write() as connection:
            now = self._now()
            leave_final(connection, by_id)
            new = list(by_id.values())
            values = {
                "outcome_id": list(by_id),
                **columns_of([one.outcome for one in new]),
                "recipient_hash": [one.at and one.recipient_hash for one in new],
                "body_hash": [one.at and one.body_hash for one in new],
                "claimed_at": [one.at for one in new],
            }
            write(connection, values, {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now})
            counted = [
                one.outcome if by_id.get(one.outcome_id) is one else replace(one.outcome, outcome="duplicate")
                for one in found
            ]
            count(connection, run_id, counted)
        return set(by_id)

    def forget_baseline(self, run_id: str) -> int:
        """Delete what a run of ``baseline`` has recorded as sent; return how many keys.

        Their rows are sent when upstream delivers them again.
        """
        recorded = outcomes.c.run_id == run_id, outcomes.c.reason == BASELINE, SENT
        with self._store.write() as connection:
            return connection.execute(delete(outcomes).where(*recorded)).rowcount

    def known_until(self, sink: str) -> datetime | None:
        """Return until when it knows all that a sink's history showed, None where the sink has sent nothing.

        That is, the later of what was set and of the newest message's claim.
        """
        with self._store.read() as connection:
            return _known_until(connection, sink)

    def set_known_until(self, sink: str, at: datetime) -> None:
        """Record that it knows all that a sink's history showed at a time (by the server's clock)."""
        with self._store.write() as connection:
            write_meta(connection, f"{HISTORY_KNOWN}{sink}", at.isoformat())

    def unrecorded(self, sent_at: Mapping[str, datetime | None]) -> set[str]:
        """Return the ids of messages that went out though, for all that the ledger knows, they did not.

        What was judged after it went out is not among them: a person had released it. A dry run and ``retry``
        judge nothing.

        Args:
            sent_at: When each went out, by outcome id; None when nobody knows.
        """
        columns = outcomes.c.outcome_id, outcomes.c.outcome, outcomes.c.reason, outcomes.c.updated_at
        query = select(*columns, IS_FINAL.label("is_final"))
        query = query.join(WANTED, outcomes.c.outcome_id == WANTED.c.key)
        known = set()
        with self._store.read() as connection:
            for row in connection.execute(query, {"wanted": dict.fromkeys(sent_at)}):
                at = sent_at[row.outcome_id]
                is_judged = row.outcome != "dry_run" and row.reason != TO_RETRY
                if row.is_final or (is_judged and at is not None and row.updated_at >= at):
                    known.add(row.outcome_id)
        return sent_at.keys() - known


def nobody_sends(now: datetime) -> ColumnElement[bool]:
    """Return the condition that no run may be sending a claimed message just now."""
    lease = outcomes.c.lease_until
    return or_(lease <= now, lease.is_(None))


def _confirm(connection: Connection, one: Confirmation, now: datetime) -> bool:
    other = outcomes.alias()
    taken = select(other.c.outcome_id).where(
        other.c.message_id == one.message_id, other.c.sink == outcomes.c.sink
    )
    details = {name: getattr(one, name) for name in ("parts", "price", "currency")}
    statement = (
        update(outcomes)
        .where(outcomes.c.outcome_id == one.outcome_id, UNKNOWN, ~taken.exists())
        .values(outcome="sent", reason=FOUND, message_id=one.message_id, updated_at=now, **details)
    )
    return connection.execute(statement).rowcount == 1


def _known_until(connection: Connection, sink: str) -> datetime | None:
    value = read_meta(connection, f"{HISTORY_KNOWN}{sink}")
    was_set = None if value is None else datetime.fromisoformat(value)
    newest = _newest_message(connection, sink, was_set)
    claimed = None if newest is None else newest.claimed_at - SKEW
    return max((time for time in (was_set, claimed) if time is not None), default=None)


def keep_known(connection: Connection) -> None:
    """Write down until when the histories of all sinks are known: what shows it may be deleted next."""
    sinks = select(meta.c.name).where(meta.c.name.startswith(SINK))
    for name in connection.execute(sinks).scalars().all():
        sink = name.removeprefix(SINK)
        until = _known_until(connection, sink)
        if newest := _newest_message(connection, sink, until):
            latest = max(filter(None, [until, newest.updated_at + SKEW]))
            write_meta(connection, f"{HISTORY_KNOWN}{sink}", latest.isoformat())


def _newest_message(connection: Connection, sink: str, since: datetime | None) -> Row[Any] | None:
    """Return the times of the message of a sink that changed last, None where none has since a time.

    Another may have been claimed a little later. Only the index on changes is read, and only since then.
    """
    if read_meta(connection, f"{SINK}{sink}") is None:
        return None
    query = select(outcomes.c.claimed_at, outcomes.c.updated_at)
    query = query.where(outcomes.c.sink == sink, outcomes.c.claimed_at.is_not(None))
    if since is not None:
        query = query.where(outcomes.c.updated_at >= since)
    return connection.execute(query.order_by(outcomes.c.updated_at.desc()).limit(1)).first()
