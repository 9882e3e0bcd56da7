"""Characters that nobody sees: a text may hold them, and be another one than it seems."""

from __future__ import annotations

import unicodedata

from clicksend.personal import masked

DRAWN_AS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters of other categories that fonts leave empty (Unicode: Default_Ignorable_Code_Point; U+2800 is a
braille cell without dots)."""
VARIATIONS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
INVISIBLE = DRAWN_AS_NOTHING | frozenset(map(chr, VARIATIONS))


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
    shown = text if len(text) <= longest else f"{text[:longest]}..."
    return "".join([one if one.isprintable() and one not in INVISIBLE else _code(one) for one in shown])


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode()
