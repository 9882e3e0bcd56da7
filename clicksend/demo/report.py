"""The demo's last word: stream by stream, what the API has and what the warehouse has."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from clicksend.demo.warehouse import Count


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


def _seconds(seconds: float | None) -> str:
    return "not run" if seconds is None else f"{seconds:.2f}"
