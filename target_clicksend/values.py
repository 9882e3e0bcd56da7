"""Values out of a row's columns, whatever type the upstream table has for them; phone numbers, countries."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal

from clicksend.countries import code_of
from clicksend.phone import NO_COUNTRY, Reading, read
from clicksend.text import is_blank, visible
from target_clicksend.columns import DELETED
from target_clicksend.row import Rejected, Values

LONGEST = 1000
"""Characters; ClickSend names no limit. What it cuts shorter reads back different, and is reported."""
LARGEST_ID = 2**63 - 1
LARGEST_EXPONENT = 30
TRUE = frozenset({"true", "1", "1.0"})
FALSE = frozenset({"", "false", "0", "0.0"})
"""With a fraction: integers of a column that has blanks, out of pandas."""
NOTHING = frozenset({"null", "nan", "none", "nat", "nil", "<na>"})
LONGEST_NOTHING = 20
"""Characters, some that cannot be seen among them."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def read_text(values: Values, name: str, longest: int = LONGEST, *, keeps_digits: bool = False) -> str:
    """Return a column as text without its edges, ``""`` for null and where nothing can be seen.

    Args:
        values: The row.
        name: The column.
        longest: How many characters it may have.
        keeps_digits: Whether a number stays as it was written, for people to read: 2.00, where ids are 2.

    Raises:
        Rejected: It is not text, a number, a date or a boolean, or nobody could read it.
    """
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        text = _checked(name, value.strip(), longest)
        return "" if is_blank(text) else text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return _checked(name, _number(name, value, keeps_digits=keeps_digits), longest)
    raise Rejected(f"{name} holds {'a list' if isinstance(value, list) else 'an object'}: it takes text")


def read_plain(values: Values, name: str) -> str:
    """Return a column as text without anything that cannot be seen, for what is understood, not shown.

    Raises:
        Rejected: As ``read_text`` does.
    """
    return visible(read_text(values, name))


def read_id(values: Values, name: str) -> int | None:
    """Return a column as an id, None for null and 0.

    Raises:
        Rejected: It is not a whole number.
    """
    text = read_text(values, name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > LARGEST_ID:
        raise Rejected(f"{name} is not a whole number above 0")
    return int(text) or None


def read_flag(values: Values, name: str) -> bool:
    """Return a column as true or false, false for null.

    Raises:
        Rejected: It is neither.
    """
    text = read_plain(values, name).lower()
    if text not in FALSE | TRUE:
        raise Rejected(f"{name} is neither true nor false")
    return text in TRUE


def is_deleted(values: Values) -> bool:
    """Return whether the row is gone upstream; ``Columns.read`` has looked at what says so."""
    return bool(values.get(DELETED))


def check_address(name: str, text: str) -> None:
    """Check an e-mail address.

    Raises:
        Rejected: It is not valid, or holds characters that nobody can see.
    """
    if any(unicodedata.category(character) in ("Cc", "Cf") for character in text):
        raise Rejected(f"{name} holds an invisible character")
    if not ADDRESS.fullmatch(text):
        raise Rejected(f"{name} is not a valid e-mail address")


def says_nothing(text: str) -> bool:
    """Return whether a text is what programs write where there is nothing, like ``NaN``."""
    # To look at all of every long text would take as long as all else that is done to it.
    return len(text) <= LONGEST_NOTHING and visible(text).casefold() in NOTHING


def _number(name: str, value: float | Decimal, *, keeps_digits: bool) -> str:
    exact = Decimal(str(value))
    if not exact.is_finite() or abs(exact.adjusted()) > LARGEST_EXPONENT:
        raise Rejected(f"{name} is not a number that can be written")
    is_whole = exact == exact.to_integral_value() and not keeps_digits
    return f"{exact.to_integral_value():f}" if is_whole else f"{exact:f}"


def _checked(name: str, text: str, longest: int) -> str:
    if "\0" in text:
        raise Rejected(f"{name} holds a NUL character")
    if len(text) > longest:
        raise Rejected(f"{name} has {len(text):,} characters; {longest:,} are the most")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Rejected(f"{name} holds half a character (a lone surrogate)") from None
    return text


def read_phone(name: str, text: str, country: str | None) -> Reading:
    """Return the phone number that a column holds, and how it was read.

    Args:
        name: The column.
        text: What is in it.
        country: ISO 3166 code for a number without a country code, None for no such numbers.

    Raises:
        Rejected: It is not a phone number.
    """
    try:
        return read(text, country)
    except ValueError as error:
        hint = "; set default_country, or write it like +15551234567" if str(error) == NO_COUNTRY else ""
        raise Rejected(f"{name} {error}{hint}") from None


def read_country(values: Values, *names: str) -> str | None:
    """Return the ISO 3166 code of the country that a row names, in the first of some columns that it fills.

    Raises:
        Rejected: There is no such country.
    """
    for name in names:
        if text := read_text(values, name):
            if code := code_of(text):
                return code
            raise Rejected(
                f"{name} is not a country's two-letter code (ISO 3166, like AU or GB), nor its name"
            )
    return None
