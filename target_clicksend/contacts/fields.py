"""The fields of a contact: out of a row, out of the API, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clicksend.phone import E164, Reading, read, to_e164
from target_clicksend.numbers import read_country, read_phone
from target_clicksend.row import Rejected, Values
from target_clicksend.values import check_address, read_text

CUSTOM = tuple(f"custom_{number}" for number in range(1, 5))
FIELDS = (
    "phone_number",
    "first_name",
    "last_name",
    "email",
    "fax_number",
    "organization_name",
    *CUSTOM,
    "address_line_1",
    "address_line_2",
    "address_city",
    "address_state",
    "address_postal_code",
    "address_country",
)
COUNTRIES = ("country", "address_country")
"""The columns that say which country completes a number, the first that is filled."""
NUMBERS = frozenset({"phone_number", "fax_number"})
REACHABLE = ("phone_number", "email", "fax_number")
"""A contact needs one of them (documented)."""

KEY = "key"
"""Name in ``match_on`` for the contact that the row's key led to before; the others are columns."""

Fields = dict[str, str]
"""Fields of a contact; ``""`` is what the API shows for none."""


def fields_of(values: Values, country: str | None, names: Iterable[str] = FIELDS) -> Fields:
    """Return the fields that a row sets; a null column clears its field, a missing one leaves it.

    Args:
        values: The row.
        country: ISO 3166 code for phone numbers without a country code in rows that name no country, None for
            no such numbers.
        names: The fields that are wanted.

    Raises:
        Rejected: A value cannot be written.
    """
    fields: Fields = {}
    for name in names:
        if name in values:
            reading = number_of(values, name, country) if name in NUMBERS else None
            fields[name] = reading.number if reading else read_text(values, name)
    if fields.get("email"):
        check_address("email", fields["email"])
    return fields


def number_of(values: Values, name: str, country: str | None) -> Reading | None:
    """Return the phone number in a column, and how it was read; None for no number.

    Raises:
        Rejected: It is not a phone number, or needs a country, and the row names one that is not known.
    """
    text = read_text(values, name)
    if not text or E164.fullmatch(text):
        return read_phone(name, text, None) if text else None
    try:
        country = read_country(values, *COUNTRIES) or country
    except Rejected:
        # Another country would make another number of it, unless it names its own.
        try:
            return read(text)
        except ValueError:
            pass
        raise
    return read_phone(name, text, country)


def columns_of(match_on: Sequence[str]) -> list[str]:
    """Return the columns in ``match_on``."""
    return [name for name in match_on if name != KEY]


def match_key(name: str, value: str) -> str:
    """Return what two spellings of one number or address have in common."""
    if name in NUMBERS and not E164.fullmatch(value):
        try:
            return f"{name}={to_e164(value)}"
        except ValueError:
            return f"{name}={value}"
    return f"{name}={value.casefold()}"


def read_fields(contact: Mapping[str, Any]) -> Fields:
    """Return all fields of a contact as the API sends it."""
    return {name: "" if contact.get(name) is None else str(contact[name]).strip() for name in FIELDS}


def changed(now: Fields, wanted: Fields) -> list[str]:
    """Return the names of the fields that a write would change."""
    return [
        name
        for name, value in wanted.items()
        if now[name] != value
        and not (name in NUMBERS and match_key(name, now[name]) == match_key(name, value))
    ]
