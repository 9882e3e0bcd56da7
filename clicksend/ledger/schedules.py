"""Schedules: what ClickSend holds until its time, and what was cancelled before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from clicksend.ledger.privacy import Privacy
from clicksend.ledger.records import Outcome, ScheduledMessage
from clicksend.ledger.schema import SENT, UNKNOWN, opt_outs, outcomes
from clicksend.ledger.store import WANTED, Store
from clicksend.ledger.upsert import count

LATE = timedelta(minutes=5)
"""How long after its schedule, by our clock, ClickSend may still hold a message: clocks differ (how much is
unconfirmed). To cancel what has gone out changes nothing, and the answer says so."""


class Schedules:
    """What was sent with a schedule.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, privacy: Privacy, now: Callable[[], datetime]) -> None:
        """Take the database, what hides rows, and the clock."""
        self._store = store
        self._privacy = privacy
        self._now = now

    def message_ids(
        self, sink: str, custom_string: str | None, run_id: str | None = None, *, late: timedelta = LATE
    ) -> list[str]:
        """Return the message ids of what a sink sent with a schedule, and ClickSend may hold; soonest first.

        Args:
            sink: The sink.
            custom_string: Only what carries it, blanks around it aside; None: whatever.
            run_id: Only what this run sent; None: all runs.
            late: How long after its schedule a message counts as waiting still.
        """
        query = select(outcomes.c.message_id).where(
            self._waits(late), outcomes.c.sink == sink, outcomes.c.message_id.is_not(None)
        )
        if custom_string is not None:
            stored = self._privacy.custom_strings(custom_string)
            query = query.where(func.trim(outcomes.c.custom_string).in_(stored))
        if run_id is not None:
            query = query.where(outcomes.c.run_id == run_id)
        with self._store.read() as connection:
            return list(connection.execute(query.order_by(outcomes.c.scheduled_for)).scalars())

    def message_id(self, outcome_id: str) -> str | None:
        """Return the message id of what ClickSend may hold still, None of what goes at once, or has gone."""
        query = select(outcomes.c.message_id).where(self._waits(), outcomes.c.outcome_id == outcome_id)
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    def has_any(self) -> bool:
        """Return whether anything was sent with a schedule, and ClickSend may hold it still."""
        with self._store.read() as connection:
            query = select(outcomes.c.outcome_id).where(self._waits()).limit(1)
            return connection.execute(query).first() is not None

    def to_recipients(self, hashes: Collection[str], *, opted_out: bool) -> list[ScheduledMessage]:
        """Return what was sent with a schedule to recipients, and ClickSend may hold still, soonest first.

        Args:
            hashes: Of their numbers.
            opted_out: Whether to all that have opted out, too.
        """
        columns = [outcomes.c[name] for name in ScheduledMessage.__struct_fields__]
        recipients = [outcomes.c.recipient_hash.in_(select(WANTED.c.key))]
        if opted_out:
            recipients.append(outcomes.c.recipient_hash.in_(select(opt_outs.c.hash)))
        query = select(*columns).where(self._waits(), outcomes.c.message_id.is_not(None), or_(*recipients))
        query = query.order_by(outcomes.c.scheduled_for)
        with self._store.read() as connection:
            found = connection.execute(query, {"wanted": dict.fromkeys(hashes)})
            return [ScheduledMessage(**row) for row in found.mappings()]

    def _waits(self, late: timedelta = LATE) -> ColumnElement[bool]:
        return and_(outcomes.c.scheduled_for > self._now() - late, SENT)

    def cancel_messages(self, run_id: str, sink: str, message_ids: Sequence[str], reason: str) -> None:
        """Write messages, where they are a sink's, as ``cancelled`` before their schedule; for good.

        They are not rows of this run, and not counted.
        """
        with self._store.write() as connection:
            values = _cancelled(run_id, reason, self._now())
            for one in message_ids:
                ours = outcomes.c.message_id.in_({one, one.upper(), one.lower()})
                connection.execute(update(outcomes).where(ours, outcomes.c.sink == sink, SENT).values(values))

    def cancel(self, run_id: str, sent: Mapping[str, Outcome]) -> None:
        """Write messages, by outcome id, as ``cancelled`` before their schedule, and count them; for good."""
        with self._store.write() as connection:
            write_cancelled(connection, run_id, sent, self._now())


def write_cancelled(connection: Connection, run_id: str, ended: Mapping[str, Outcome], now: datetime) -> None:
    """Write what was sent or claimed, by outcome id, as ``cancelled``, and count it; for good."""
    for name, one in ended.items():
        query = update(outcomes).where(outcomes.c.outcome_id == name, or_(SENT, UNKNOWN))
        connection.execute(query.values(_cancelled(run_id, one.reason, now)))
    count(connection, run_id, ended.values())


def _cancelled(run_id: str, reason: str, now: datetime) -> dict[str, Any]:
    return {"outcome": "cancelled", "reason": reason, "run_id": run_id, "updated_at": now}
