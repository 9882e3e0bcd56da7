"""Phone numbers as a sample payload may show them."""

from __future__ import annotations

HEAD, TAIL, HIDDEN = 4, 3, 5


def mask(number: str) -> str:
    """Return an E.164 number with its middle hidden, like ``+614*****111``; of a short one less is shown."""
    tail = max(0, min(TAIL, len(number) - HEAD - HIDDEN))
    end = len(number) - tail
    return number[:HEAD] + "*" * (end - HEAD) + number[end:]
