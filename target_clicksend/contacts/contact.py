"""The fields of a contact, out of a row, out of the API and compared; and rows of ``contacts``, parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clicksend.phone import E164, Reading, read, to_e164
from clicksend.text import is_blank
from target_clicksend.columns import is_mark, marks_deleted
from target_clicksend.lists import ListRef
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.values import (
    check_address,
    is_deleted,
    read_country,
    read_flag,
    read_id,
    read_phone,
    read_text,
)

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


NO_LIST = "it names no list: give list_id or list_name, as a column or a setting"

COLUMNS = frozenset({"contact_id", "list_id", "list_name", "copy", "_sdc_deleted_at", "country", *FIELDS})


@dataclass(frozen=True, slots=True)
class ContactRow:
    """What a row asks for.

    Attributes:
        row: The row, without its values.
        list_ref: The list it belongs into, None when only ``contact_id`` says where it is.
        match: What finds the contact in its list, None when ``contact_id`` does.
        fields: The fields it sets.
        deleted: Whether it is gone upstream.
        copy: Whether a contact of another list is copied, not transferred.
        key_first: Whether the row's key is asked for its contact before ``match``.
        own_list: Whether the row names its list itself, not a setting.
        unnamed: Why nothing but its key can find the contact of a deleted row, ``""`` when something can.
        known: list_id and contact_id of what the row's key was last, None where nobody knows or asks;
            list_id is 0 when that contact is gone.
    """

    row: Row
    list_ref: ListRef | None
    contact_id: int | None
    match: str | None
    fields: Fields
    deleted: bool
    copy: bool
    key_first: bool = False
    own_list: bool = False
    unnamed: str = ""
    known: tuple[int, int] | None = None

    @property
    def by_key(self) -> bool:
        """Whether the row's key may find its contact."""
        return self.deleted or self.key_first

    @property
    def anywhere(self) -> bool:
        """Whether the contact of the row's key is this row's in whatever list it is."""
        return self.list_ref is None or (self.deleted and not self.own_list)


class ContactParser:
    """Reads rows as the settings say."""

    def __init__(self, config: Mapping[str, Any], country: str | None) -> None:
        self._country = country
        self.default_list: ListRef | None = config.get("list_id") or config.get("list_name")
        self._match_on: list[str] = config["match_on"]
        self._columns = columns_of(self._match_on)
        self._custom: dict[str, str] = config["custom_fields"]
        self._keeps_blank: bool = config["blank_means"] == "keep"

    def parse(self, row: Row) -> ContactRow:
        """Return what a row asks for.

        Raises:
            Rejected: It cannot be written.
        """
        values = self._renamed(row.values)
        deleted, unnamed = is_deleted(values), ""
        try:
            fields = fields_of(self._needed(values) if deleted else values, self._country)
        except Rejected as reason:
            if not deleted:
                raise
            fields, unnamed = {}, str(reason)
        contact_id, own_list = read_id(values, "contact_id"), self._own_list(values)
        list_ref = own_list or self.default_list
        name = next((name for name in self._columns if fields.get(name)), None)
        key_first = self._asks_key_before(name)
        if deleted and contact_id is None:
            unnamed = unnamed or self._lacks(name, list_ref)
        elif contact_id is None and not key_first:
            self._check_reachable(fields, name, list_ref)
        return ContactRow(
            row=row.without_values(),
            list_ref=own_list if unnamed else list_ref,
            contact_id=contact_id,
            match=match_key(name, fields[name]) if name else None,
            fields=fields,
            deleted=deleted,
            copy=read_flag(values, "copy"),
            key_first=key_first,
            own_list=own_list is not None,
            unnamed="" if contact_id else unnamed,
        )

    def readings(self, row: Row) -> dict[str, Reading]:
        """Return how the phone numbers of a row that can be written were read, by their cells."""
        found = ((name, number_of(row.values, name, self._country)) for name in sorted(NUMBERS))
        return {read_text(row.values, name): reading for name, reading in found if reading}

    def is_gone(self, record: Any) -> bool:
        """Return whether a rejected row is one that is gone upstream, and so names nobody who is there."""
        with suppress(Rejected):
            return isinstance(record, dict) and any(
                marks_deleted(name, record[name]) for name in record if is_mark(name)
            )
        return False

    def names_of(self, record: Any) -> tuple[int | None, list[str]] | None:
        """Return contact_id and match keys of a rejected row, None where it may be about anybody."""
        if not isinstance(record, dict):
            return None
        values, contact_id, matches = self._renamed(record), None, []
        with suppress(Rejected):
            contact_id = read_id(values, "contact_id")
        for name in self._columns:
            try:
                found = fields_of(values, self._country, [name]).get(name)
            except Rejected:
                if contact_id is None:
                    return None
            else:
                matches += [match_key(name, found)] if found else []
        return (contact_id, matches) if contact_id or matches else None

    def _renamed(self, values: Values) -> Values:
        """Return a row with columns of the user's own under the names ``custom_1`` to ``custom_4``.

        With ``blank_means: keep`` it has no blank texts: a column that is missing leaves its field.
        """
        renamed = values | {self._custom[name]: values[name] for name in self._custom.keys() & values.keys()}
        if not self._keeps_blank:
            return renamed
        return {
            name: value for name, value in renamed.items() if not (isinstance(value, str) and is_blank(value))
        }

    def _needed(self, values: Values) -> Values:
        """Return what a deleted row is read for: the other columns may hold anything."""
        return {name: values[name] for name in (*self._columns, *COUNTRIES) if name in values}

    def _own_list(self, values: Values) -> ListRef | None:
        name = read_text(values, "list_name")
        return read_id(values, "list_id") or name or None

    def _asks_key_before(self, column: str | None) -> bool:
        """Return whether ``match_on`` has the key before the column that a row has."""
        names = self._match_on
        return KEY in names and (column is None or names.index(KEY) < names.index(column))

    def _lacks(self, column: str | None, list_ref: ListRef | None) -> str:
        """Return why a deleted row can be found by its key only."""
        if not self._columns:
            return "match_on names no column"
        if column is None:
            return f"it has no {' or '.join(self._columns)}"
        return "it names no list" if list_ref is None else ""

    def _check_reachable(self, fields: Fields, column: str | None, list_ref: ListRef | None) -> None:
        if list_ref is None:
            raise Rejected(NO_LIST)
        check_reachable(fields)
        if column is None:
            raise Rejected(
                f"it has no {' or '.join(self._columns)}, by which its contact is found (match_on)"
            )


def check_reachable(fields: Fields) -> None:
    """Check that a contact can be made of fields.

    Raises:
        Rejected: Nobody could reach it.
    """
    if not any(fields.get(name) for name in REACHABLE):
        raise Rejected(f"a contact needs one of {', '.join(REACHABLE)}")


def check_custom_fields(custom: Mapping[str, str]) -> str | None:
    """Return what is wrong with the setting ``custom_fields``, None when nothing is."""
    if not set(custom.values()) <= set(CUSTOM):
        return f"names other fields than {', '.join(CUSTOM)}"
    if len(set(custom.values())) < len(custom):
        return "gives one field to several columns"
    return None
