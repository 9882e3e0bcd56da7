"""Numbers and addresses of people in a text of any kind, found by their looks."""

from __future__ import annotations

import re

_KEPT = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\b[0-9a-f]{32,}\b"
    r"|(?<!\d)\d{1,9}\.\d+(?![\deE])|(?:like |form \()\+15551234567\b"
)
"""UUIDs, hashes, numbers with a fraction (seconds, prices), and the example where our own sentences give it.
Ten digits before a fraction are a phone number that some table holds as a float."""
_ADDRESS = r"[^\s@<>\"'(),;:=/&?]{1,64}(?:@|%40)[^\s@<>\"'(),;:=/&?]{1,250}\.[^\W\d_]{2,}"
_NUMBER = r"\+\d[\d ().-]{5,}\d|(?<!\d)\d{10,}(?:\.\d+)?|\d\.\d{5,}[eE]\+?1\d"
"""E.164, with the usual blanks after a +; without one from ten digits on: ids of lists, ports, counts and
parts of times have fewer."""
_PERSONAL = re.compile(f"(?P<kept>{_KEPT})|(?P<address>{_ADDRESS})|(?P<number>{_NUMBER})")


def masked(text: str) -> str:
    """Return a text with ``[number]`` and ``[address]`` for phone numbers and e-mail addresses."""
    return _PERSONAL.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    return found[0] if found.lastgroup == "kept" else f"[{found.lastgroup}]"
