"""Spellings of a key's value: the one of now, by which it is known, and those of earlier versions."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from clicksend.times import parse_iso

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([Ee][+-]\d{1,4})?", re.ASCII)
"""Text that is a number; with a leading zero it is a code, and one with an exponent has its sign."""
MOST_DIGITS = 1000
MANY = 10**MOST_DIGITS
HEX = "[0-9A-Fa-f]"
UUID_TEXT = re.compile(
    rf"\{{?{HEX}{{8}}(-{HEX}{{4}}){{3}}-{HEX}{{12}}\}}?|(?=\d*[A-Fa-f]){HEX}{{32}}", re.ASCII
)
TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d.*)?", re.ASCII)
ZONE = re.compile(r"\s+(?=[+-]\d\d)|\s*(UTC|GMT|[Zz])$")
TRUTHS = {"true": "1", "false": "0"}
SMALL = re.compile(r"-?(0|[1-9]\d{0,6})", re.ASCII)
"""A spelled integer below 10^7: shorter than phone numbers with their area are."""
LONG_DIGITS = re.compile(r"\d{8}")

OLDER_DIGITS = 30
OLDER_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


def spell(value: Any) -> str:
    """Return the one spelling of a key's value, by what it is.

    1, 1.0, "1" and "1.00" are the same, and so are true and 1; "01" is a code. A date is its midnight, times
    are UTC to the microsecond. UUIDs are lower-case. Text is NFC without the blanks around it, which are
    the padding of a ``char`` column.
    """
    if type(value) is int:
        return str(value) if -MANY < value < MANY else _spell_number(Decimal(value))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, date | time | UUID):
        value = str(value)
    if isinstance(value, str):
        return _spell_text(unicodedata.normalize("NFC", value.strip()))
    if isinstance(value, float | Decimal):
        return _spell_number(Decimal(str(value)))
    return as_json(value)


def says_nobody(value: Any, spelled: str) -> bool:
    """Return whether a key's value says nothing about a person: a small integer, a UUID, a time."""
    if SMALL.fullmatch(spelled):
        return not isinstance(value, str) or LONG_DIGITS.search(value) is None
    if UUID_TEXT.fullmatch(spelled):
        return True
    # More than microseconds are no time's, whatever they are.
    is_time = TIME.fullmatch(spelled) is not None and _moment(spelled) is not None
    return is_time and LONG_DIGITS.search(str(value)) is None


def _spell_text(text: str) -> str:
    if PLAIN_NUMBER.fullmatch(text):
        return _spell_number(Decimal(text))
    if UUID_TEXT.fullmatch(text):
        return str(UUID(text))
    if TIME.fullmatch(text) and (moment := _moment(text)):
        whole, _, fraction = moment.replace(tzinfo=None).isoformat().partition(".")
        return f"{whole}.{fraction.rstrip('0')}Z" if fraction else f"{whole}Z"
    return TRUTHS.get(text.lower(), text)


def _moment(text: str) -> datetime | None:
    """Return a time as UTC, one without zone taken for UTC; None for what is no time after all."""
    try:
        return parse_iso(ZONE.sub(lambda found: "+00:00" if found[1] else "", text).upper())
    except ValueError:
        return None


def _spell_number(exact: Decimal) -> str:
    """Spell a number with the same digits whatever its type; one of very many digits with an exponent."""
    if not exact.is_finite() or exact.is_zero():
        return "0" if exact.is_zero() else str(exact)
    if abs(exact.adjusted()) < MOST_DIGITS:
        text = f"{exact:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    sign, digits, exponent = exact.as_tuple()
    written = "".join(map(str, digits))
    zeros = len(written) - len(written.rstrip("0"))
    return f"{'-' * sign}{written.rstrip('0')}E{int(exponent) + zeros:+}"


def compact(value: Any) -> str:
    """Return lists of texts as JSON; what UTF-8 cannot hold is spelled out."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return as_json(value)


def as_json(value: Any) -> str:
    """Return anything as JSON, the same for records and for the files of BATCH messages."""
    try:
        return _encode(value)
    except RecursionError:
        return "nested too deeply to be told apart"


def _plain(value: Any) -> str:
    return spell_older(value) if isinstance(value, date | Decimal) else str(value)


_encode = json.JSONEncoder(sort_keys=True, default=_plain).encode


def spell_older(value: Any) -> str:
    """Return how versions 1 and 2 of the ledger spelled a key's value, and source keys show it."""
    if type(value) is int and -MANY < value < MANY:
        return str(value)
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str) and OLDER_TIME.fullmatch(value):
        try:
            return parse_iso(value).isoformat()
        except ValueError:
            return unicodedata.normalize("NFC", value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        exact = Decimal(str(value) if not isinstance(value, int) else value)
        is_handy = exact.is_finite() and abs(exact.adjusted()) < OLDER_DIGITS
        text = f"{exact:f}" if is_handy or isinstance(value, int) else str(exact)
        return text.rstrip("0").rstrip(".") if is_handy and "." in text else text
    return as_json(value)


def all_older(value: Any) -> list[str]:
    """Return the older spelling of a value, then those of the same thing as another tap writes it."""
    return list(dict.fromkeys([spell_older(value), *_variants(spell(value))]))


def _variants(spelled: str) -> Iterator[str]:
    if spelled.isdecimal():
        yield from (spelled, f"{spelled}.0")
    elif spelled.endswith("T00:00:00Z"):
        yield from (spelled[:10], f"{spelled[:-1]}+00:00")
    elif UUID_TEXT.fullmatch(spelled):
        yield from (spelled, spelled.upper())
