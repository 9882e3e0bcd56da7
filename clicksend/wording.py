"""Counts and tables as text."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: 1 row, 2,000 rows."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def table(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Return rows of cells as lines of a table, its columns two blanks apart.

    Args:
        rows: All of one length; a heading is the first of them.
        right: Which columns, counted from 0, are aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [(">" if number in right else "<") + str(width) for number, width in enumerate(widths)]
    return [
        "  ".join(format(cell, how) for cell, how in zip(row, aligned, strict=True)).rstrip() for row in rows
    ]
