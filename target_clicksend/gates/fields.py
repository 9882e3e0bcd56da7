"""Columns of a message that need more than a type."""

from __future__ import annotations

import re

from target_clicksend import numbers
from target_clicksend.gates.public_urls import wrong_url
from target_clicksend.row import Rejected, Values
from target_clicksend.values import LONGEST, read_text

LONGEST_CUSTOM_STRING = 50
"""Characters; ClickSend documents no limit, its own n8n node says 50. Were a longer one cut, its message
could not be told from others in the answer or the history."""
LONGEST_URL = 4000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def read_required(values: Values, name: str, longest: int = LONGEST) -> str:
    """Return a column that must not be empty.

    Raises:
        Rejected: It is.
    """
    if not (text := read_text(values, name, longest)):
        raise Rejected(f"{name} is missing")
    return text


def read_number(values: Values, name: str, country: str | None) -> str:
    """Return a phone number in E.164.

    Args:
        values: The row.
        name: The column.
        country: ISO 3166 code for a number without a country code, None for no such numbers.

    Raises:
        Rejected: It is not a phone number, or missing.
    """
    return numbers.read_phone(name, read_required(values, name), country).number


def read_country(values: Values) -> str | None:
    """Return the column ``country`` as ISO 3166 code.

    Raises:
        Rejected: There is no such country.
    """
    return numbers.read_country(values, "country")


def read_custom_string(values: Values) -> str | None:
    """Return the column ``custom_string`` exactly as it is, None for a blank one.

    Raises:
        Rejected: It is too long.
    """
    if not (text := read_text(values, "custom_string")):
        return None
    given = values["custom_string"]
    text = given if isinstance(given, str) else text
    if len(text) > LONGEST_CUSTOM_STRING:
        raise Rejected(f"custom_string has {len(text)} characters; {LONGEST_CUSTOM_STRING} are the most")
    return text


def read_from_email(values: Values) -> str | None:
    """Return the column ``from_email``.

    Raises:
        Rejected: It is no e-mail address.
    """
    text = read_text(values, "from_email")
    if text and not EMAIL.fullmatch(text):
        raise Rejected("from_email is no e-mail address")
    return text or None


def read_media_file(values: Values) -> str:
    """Return the column ``media_file``; whether it is a picture that can be sent, ClickSend says itself.

    Raises:
        Rejected: It is no URL that anybody can fetch.
    """
    url = read_required(values, "media_file", LONGEST_URL)
    if wrong := wrong_url(url):
        raise Rejected(f"media_file {wrong}")
    return url
