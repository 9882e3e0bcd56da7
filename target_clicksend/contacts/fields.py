"""The fields of a contact: out of a row, out of the API, and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clicksend.phone import E164, to_e164
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
NUMBERS = frozenset({"phone_number", "fax_number"})
REACHABLE = ("phone_number", "email", "fax_number")
"""A contact needs one of them (documented)."""

KEY = "key"
"""Name in ``match_on`` for the contact that the row's key led to before; the others are columns."""

Fields = dict[str, str]
"""Fields of a contact; ``""`` is what the API shows for none."""


def fields_of(values: Values, country: str | None) -> Fields:
    """Return the fields that a row sets; a null column clears its field, a missing one leaves it.

    Args:
        values: The row.
        country: ISO 3166 code for phone numbers without a country code, None for no such numbers.

    Raises:
        Rejected: A value cannot be written.
    """
    fields: Fields = {}
    for name in FIELDS:
        if name in values:
            text = read_text(values, name)
            fields[name] = _number(name, text, country) if name in NUMBERS and text else text
    if fields.get("email"):
        check_address("email", fields["email"])
    return fields


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


def _number(name: str, text: str, country: str | None) -> str:
    try:
        return to_e164(text, country)
    except ValueError as error:
        hint = "" if country else "; set default_country, or write it like +15551234567"
        raise Rejected(f"{name} {error}{hint}") from None
