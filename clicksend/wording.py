"""How counts are said."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: 1 row, 2,000 rows."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
