"""Budgets: what the runs of one group have spent together, of one cap for all of them.

A message is counted when it is claimed, in the claim's own transaction, and writers are alone: however many
runs there are at once, they never claim more than the cap. What a run that died had claimed stays counted.
What was answered as certainly not sent is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from clicksend.ledger.records import Budget, Spent
from clicksend.ledger.schema import budgets
from clicksend.ledger.store import Store, insert


class Budgets:
    """What groups of runs have spent.

    Raises:
        LedgerError: From every method, when the database cannot be used.
    """

    def __init__(self, store: Store) -> None:
        """Take the database."""
        self._store = store

    def spent(self, run_group: str) -> Spent:
        """Return what a group has spent; nothing, where the ledger does not know it."""
        with self._store.read() as connection:
            return _read(connection, run_group) or Spent()


def take(
    connection: Connection, budget: Budget, wanted: Mapping[str, Decimal | None], now: datetime
) -> set[str]:
    """Count messages that are about to be claimed; return the names of those that there is no room for.

    Args:
        connection: To the database, in the transaction that claims them.
        budget: The group's; only what is left of its caps is taken.
        wanted: The price of each message by a name, in the order in which they take what is left; None
            where it has none.
        now: The time.
    """
    spent, over = _read(connection, budget.run_group) or Spent(), set()
    for name, price in wanted.items():
        more = Spent(messages=spent.messages + 1, spend=spent.spend + (price or 0))
        if _fits(more, price, budget):
            spent = more
        else:
            over.add(name)
    _write(connection, budget.run_group, spent, now)
    return over


def _fits(spent: Spent, price: Decimal | None, budget: Budget) -> bool:
    """Return whether caps allow what would be spent; under a cap on spend nothing goes without a price."""
    if budget.messages is not None and spent.messages > budget.messages:
        return False
    return budget.spend is None or (price is not None and spent.spend <= budget.spend)


def correct(connection: Connection, run_group: str, by: Spent, now: datetime) -> None:
    """Add to what a group has spent, or give back where that is negative.

    A budget that was pruned meanwhile stays away.
    """
    spent = _read(connection, run_group)
    if spent is not None and by != Spent():
        messages, spend = max(0, spent.messages + by.messages), max(Decimal(0), spent.spend + by.spend)
        _write(connection, run_group, Spent(messages=messages, spend=spend), now)


def _read(connection: Connection, run_group: str) -> Spent | None:
    query = select(budgets.c.messages, budgets.c.spend).where(budgets.c.run_group == run_group)
    row = connection.execute(query).first()
    return None if row is None else Spent(messages=row.messages, spend=row.spend)


def _write(connection: Connection, run_group: str, spent: Spent, now: datetime) -> None:
    values = {"messages": spent.messages, "spend": spent.spend, "updated_at": now}
    statement = insert(connection.dialect, budgets).values(run_group=run_group, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[budgets.c.run_group], set_=values))
