"""The text of a cell that should hold one phone number: its characters, and what spreadsheets did to it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from clicksend.text import is_invisible

HINT = "write it like +15551234567"
NOT_VALID = "is not a valid phone number"
TWO = f"may hold two numbers: give one, and {HINT}"

PLUSES = frozenset("+\uff0b\ufe62\u207a\u208a\u2795\ufb29\u02d6")
DASHES = frozenset("\u2212\u207b\u208b\u2796\u02d7\u2043\u30fc\uff70")
"""Those that are not in Unicode's category of dashes; Japanese keyboards write the sound mark for one."""
WAVES = frozenset("\u301c\u3030")
"""Dashes that say "to": between them are two numbers."""

MARK = re.compile("^(?:['\u2018\u2019\u02bc]\\s*)?(?:tel:\\s*)?", re.IGNORECASE)
BRACKETED_PLUS = re.compile(r"^[(\[ ]+\+")
EXPONENT = re.compile(r"(\+?)(\d+)(?:[.,](\d+))?e\+?(\d{1,2})", re.IGNORECASE)
WHOLE = re.compile(r"(\+?\d+)[.,]00?")
"""A whole number as programs write one that they hold as a float."""
EXTENSION = re.compile(
    r"(?<=\d)[ ,;.)-]*(?:ext\w*|x|int|anexo|\u0434\u043e\u0431\w*|#)[ .:=#]*\d{1,9}#?", re.IGNORECASE
)
THOUSANDS = re.compile(r"\+?\d{1,3}(?:,\d{3})+")
SEVERAL = re.compile(r"[;,|&\r\n\v\f\x1c-\x1e\x85\u2028\u2029]|\d.*\+")
SHAPE = re.compile(r"\+?[ (\[]*\d[\d ()\[\].\-/]*")
DOTTED = re.compile(r"([^.]*?(\d*))\.(\d+)")
ZERO = re.compile(r"[(\[]\s*0\s*[)\]]")
"""What is dialled within the country only, as people write it behind a country code."""
ONE_PIECE = 7
"""Digits; so many in one piece are a whole number, and a dot behind them is a decimal point."""
LONGEST_AREA, LONGEST_CODE_AND_AREA, SHORTEST_REST = 5, 8, 5
"""Digits before and after a slash that parts an area code from the rest of its number."""


class Written(NamedTuple):
    """What a cell says.

    Attributes:
        text: One plus at most, in front; else ASCII digits, blanks, hyphens, dots, brackets, a slash.
        was_float: Whether it is the integer that a float's text stands for: zeros in front may be lost.
    """

    text: str
    was_float: bool


def written(cell: str) -> Written:
    """Return what a cell says, where that can be one number only.

    Raises:
        ValueError: It cannot; the text is a clause, and quotes nothing.
    """
    text = cleaned(cell)
    if not any(map(str.isdecimal, text)):
        raise ValueError(NOT_VALID)
    if found := EXPONENT.fullmatch(text):
        return Written(_integer(*found.groups("")), was_float=True)
    if found := WHOLE.fullmatch(text):
        return Written(found[1], was_float=True)
    _check(text)
    return Written(text, was_float=False)


def cleaned(cell: str) -> str:
    """Return a text in plain signs, without what cannot be seen or is not dialled."""
    text = (cell.replace("\t", " ") if cell.isascii() else "".join(map(plain_sign, cell))).strip()
    return BRACKETED_PLUS.sub("+", MARK.sub("", text))


def digits_of(text: str) -> str:
    """Return the digits of a text."""
    return re.sub(r"\D", "", text)


def may_be_meant(cell: str) -> set[str]:
    """Return all numbers that a cell may hold, each in digits, with or without a plus in front.

    It is for opt-outs, none of which may be overlooked: nothing is refused as unclear.
    """
    whole = cleaned(cell)
    parts = {whole, *re.split(r"[;,|&/\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|\bor\b|(?<=\d)[ ()-]*(?=\+)", whole)}
    parts |= {EXTENSION.split(part)[0] for part in parts}
    parts |= {found[1] for part in parts if (found := WHOLE.fullmatch(part.strip()))}
    for part in list(parts):
        if found := EXPONENT.fullmatch(part.strip()):
            parts.remove(part)
            try:
                parts.add(_integer(*found.groups("")))
            except ValueError:
                continue
    return {
        ("+" if "+" in part else "") + digits
        for part in parts
        for digits in (digits_of(part), digits_of(ZERO.sub("", part)))
        if digits
    }


def _integer(plus: str, first: str, rest: str, exponent: str) -> str:
    """Return the integer that a number with an exponent stands for.

    Raises:
        ValueError: Not all of its digits are there.
    """
    places = int(exponent)
    if len(rest) < places:
        raise ValueError(f"was shortened by a spreadsheet, and has lost digits: {HINT}, as text")
    if rest[places:].strip("0"):
        raise ValueError(f"is a number with a fraction: {HINT}, as text")
    return plus + first + rest[:places]


def _check(text: str) -> None:
    """Check that a text holds one number, and nothing beside it.

    Raises:
        ValueError: It does not; the text is a clause, and quotes nothing.
    """
    if re.search(EXTENSION.pattern + "$", text, re.IGNORECASE):
        raise ValueError("has an extension, which no message can reach")
    if any(map(str.isalpha, text)):
        raise ValueError("has letters in it")
    if THOUSANDS.fullmatch(text):
        raise ValueError(f"has thousands separators: {HINT}")
    if SEVERAL.search(text):
        raise ValueError(TWO)
    if not SHAPE.fullmatch(text):
        raise ValueError(NOT_VALID)
    if "/" in text and not _parts_an_area_code(text):
        raise ValueError(TWO)
    if _has_a_fraction(text):
        raise ValueError(f"is a number with a fraction: {HINT}, as text")


def _parts_an_area_code(text: str) -> bool:
    before, *after = map(digits_of, text.split("/"))
    has_code = text.startswith("+") or before.startswith("00")
    longest = LONGEST_CODE_AND_AREA if has_code else LONGEST_AREA + before.startswith("0")
    return len(after) == 1 and len(before.removeprefix("00")) <= longest and len(after[0]) >= SHORTEST_REST


def _has_a_fraction(text: str) -> bool:
    """Return whether a dot may be a decimal point: the one of a text, or the last with one digit behind."""
    if re.search(r"\.\d$", text):
        return True
    if not (found := DOTTED.fullmatch(text)):
        return False
    before, piece, after = len(digits_of(found[1])), len(found[2]), len(found[3])
    return piece >= ONE_PIECE or (before >= ONE_PIECE and after <= 2)  # noqa: PLR2004, as of money


@lru_cache(maxsize=4096)
def plain_sign(character: str) -> str:
    """Return the ASCII character that one stands for, ``""`` for one that cannot be seen, else itself."""
    category = unicodedata.category(character)
    if character in PLUSES:
        return "+"
    if character in DASHES or (category == "Pd" and character not in WAVES):
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs" or character in "\t\u2800":
        return " "
    # Of what cannot be seen, control characters may be line breaks between two numbers.
    if category != "Cc" and is_invisible(character):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    # Not so raised digits: they are footnotes.
    return plain if len(plain) == 1 and plain.isascii() and category != "No" else character
