"""The demo's last word: what became of messages and customers; by stream, what API and warehouse have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from demo.customers import LIST, Comparison
from demo.messages import Account
from demo.warehouse import Count

KEPT_OUT = ("rejected", "suppressed")
WRITTEN = ("created", "updated", "deleted")


class Row(NamedTuple):
    """One stream's line.

    Attributes:
        api: Rows that the API holds.
        seconds: How long the extraction took, None when it did not happen.
    """

    stream: str
    api: int
    warehouse: Count
    seconds: float | None

    @property
    def differs(self) -> bool:
        """Whether the warehouse is not what the API is."""
        return self.api != self.warehouse.current or self.seconds is None


def compare(
    api: Mapping[str, int], warehouse: Mapping[str, Count], seconds: Mapping[str, float]
) -> Iterator[Row]:
    """Put both sides beside each other, streams that only one of them has included."""
    for stream in sorted(api.keys() | warehouse.keys()):
        yield Row(stream, api.get(stream, 0), warehouse.get(stream, Count()), seconds.get(stream))


def show(rows: list[Row], console: Console) -> None:
    """Print the table, and what it cannot say."""
    table = Table("Stream")
    for title in ("In the API", "In the warehouse", "Loaded now", "Seconds"):
        table.add_column(title, justify="right")
    for row in rows:
        count = row.warehouse
        figures = (f"{row.api:,}", f"{count.current:,}", f"{count.loaded:,}", _seconds(row.seconds))
        table.add_row(row.stream, *figures, style="bold red" if row.differs else None)
    console.print(table)
    kept = [f"{row.stream} {row.warehouse.kept:,}" for row in rows if row.warehouse.kept]
    if kept:
        console.print(f"Kept in the warehouse, though the API has dropped them by age: {', '.join(kept)}.")


def show_messages(account: Account, new: int, console: Console) -> None:
    """Print what became of the messages.

    Args:
        account: The rows, their outcomes, and what arrived.
        new: How many of the rows were not there before this run.
        console: Where to print.
    """
    console.print(
        f"Messages into ClickSend: {account.rows:,} rows, {new:,} of them new;"
        f" {account.arrived:,} have arrived, {account.again:,} of them a second time."
    )
    for (outcome, reason), rows in account.outcomes.items():
        if outcome != "sent":
            console.print(f"  {rows:,} {outcome}: {reason}", markup=False)
    verdict = (
        "each row has its outcome, and each that was sent its message in the history"
        if account.is_whole
        else f"{account.rows - sum(account.outcomes.values()):,} rows have no outcome, {account.strange:,}"
        " messages are not in both"
    )
    console.print(f"Back from ledger and ClickSend: {verdict}.")


def show_customers(target: Mapping[str, Any], found: Comparison, console: Console) -> bool:
    """Print what became of the customers.

    Args:
        target: The target's own report.
        found: The customers, and the contacts as they came back.
        console: Where to print.

    Returns:
        Whether the contacts are the customers, less those that were kept out for a reason.
    """
    outcomes: dict[str, int] = target["rows"].get("contacts", {})
    counts = ", ".join(f"{rows:,} {outcome}" for outcome, rows in outcomes.items())
    idle = "" if any(outcomes.get(outcome) for outcome in WRITTEN) else "; nothing was written"
    console.print(f"Customers into ClickSend: {found.customers:,} read; {counts}{idle}.")
    for one in target["reasons"]:
        console.print(f"  {one['rows']:,} {one['outcome']}: {one['reason']}", markup=False)
    kept_out = sum(outcomes.get(outcome, 0) for outcome in KEPT_OUT)
    is_equal = not found.strange and found.contacts == found.customers - kept_out
    verdict = (
        "each equal to its customer in every field" if is_equal else f"{found.strange:,} unlike any customer"
    )
    console.print(f'Back from ClickSend: {found.contacts:,} contacts of the list "{LIST}", {verdict}.')
    return is_equal


def _seconds(seconds: float | None) -> str:
    return "not run" if seconds is None else f"{seconds:.2f}"
