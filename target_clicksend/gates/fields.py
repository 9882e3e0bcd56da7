"""Columns of a message that need more than a type."""

from __future__ import annotations

import re

import phonenumbers

from clicksend.phone import to_e164
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
        Rejected: It is no phone number, or missing.
    """
    try:
        return to_e164(read_required(values, name), country)
    except ValueError as error:
        hint = "" if country else "; set default_country, or write it like +15551234567"
        raise Rejected(f"{name} {error}{hint}") from None


def read_country(values: Values) -> str | None:
    """Return the column ``country``.

    Raises:
        Rejected: There is no such country.
    """
    code = read_text(values, "country").upper()
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise Rejected("country is no country's two-letter code (ISO 3166, like AU or GB)")
    return code or None


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
