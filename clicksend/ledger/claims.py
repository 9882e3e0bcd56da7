"""Claims: a key is handed out for sending once, and what was answered ends its claim.

A claim is committed before its message is sent, so whoever dies in between leaves ``unknown``, which
nobody sends again: it is looked up in the history by machines, and reopened by people. Claims of sent
messages stay, as what the duplicate window looks at; the claims of messages that were certainly not sent go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    case,
    func,
    null,
    select,
    true,
    update,
)

from clicksend.errors import LedgerError
from clicksend.ledger.budgets import correct, take
from clicksend.ledger.privacy import Privacy
from clicksend.ledger.reconciliation import CLAIMED_AT, nobody_sends
from clicksend.ledger.records import (
    FINAL,
    TO_RETRY,
    Budget,
    Claim,
    Outcome,
    Spent,
    Unknown,
    outcome_id,
)
from clicksend.ledger.schedules import write_cancelled
from clicksend.ledger.schema import (
    CLAIM,
    INDEX_OF_RECIPIENTS,
    SENT,
    SINK,
    UNKNOWN,
    outcomes,
    write_meta,
)
from clicksend.ledger.store import WANTED, Store, slices
from clicksend.ledger.upsert import columns_of, count, execute_each, given, leave_final, write

UNANSWERED = "claimed for sending; no answer was recorded"
RELEASED = "released by a person; goes out when upstream delivers it again"
DETAILS = ("message_id", "contact_id", "object_id", "parts", "price", "currency", "custom_string", "campaign")
"""Columns that an answer sets where it says anything."""
RETRIED = ("rejected", "suppressed", "failed")
YOUNG = timedelta(hours=24)
"""Until then the history may still come to show the message."""


class Claims:
    """What is being sent, was sent, or may have been.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, privacy: Privacy, now: Callable[[], datetime]) -> None:
        """Take the database, what hides rows, and the clock."""
        self._store = store
        self._privacy = privacy
        self._now = now
        self._finds_recipients = False

    def claim(self, run_id: str, sink: str, wanted: Iterable[Claim], *, lease_seconds: float) -> set[str]:
        """Claim keys for sending, durably; return those that are this run's to send, each of them once.

        A claimed key is ``unknown`` until it is settled. Keys that are final are not returned.

        Args:
            run_id: The run that sends.
            sink: The sink.
            wanted: What is to be sent; of two with one key the first.
            lease_seconds: Longer than sending can take; nobody reconciles or releases a key before.
        """
        return self.claim_within(None, {}, run_id, sink, wanted, lease_seconds=lease_seconds)[0]

    def claim_within(  # noqa: PLR0913
        self,
        budget: Budget | None,
        prices: Mapping[str, Decimal | None],
        run_id: str,
        sink: str,
        wanted: Iterable[Claim],
        *,
        lease_seconds: float,
    ) -> tuple[set[str], set[str]]:
        """Claim keys as ``claim`` does, as far as a budget goes; count them in it in the same transaction.

        Args:
            budget: The group's of the run; None: nothing is counted.
            prices: What ClickSend asks for each message, by its key.
            run_id: As for ``claim``.
            sink: As for ``claim``.
            wanted: As for ``claim``; the first take what is left of the budget.
            lease_seconds: As for ``claim``.

        Returns:
            The keys that are this run's to send, and those that would be but for the budget.
        """
        now, over = self._now(), set[str]()

        def leave(by_id: dict[str, Claim]) -> None:
            if budget is not None:
                asked = {name: prices.get(one.key) for name, one in by_id.items()}
                over.update(by_id.pop(name).key for name in take(connection, budget, asked, now))

        with self._store.write() as connection:
            until = now + timedelta(seconds=lease_seconds)
            return self._claim(connection, run_id, sink, wanted, now, until, leave), over

    def _claim(  # noqa: PLR0913, PLR0917
        self,
        connection: Connection,
        run_id: str,
        sink: str,
        wanted: Iterable[Claim],
        now: datetime,
        until: datetime,
        leave: Callable[[dict[str, Claim]], None] = lambda _: None,
    ) -> set[str]:
        by_id: dict[str, Claim] = {}
        for one in wanted:
            by_id.setdefault(outcome_id(sink, one.key), self._privacy.hide(one, sink))
        leave_final(connection, by_id)
        leave(by_id)
        same = {"run_id": run_id, "sink": sink, "outcome": "unknown", "reason": UNANSWERED, "attempts": 1}
        times = {"created_at": now, "updated_at": now, "claimed_at": now, "lease_until": until}
        # What an earlier outcome said of the message is no longer true.
        same |= dict.fromkeys(DETAILS) | times
        write(connection, {"outcome_id": by_id.keys(), **columns_of(list(by_id.values()))}, same)
        write_meta(connection, f"{SINK}{sink}", run_id)
        return {one.key for one in by_id.values()}

    def settle(
        self,
        run_id: str,
        answered: Sequence[Outcome],
        *,
        run_group: str | None = None,
        prices: Mapping[str, Decimal | None] | None = None,
    ) -> None:
        """End claims with what was answered, and count it: both are committed together.

        ``sent`` is true whatever came in between, and ``unknown`` whatever but ``sent``: such a key must not
        be sent again. Any other answer ends only the claim that its own run still holds. What an answer
        leaves None stays as claimed. Settled as ``unknown``, a claim is open for reconciling at once.

        Args:
            run_id: The run that has claimed them.
            answered: What came of them.
            run_group: Whose budget they were counted in: it gets back what was not sent, and pays what was.
            prices: As they were counted there.
        """
        by_outcome: dict[str, list[Outcome]] = {name: [] for name in FINAL}
        for one in answered:
            by_outcome.setdefault(one.outcome, []).append(self._privacy.hide(one, one.sink))
        with self._store.write() as connection:
            now = self._now()
            for name, some in reversed(by_outcome.items()):
                # Not the whole outcome: most of it stands there, and the database would write it for nothing.
                said = {
                    column: values
                    for column, values in columns_of(some).items()
                    if column in DETAILS and any(value is not None for value in values)
                }
                ids = [outcome_id(one.sink, one.key) for one in some]
                execute_each(
                    connection,
                    _settlement(name, tuple(said)),
                    {"outcome_id": ids, "reason": [one.reason for one in some], **said},
                    {"outcome": name, "run_id": run_id, "updated_at": now},
                )
            count(connection, run_id, answered)
            if run_group is not None:
                correct(connection, run_group, _difference(answered, prices or {}), now)

    def recently_sent(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        since: datetime,
        sink: str | None = None,
        often: bool = True,
    ) -> set[tuple[str, str]]:
        """Return those (recipient hash, body hash) that were sent, or perhaps sent, since a time.

        Args:
            pairs: What is looked for.
            since: The time.
            sink: Only what this sink sent; None: of all sinks.
            often: Whether an index is worth its making; without one the whole table is read.
        """
        if often and not self._finds_recipients:
            with self._store.write() as connection:
                connection.exec_driver_sql(INDEX_OF_RECIPIENTS)
            self._finds_recipients = True
        wanted = set(pairs)
        claim = outcomes.c.recipient_hash, outcomes.c.body_hash
        # IN, not JOIN: without an index on recipients the table is read once, not once for each of them.
        query = select(*claim).where(outcomes.c.recipient_hash.in_(select(WANTED.c.key)))
        query = query.where(outcomes.c.claimed_at >= since)
        if sink is not None:
            query = query.where(outcomes.c.sink == sink)
        with self._store.read() as connection:
            found = connection.execute(query, {"wanted": dict(wanted)})
            return wanted.intersection(tuple(row) for row in found)

    def cancel_unsent(self, run_id: str, sink: str, wanted: Sequence[Claim], reason: str) -> set[str]:
        """Write messages that were not sent, and never will be, as ``cancelled``; return their keys.

        Keys that are final are not returned, and stay as they are.
        """
        now = self._now()
        with self._store.write() as connection:
            keys = self._claim(connection, run_id, sink, wanted, now, now)
            ended = {
                outcome_id(sink, one.key): Outcome(
                    sink=sink, key=one.key, stream=one.stream, outcome="cancelled", reason=reason
                )
                for one in wanted
                if one.key in keys
            }
            write_cancelled(connection, run_id, ended, now)
        return keys

    # What is unknown, and what is reopened

    def unknown(self, sink: str) -> Unknown:
        """Return how much is unknown of a sink, since when, and what a run may be sending just now."""
        now, lease = self._now(), outcomes.c.lease_until
        of_sink = and_(UNKNOWN, outcomes.c.sink == sink)
        by_run = (
            select(outcomes.c.run_id, func.count(), func.min(CLAIMED_AT))
            .where(of_sink, nobody_sends(now))
            .group_by(outcomes.c.run_id)
            .order_by(func.min(CLAIMED_AT), outcomes.c.run_id)
        )
        leases = select(func.count(), func.max(lease)).where(of_sink, lease > now)
        with self._store.read() as connection:
            found = connection.execute(by_run).all()
            leased, leased_until = connection.execute(leases).one()
        return Unknown(
            count=sum(rows for _, rows, _ in found),
            since=min((since for _, _, since in found), default=None),
            run_ids=tuple(run_id for run_id, _, _ in found),
            leased=leased,
            leased_until=leased_until,
        )

    def release(
        self, keys: Sequence[str] | None = None, *, run_id: str | None = None, force: bool = False
    ) -> list[str]:
        """Reopen unknown keys on a person's word that they were not sent; return them.

        A reopened key is ``held``: it goes out when upstream delivers its row again.

        Args:
            keys: Only these; None: all of the run.
            run_id: Only those of this run; None: of all runs.
            force: Release also what was claimed less than 24 hours ago, but never what has a lease.

        Raises:
            LedgerError: A claim is too young, or its run may still be sending it; nothing was released.
        """
        if keys is None and run_id is None:
            raise LedgerError("Name the keys to release, or their run.")
        stored = {name: key for key in keys or () for name in self._privacy.keys(key)}
        columns = ("outcome_id", "key", "updated_at", "claimed_at", "lease_until")
        query = select(*(outcomes.c[name] for name in columns)).where(UNKNOWN)
        query = query.order_by(outcomes.c.claimed_at, outcomes.c.outcome_id)
        if run_id is not None:
            query = query.where(outcomes.c.run_id == run_id)
        queries = [query]
        if keys is not None:
            queries = [query.where(outcomes.c.key.in_(some)) for some in slices(list(stored))]
        with self._store.write() as connection:
            now = self._now()
            rows = [row for one in queries for row in connection.execute(one)]
            if alive := sum(row.lease_until is not None and row.lease_until > now for row in rows):
                raise LedgerError(
                    f"{alive} of {len(rows)} messages may be under way just now: wait until their run has"
                    " ended and their lease with it."
                )
            young = sum((row.claimed_at or row.updated_at) > now - YOUNG for row in rows)
            if young and not force:
                raise LedgerError(
                    f"{young} of {len(rows)} messages were claimed less than 24 hours ago and may still"
                    " appear in the history: reconcile later, or release them with --force."
                )
            _reopen(connection, [row.outcome_id for row in rows], RELEASED, now)
        return [stored.get(row.key, row.key) for row in rows]

    def retry(self, outcome: str, *, sink: str | None = None, run_id: str | None = None) -> list[str]:
        """Reopen keys that were not sent as ``held``, so that it shows who waits; return them.

        They are judged anew when upstream delivers them again.

        Args:
            outcome: What came of them, one of ``RETRIED``.
            sink: Only rows of this sink; None: of all sinks.
            run_id: Only what this run wrote; None: all runs.

        Raises:
            LedgerError: The outcome is another.
        """
        if outcome not in RETRIED:
            raise LedgerError(f"Only {', '.join(RETRIED)} can be retried; release reopens what is unknown.")
        query = select(outcomes.c.outcome_id, outcomes.c.key).where(outcomes.c.outcome == outcome)
        for column, value in ((outcomes.c.sink, sink), (outcomes.c.run_id, run_id)):
            if value is not None:
                query = query.where(column == value)
        with self._store.write() as connection:
            rows = list(connection.execute(query.order_by(outcomes.c.updated_at, outcomes.c.outcome_id)))
            _reopen(connection, [row.outcome_id for row in rows], TO_RETRY, self._now())
        return [row.key for row in rows]


def _difference(answered: Iterable[Outcome], prices: Mapping[str, Decimal | None]) -> Spent:
    """Return by how much answers differ from what was counted when their messages were claimed."""
    messages, spend = 0, Decimal(0)
    for one in answered:
        counted = prices.get(one.key) or Decimal(0)
        if one.outcome not in FINAL:
            messages, spend = messages - 1, spend - counted
        elif one.price is not None:
            spend += one.price - counted
    return Spent(messages=messages, spend=spend)


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


def _reopen(connection: Connection, ids: Sequence[str], reason: str, now: datetime) -> None:
    """Make outcomes ``held``: not sent, not claimed, and judged anew with the row."""
    for some in slices(ids):
        reopened = update(outcomes).where(outcomes.c.outcome_id.in_(some)).values(dict.fromkeys(CLAIM))
        connection.execute(reopened.values(outcome="held", reason=reason, updated_at=now))
