"""Outcomes: the latest of each key, and how many each run had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, tuple_, union, update

from clicksend.ledger.privacy import Privacy
from clicksend.ledger.reconciliation import keep_known
from clicksend.ledger.records import COUNTED_ONLY, Known, Outcome, outcome_id
from clicksend.ledger.schema import (
    CLAIM,
    IS_FINAL,
    SINK,
    UNKNOWN,
    aliases,
    budgets,
    meta,
    outcomes,
    runs,
)
from clicksend.ledger.store import SLICE, WANTED, Store, insert, slices
from clicksend.ledger.upsert import add_counts, columns_of, count, write

Columns = dict[str, Any]
"""A row of outcomes by column name, without its claim; times are aware, prices are ``Decimal``."""

SHOWN = [column for column in outcomes.c if column.name not in CLAIM]
LEASE = case((UNKNOWN, outcomes.c.lease_until)).label("lease_until")
"""Until when a run may be sending a message; what is known has none."""


class Outcomes:
    """What came of rows.

    Raises:
        LedgerError: From every method, when the database cannot be used; then nothing was changed.
    """

    def __init__(self, store: Store, privacy: Privacy, now: Callable[[], datetime]) -> None:
        """Take the database, what hides rows, and the clock."""
        self._store = store
        self._privacy = privacy
        self._now = now

    def record(self, run_id: str, new: Sequence[Outcome]) -> None:
        """Write what came of rows, and count it: outcomes and counts are committed together.

        A key's row is replaced, but ``sent`` stays for ever, ``unknown`` yields to ``sent`` only, and
        ``dry_run`` replaces nothing but ``dry_run``. ``unchanged`` and ``duplicate`` are counted only.
        """
        stored = [self._privacy.hide(one, one.sink) for one in new if one.outcome not in COUNTED_ONLY]
        ids = [outcome_id(one.sink, one.key) for one in stored]
        with self._store.write() as connection:
            now = self._now()
            same = {"run_id": run_id, "attempts": 1, "created_at": now, "updated_at": now}
            write(connection, {"outcome_id": ids, **columns_of(stored)}, same)
            count(connection, run_id, new)

    def known(self, sink: str, keys: Mapping[str, Sequence[str]]) -> dict[str, Known]:
        """Return what there is of those keys that must not be sent again.

        Args:
            sink: The sink.
            keys: With each key, the forms that earlier versions gave it, the likelier first: what stands
                there counts too.
        """
        with self._store.read() as connection:
            ids = {outcome_id(sink, key): key for key in keys}
            found = {ids[name]: one for name, one in _final(connection, ids).items()}
            if self._privacy.older_keys is None:
                return found
            found |= _known_by_alias(connection, {one: key for one, key in ids.items() if key not in found})
            older_ids = {
                key: [outcome_id(sink, one) for one in older]
                for key, older in keys.items()
                if key not in found
            }
            final = _final(connection, chain.from_iterable(older_ids.values()))
        older = {
            key: next(final[one] for one in some if one in final)
            for key, some in older_ids.items()
            if not final.keys().isdisjoint(some)
        }
        if older:
            self._adopt(sink, older)
        return found | older

    def _adopt(self, sink: str, found: Mapping[str, Known]) -> None:
        """Store under which id a key was found: a tap that writes it otherwise one day must find it, too."""
        rows = [
            {"outcome_id": outcome_id(sink, key), "known_as": one.outcome_id} for key, one in found.items()
        ]
        with self._store.write() as connection:
            connection.execute(insert(connection.dialect, aliases).on_conflict_do_nothing(), rows)

    def counts(self, run_id: str) -> dict[tuple[str, str], int]:
        """Return the number of a run's rows by sink and outcome."""
        with self._store.read() as connection:
            found = connection.execute(select(runs).where(runs.c.run_id == run_id))
            return {(row.sink, row.outcome): row.rows for row in found}

    def count_found(self, run_id: str, sink: str, found: int) -> None:
        """Count as ``sent`` that many messages which a run has counted as ``unknown``."""
        counted = runs.c.run_id == run_id, runs.c.sink == sink, runs.c.outcome == "unknown"
        with self._store.write() as connection:
            connection.execute(update(runs).where(*counted).values(rows=runs.c.rows - found))
            connection.execute(delete(runs).where(*counted, runs.c.rows == 0))
            add_counts(connection, run_id, {(sink, "sent"): found})

    # Reading and removing

    def newest(
        self,
        *,
        outcome: str | None = None,
        sink: str | None = None,
        run_id: str | None = None,
        limit: int | None = None,
    ) -> list[Columns]:
        """Return outcomes, those changed last first."""
        query = select(*SHOWN).order_by(outcomes.c.updated_at.desc(), outcomes.c.outcome_id).limit(limit)
        for name, value in {"outcome": outcome, "sink": sink, "run_id": run_id}.items():
            if value is not None:
                query = query.where(outcomes.c[name] == value)
        with self._store.read() as connection:
            return _rows(connection, query)

    def of_key(self, key: str) -> list[Columns]:
        """Return what came of a key, in each sink that saw it, with its lease while it is ``unknown``."""
        names = self._privacy.keys(key)
        claimed = func.substr(meta.c.name, len(SINK) + 1)
        sinks = union(select(runs.c.sink), select(claimed).where(meta.c.name.startswith(SINK)))
        query = select(*SHOWN, LEASE).order_by(outcomes.c.sink)
        with self._store.read() as connection:
            ids = [outcome_id(sink, name) for sink in connection.execute(sinks).scalars() for name in names]
            older = select(aliases.c.known_as).where(aliases.c.outcome_id.in_(ids))
            ids += connection.execute(older).scalars()
            return _rows(connection, query.where(outcomes.c.outcome_id.in_(ids))) or _rows(
                # A key that could not be stored as it was has the id of what it was.
                connection,
                query.where(outcomes.c.key.in_(names)),
            )

    def changed_since(self, moment: datetime | None = None) -> Iterator[list[Columns]]:
        """Yield pages of what changed then or later (None: of everything), in the order of ``updated_at``.

        A row that changes meanwhile comes again. No transaction is open between pages.
        """
        order = (outcomes.c.updated_at, outcomes.c.outcome_id)
        pages = select(*SHOWN).order_by(*order).limit(SLICE)
        query = pages if moment is None else pages.where(outcomes.c.updated_at >= moment)
        while True:
            with self._store.read() as connection:
                page = _rows(connection, query)
            if not page:
                return
            yield page
            query = pages.where(tuple_(*order) > (page[-1]["updated_at"], page[-1]["outcome_id"]))

    def prune(self, before: datetime) -> int:
        """Delete outcomes that last changed before a time, with their claims; return how many.

        So are budgets of groups that have spent nothing since: their names begin anew.
        A key that was ``sent`` is forgotten too: its row is sent again if upstream delivers it again.
        ``unknown`` is never deleted, nor are opt-outs and counts.
        """
        deleted = 0
        with self._store.write() as connection:
            keep_known(connection)
            connection.execute(delete(budgets).where(budgets.c.updated_at < before))
        old = select(outcomes.c.outcome_id).where(outcomes.c.updated_at < before, ~UNKNOWN).limit(10 * SLICE)
        while True:
            with self._store.write() as connection:
                ids = list(connection.execute(old).scalars())
                for some in slices(ids):
                    connection.execute(delete(outcomes).where(outcomes.c.outcome_id.in_(some)))
            deleted += len(ids)
            if not ids:
                return deleted


def _rows(connection: Connection, query: Any) -> list[Columns]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _final(connection: Connection, ids: Iterable[str]) -> dict[str, Known]:
    """Return, by outcome id, what must not be sent again."""
    columns = [outcomes.c[name] for name in Known.__struct_fields__]
    query = select(*columns).join(WANTED, outcomes.c.outcome_id == WANTED.c.key).where(IS_FINAL)
    found = connection.execute(query, {"wanted": dict.fromkeys(ids)})
    return {row["outcome_id"]: Known(**row) for row in found.mappings()}


def _known_by_alias(connection: Connection, keys: Mapping[str, str]) -> dict[str, Known]:
    """Return what must not be sent again of keys, by outcome id, that ``_adopt`` knows under another id."""
    query = select(aliases).join(WANTED, aliases.c.outcome_id == WANTED.c.key)
    found = connection.execute(query, {"wanted": dict.fromkeys(keys)})
    key_of = {row.known_as: keys[row.outcome_id] for row in found}
    return {key_of[name]: one for name, one in _final(connection, key_of).items()}
