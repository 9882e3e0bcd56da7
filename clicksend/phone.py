"""Phone numbers in E.164, the one spelling that ClickSend stores and that we compare and hash."""

from __future__ import annotations

import re
from functools import cache

E164 = re.compile(r"\+[1-9]\d{6,14}")
LETTER = re.compile(r"[^\W\d_]")
"""The library reads letters as the digits on their keys, and "or" between two numbers as some of one."""

HEAD, TAIL, HIDDEN = 4, 3, 5
"""Digits of a masked number that show at its ends, and that must not."""


def to_e164(number: str, country: str | None = None) -> str:
    """Return a phone number as ``+15551234567``.

    Args:
        number: As people write it.
        country: ISO 3166 code of the country that a number without a country code belongs to.

    Raises:
        ValueError: It is no possible phone number; the text says why and never quotes it.
    """
    if _is_spelled_so(number):
        return number
    import phonenumbers  # noqa: PLC0415, slow, and many commands need none of it

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        raise ValueError(
            "is no phone number" if country else "is no phone number with a country code"
        ) from None
    if parsed.extension:
        raise ValueError("has an extension, which no message can reach")
    if LETTER.search(number.lower().removeprefix("tel:")):
        raise ValueError("has letters in it")
    # One without its area code is "possible" too, for who lives there.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError("has too few or too many digits for its country")
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _is_spelled_so(number: str) -> bool:
    """Return whether a text is surely the E.164 of a possible number: what costs the library its time."""
    if E164.fullmatch(number) is None or not number.isascii():
        return False
    for digits in (1, 2, 3):
        if lengths_and_prefix := _plan(int(number[1 : 1 + digits])):
            lengths, prefix = lengths_and_prefix
            national = number[1 + digits :]
            return len(national) in lengths and not (prefix and prefix.match(national))
    return False


@cache
def _plan(country_code: int) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Return how long numbers of a country code are, and what may come before them within the country."""
    import phonenumbers  # noqa: PLC0415

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code)
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    local = frozenset(metadata.general_desc.possible_length_local_only)
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(metadata.general_desc.possible_length) - local
    return lengths, re.compile(prefix) if prefix else None


def mask(number: str) -> str:
    """Return an E.164 number with its middle hidden, like ``+614*****111``; of a short one less is shown."""
    tail = max(0, min(TAIL, len(number) - HEAD - HIDDEN))
    end = len(number) - tail
    return number[:HEAD] + "*" * (end - HEAD) + number[end:]
