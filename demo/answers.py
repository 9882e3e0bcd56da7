"""The demo's last lines: what became of our messages and of all that the account sent, by the dbt models."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from rich.console import Console
from rich.table import Table

from demo.messages import STREAM

SHARES = 30
"""Fewer settled messages have no rate, as in the models."""
AS_OF = "select as_of from clicksend_analytics.as_of"
FIGURES = """
    select count(*) filter (where went_out),
           count(*) filter (where fate = 'delivered'),
           count(*) filter (where fate = 'undelivered'),
           count(*) filter (where fate = 'unconfirmed'),
           count(*) filter (where fate = 'pending'),
           count(*) filter (where fate = 'scheduled'),
           coalesce(sum(cost), 0),
           coalesce(sum(parts_wasted) filter (where went_out), 0),
           coalesce(sum(replies), 0)
    from clicksend_analytics.messages_enhanced
    where direction = 'out' and (outcome_id is not null or not %s)
"""
OPT_OUTS = """
    select count(*) from (
        select distinct on (sender) reply_to
        from clicksend_analytics.conversations
        where is_opt_out and sender is not null
        order by sender, received_at
    ) as stops
    left join clicksend_analytics.messages_enhanced as messages on messages.message_id = stops.reply_to
    where messages.outcome_id is not null or not %s
"""
UNACCOUNTED = """
    select count(*)
    from messages
    left join clicksend_analytics.send_outcomes as outcomes
        on outcomes.stream = %s and outcomes.source_id = messages.id::text
    where outcomes.what_became is null or outcomes.what_became in ('not in history', 'unknown', 'failed')
"""
CURRENCY = "select min(currency) from clicksend_analytics.messages_enhanced"
# A row that an earlier run turned away, or was stopped before, is in the ledger for longer than it was sent.
BILLED = """
    select coalesce(sum(estimated), 0), coalesce(sum(billed), 0)
    from clicksend_analytics.send_outcomes where updated_at >= %s
"""


class Figures(NamedTuple):
    """What was sent, and what came of it; cost in the account's currency."""

    sent: int
    delivered: int
    undelivered: int
    unconfirmed: int
    pending: int
    scheduled: int
    cost: Decimal
    parts_wasted: int
    replies: int
    opt_outs: int

    @property
    def delivery_rate(self) -> float | None:
        """Share of what was delivered among what is settled; None for too few."""
        settled = self.delivered + self.undelivered + self.unconfirmed
        return self.delivered / settled if settled >= SHARES else None


class Answers(NamedTuple):
    """The answers.

    Attributes:
        as_of: The moment that they are true of.
        ours: Of the messages that the demo has ever sent.
        account: Of all that the account sent.
        unaccounted: Rows of the table of which nobody knows what became.
        currency: ISO 4217 code.
        estimated: What this run's messages were to cost, when ClickSend took them.
        billed: What they cost by the history.
        before: The account's balance before this run's messages were sent.
        after: The balance after that.
    """

    as_of: datetime
    ours: Figures
    account: Figures
    unaccounted: int
    currency: str
    estimated: Decimal
    billed: Decimal
    before: Decimal
    after: Decimal

    @property
    def agree(self) -> bool:
        """Whether every row is accounted for, and balance, ledger and history agree on the money."""
        return not self.unaccounted and self.before - self.after == self.estimated == self.billed


def read(url: str, *, since: datetime, balances: tuple[Decimal, Decimal]) -> Answers:
    """Read them from the models.

    Args:
        url: The database.
        since: When this run began.
        balances: The account's balance before and after this run's messages were sent.
    """
    with psycopg.connect(url, options="-c timezone=UTC") as database:

        def one(query: str, *values: object) -> Any:
            """Return the only row, as a tuple."""
            return database.execute(query.encode(), values or None).fetchall()[0]

        def figures(*, ours: bool) -> Figures:
            return Figures(*one(FIGURES, ours), *one(OPT_OUTS, ours))

        estimated, billed = one(BILLED, since)
        return Answers(
            as_of=one(AS_OF)[0],
            ours=figures(ours=True),
            account=figures(ours=False),
            unaccounted=one(UNACCOUNTED, STREAM)[0],
            currency=one(CURRENCY)[0],
            estimated=estimated,
            billed=billed,
            before=balances[0],
            after=balances[1],
        )


def show(answers: Answers, console: Console) -> None:
    """Print them."""
    table = Table("", title=f"Answers as of {answers.as_of:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for title in ("Our messages", "All of the account"):
        table.add_column(title, justify="right")
    both = (answers.ours, answers.account)
    for name in ("sent", "delivered", "undelivered", "unconfirmed", "pending", "scheduled"):
        table.add_row(name.capitalize(), *(f"{getattr(one, name):,}" for one in both))
    table.add_row("Delivery rate", *(_share(one.delivery_rate) for one in both))
    table.add_row(f"Cost ({answers.currency})", *(f"{one.cost:,.4f}" for one in both))
    for title, name in (("Parts wasted", "parts_wasted"), ("Replies", "replies"), ("Opt-outs", "opt_outs")):
        table.add_row(title, *(f"{getattr(one, name):,}" for one in both))
    table.add_row(
        "Rows unaccounted", f"{answers.unaccounted:,}", "", style="bold red" if answers.unaccounted else None
    )
    console.print(table)
    spent = answers.before - answers.after
    console.print(
        f"Balance before sending {answers.before:,.4f}, after it {answers.after:,.4f}: {spent:,.4f}"
        f" {answers.currency} less. By ledger {answers.estimated:,.4f}, by history {answers.billed:,.4f}."
    )


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
