"""Values of keys in one form each: the one of now, by which a key is known, and those of earlier versions."""

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
"""An integer below 10^7: shorter than phone numbers with their area are."""
LONG_DIGITS = re.compile(r"\d{8}")

OLDER_DIGITS = 30
OLDER_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


def normalize(value: Any) -> str:
    """Return the one form of a key's value, by what it is.

    1, 1.0, "1" and "1.00" are the same, and so are true and 1; "01" is a code. A date is its midnight, times
    are UTC to the microsecond. UUIDs are lower-case. Text is NFC without the blanks around it, which are
    the padding of a ``char`` column.
    """
    if type(value) is int:
        return str(value) if -MANY < value < MANY else _normalize_number(Decimal(value))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, date | time | UUID):
        value = str(value)
    if isinstance(value, str):
        return _normalize_text(unicodedata.normalize("NFC", value.strip()))
    if isinstance(value, float | Decimal):
        return _normalize_number(Decimal(str(value)))
    return as_json(value)


def is_impersonal(value: Any, normalized: str) -> bool:
    """Return whether a key's value cannot name a person: it is a small integer, a UUID or a time."""
    if SMALL.fullmatch(normalized):
        return not isinstance(value, str) or LONG_DIGITS.search(value) is None
    if UUID_TEXT.fullmatch(normalized):
        return True
    # Digits beyond microseconds are not part of a time.
    is_time = TIME.fullmatch(normalized) is not None and _moment(normalized) is not None
    return is_time and LONG_DIGITS.search(str(value)) is None


def _normalize_text(text: str) -> str:
    if PLAIN_NUMBER.fullmatch(text):
        return _normalize_number(Decimal(text))
    if UUID_TEXT.fullmatch(text):
        return str(UUID(text))
    if TIME.fullmatch(text) and (moment := _moment(text)):
        whole, _, fraction = moment.replace(tzinfo=None).isoformat().partition(".")
        return f"{whole}.{fraction.rstrip('0')}Z" if fraction else f"{whole}Z"
    return TRUTHS.get(text.lower(), text)


def _moment(text: str) -> datetime | None:
    """Return a time as UTC, one without a zone taken for UTC; None for what is not a time."""
    try:
        return parse_iso(ZONE.sub(lambda found: "+00:00" if found[1] else "", text).upper())
    except ValueError:
        return None


def _normalize_number(exact: Decimal) -> str:
    """Return a number in plain digits, the same for each type; one of very many digits with an exponent."""
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
    """Return lists of texts as JSON; what UTF-8 cannot hold is escaped."""
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
    return normalize_older(value) if isinstance(value, date | Decimal) else str(value)


_encode = json.JSONEncoder(sort_keys=True, default=_plain).encode


def normalize_older(value: Any) -> str:
    """Return a key's value as versions 1 and 2 of the ledger wrote it, and source keys show it."""
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


def older_forms(value: Any) -> list[str]:
    """Return the form that older ledgers have of a value, then those of the same value from other taps."""
    return list(dict.fromkeys([normalize_older(value), *_variants(normalize(value))]))


def _variants(normalized: str) -> Iterator[str]:
    if normalized.isdecimal():
        yield from (normalized, f"{normalized}.0")
    elif normalized.endswith("T00:00:00Z"):
        yield from (normalized[:10], f"{normalized[:-1]}+00:00")
    elif UUID_TEXT.fullmatch(normalized):
        yield from (normalized, normalized.upper())
