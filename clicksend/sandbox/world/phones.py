"""Telephone numbers as ClickSend keeps them, and the countries they belong to.

They are read without the connectors' own reading: what that gets wrong arrives, as it would at ClickSend.
"""

from __future__ import annotations

import re
from functools import cache

import phonenumbers

DEFAULT_COUNTRY = "US"
"""The account's country: local numbers are read as numbers of it."""
_LETTER = re.compile(r"[^\W\d_]")
_PREFIX, _SHORTEST, _LONGEST = 7, 8, 16  # characters of a number in E.164, the plus sign included


def e164(text: str, country: str = DEFAULT_COUNTRY) -> str | None:
    """Spell a number in E.164; a local one belongs to ``country``. None when it cannot be one.

    Lenient: a number that is possible in its country will do, and a dot is a separator.
    """
    try:
        parsed = phonenumbers.parse(text, country.upper())
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or _LETTER.search(text.lower().removeprefix("tel:")):
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def country(number: str) -> str:
    """Name the country (ISO 3166-1 alpha-2) of a number in E.164; the account's own when it has none."""
    parsed = phonenumbers.parse(number)
    code = phonenumbers.region_code_for_number(parsed)
    code = code or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return code if code.isalpha() and code != "ZZ" else DEFAULT_COUNTRY


def recipient(text: str, local: str = DEFAULT_COUNTRY) -> tuple[str, str] | None:
    """Return number and country of whom a message is for; None when nobody can have that number."""
    if text[:1] == "+" and _SHORTEST <= len(text) <= _LONGEST and text[1:].isdecimal() and text.isascii():
        known = _country_of(text[:_PREFIX], len(text))
        if known:
            return text, known
    number = e164(text, local)
    return None if number is None else (number, country(number))


@cache
def _country_of(prefix: str, length: int) -> str:
    """Name the country of numbers in E.164 that begin so; "" when they are not spelled so.

    A thousand messages would otherwise be a thousand times the same parsing.
    """
    example = prefix.ljust(length, "5")
    return country(example) if e164(example) == example else ""
