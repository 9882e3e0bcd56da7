"""Column types: each is one JSON schema and the one way to read whatever the API sends for it.

The API's types wander (observed): 1, "1", "1.00" and "" in one field, seconds as number or string.
What comes out has one type. A value that cannot be read leaves its column null and is kept in ``extra``.
Times come out as Unix seconds: they are compared as such, and each encoder formats them in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from clicksend.times import FIRST_MILLISECOND, parse_iso, unix_seconds

Row = dict[str, Any]

LARGEST_INTEGER = 2**63 - 1
SECRETS = re.compile(r"api_?key|password|secret|token", re.IGNORECASE)
PRICED = (str, int, Decimal)
WHOLE_NUMBER = re.compile(r"[+-]?\d+(\.0+)?")


def without_secrets(value: Any) -> Any:
    """Return a JSON value without the keys in it: ClickSend sends ``_subaccount.api_key`` (observed)."""
    if isinstance(value, dict):
        return {name: without_secrets(part) for name, part in value.items() if not SECRETS.search(name)}
    return [without_secrets(part) for part in value] if isinstance(value, list) else value


def read_text(value: Any) -> str | None:
    """Return text as it is, numbers in digits, ``""`` as None.

    Raises:
        ValueError: It is an object or a list.
    """
    if isinstance(value, str):
        return value or None
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    raise ValueError(type(value))


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int):
        if value is None or value in ("", []):
            return None
        digits = str(value).strip()
        if not WHOLE_NUMBER.fullmatch(digits):
            raise ValueError
        value = int(digits.partition(".")[0])
    if abs(value) > LARGEST_INTEGER:
        raise ValueError
    return int(value)


def _id(value: Any) -> int | None:
    return _integer(value) or None


def _price(value: Any) -> Decimal | None:
    if value is None or value in ("", []):
        return None
    if not isinstance(value, PRICED):
        raise ValueError(type(value))
    return _exact(str(value))


@lru_cache(maxsize=4096)
def _exact(number: str) -> Decimal:
    try:
        exact = Decimal(number.strip()).normalize()
    except InvalidOperation:
        raise ValueError from None
    if not exact.is_finite():
        raise ValueError
    # A whole number comes out of normalize() as 1E+1.
    return exact.quantize(Decimal(1)) if int(exact.as_tuple().exponent) > 0 else exact


def read_time(value: Any) -> int | None:
    """Return a time as Unix seconds, 0 and ``""`` as None.

    Raises:
        ValueError: It is not a valid time, or lies outside the years that ISO 8601 has.
    """
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and 0 < value < FIRST_MILLISECOND:
        return int(value)
    if value is None or value in ("", 0, []):
        return None
    return _seconds(str(value).strip(" ,"))


def _seconds(given: str) -> int:
    if WHOLE_NUMBER.fullmatch(given):
        seconds = int(given.partition(".")[0])
        try:
            moment = datetime.fromtimestamp(unix_seconds(seconds), UTC)
        except (OverflowError, OSError):
            raise ValueError from None
    else:
        moment = parse_iso(given)
    return int(moment.replace(microsecond=0).timestamp())


def iso(seconds: int) -> str:
    """Return Unix seconds as text, ``YYYY-MM-DDTHH:MM:SS+00:00``; such texts sort by time."""
    return _hour(seconds // 3600) + _IN_AN_HOUR[seconds % 3600]


@lru_cache(maxsize=4096)
def _hour(hours: int) -> str:
    """Return the beginning of all times in one hour since 1970; most rows of a page share it."""
    return datetime.fromtimestamp(hours * 3600, UTC).isoformat(timespec="hours")[: len("YYYY-MM-DDTHH")]


_IN_AN_HOUR = [f":{seconds // 60:02}:{seconds % 60:02}+00:00" for seconds in range(3600)]


def _words(value: Any) -> list[str] | None:
    if value is None or value in ("", []):
        return None
    words = [read_text(word) for word in value] if isinstance(value, list) else [read_text(value)]
    return [word for word in words if word]


def _mapping(value: Any) -> Row | None:
    if value is None or value in ("", [], {}):
        return None
    if not isinstance(value, dict):
        raise ValueError(type(value))
    return dict(without_secrets(value))


@dataclass(frozen=True)
class Column:
    """One column of a stream.

    Attributes:
        read: Turns the API's value into the column's; raises ``ValueError`` where it cannot.
        schema: JSON schema of a value that is not null.
        description: What the value is.
        personal: Whether it says something about a person.
        old_names: Other spellings of the field, older or from other endpoints.
    """

    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    description: str
    personal: bool = False
    old_names: tuple[str, ...] = ()

    def json_schema(self, *, nullable: bool) -> dict[str, Any]:
        """Return the column's full JSON schema."""
        kind = [self.schema["type"], "null"] if nullable else [self.schema["type"]]
        description = self.description + (" Personal data." if self.personal else "")
        return {**self.schema, "type": kind, "description": description}


def text(description: str, *, personal: bool = False, old_names: tuple[str, ...] = ()) -> Column:
    """Return a column of text; ``""`` is null, numbers become digits."""
    return Column(read_text, {"type": "string"}, description, personal, old_names)


def integer(description: str, *, zero_is_none: bool = False) -> Column:
    """Return a column of 64-bit integers; with ``zero_is_none`` 0 is null, as ids mean it."""
    read = _id if zero_is_none else _integer
    return Column(read, {"type": "integer"}, description)


def price(description: str) -> Column:
    """Return a column of exact decimals, written as JSON numbers."""
    return Column(_price, {"type": "number"}, description)


def time(description: str, *, old_names: tuple[str, ...] = ()) -> Column:
    """Return a column of times, in UTC; the API sends Unix seconds or ISO 8601."""
    return Column(read_time, {"type": "string", "format": "date-time"}, description, old_names=old_names)


def words(description: str) -> Column:
    """Return a column of string arrays; the API sends a bare string where there is one (documented)."""
    return Column(_words, {"type": "array", "items": {"type": "string"}}, description)


def mapping(description: str, *, personal: bool = False, old_names: tuple[str, ...] = ()) -> Column:
    """Return a column of objects, without any secret in them."""
    schema = {"type": "object", "additionalProperties": True}
    return Column(_mapping, schema, description, personal, old_names)
