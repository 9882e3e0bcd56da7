"""Text as people see it: characters that cannot be seen, numbers and addresses in it, counts, tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

DRAWN_AS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters of other categories that fonts leave empty (Unicode: Default_Ignorable_Code_Point; U+2800 is a
braille cell without dots)."""
VARIATIONS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
INVISIBLE = DRAWN_AS_NOTHING | frozenset(map(chr, VARIATIONS))

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


def visible(text: str) -> str:
    """Return a text without what cannot be seen in it, line breaks included; of blanks without its edges."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return "".join([one for one in text if not is_invisible(one)]).strip()


def is_blank(text: str) -> bool:
    """Return whether nothing of a text can be seen."""
    return all(one.isspace() or is_invisible(one) for one in text)


def is_invisible(character: str) -> bool:
    """Return whether a character other than a blank is drawn as nothing."""
    return character in INVISIBLE or unicodedata.category(character) in ("Cc", "Cf")


def escaped(text: str, longest: int = 60) -> str:
    r"""Return a name from outside as it can be shown: short, with ``\ufeff`` for what is not seen.

    Numbers and addresses of people in it are masked; before it is cut, for parts would not be known for them.
    """
    text = masked(text)
    return printable(text if len(text) <= longest else f"{text[:longest]}...")


def printable(text: str) -> str:
    r"""Return a text on one line, with codes (``\x1b``) for what a terminal obeys and what is not seen."""
    return "".join([one if one.isprintable() and one not in INVISIBLE else _code(one) for one in text])


def masked(text: str) -> str:
    """Return a text with ``[number]`` and ``[address]`` for phone numbers and e-mail addresses."""
    return _PERSONAL.sub(_mask, text)


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


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _mask(found: re.Match[str]) -> str:
    return found[0] if found.lastgroup == "kept" else f"[{found.lastgroup}]"
