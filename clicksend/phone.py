"""Phone numbers in E.164, the one spelling that ClickSend stores and that we compare and hash."""

from __future__ import annotations

import re

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


def mask(number: str) -> str:
    """Return an E.164 number with its middle hidden, like ``+614*****111``; of a short one less is shown."""
    tail = max(0, min(TAIL, len(number) - HEAD - HIDDEN))
    end = len(number) - tail
    return number[:HEAD] + "*" * (end - HEAD) + number[end:]
