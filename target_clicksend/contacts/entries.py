"""Rows of the sink ``contacts``, read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clicksend.phone import Reading
from clicksend.text import is_blank
from target_clicksend.columns import is_mark, marks_deleted
from target_clicksend.contacts.fields import (
    COUNTRIES,
    CUSTOM,
    FIELDS,
    KEY,
    NUMBERS,
    REACHABLE,
    Fields,
    columns_of,
    fields_of,
    match_key,
    number_of,
)
from target_clicksend.lists import ListRef
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.values import is_deleted, read_flag, read_id, read_text

NO_LIST = "it names no list: give list_id or list_name, as a column or a setting"

COLUMNS = frozenset({"contact_id", "list_id", "list_name", "copy", "_sdc_deleted_at", "country", *FIELDS})


@dataclass(frozen=True, slots=True)
class Entry:
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


class Reader:
    """Reads rows as the settings say."""

    def __init__(self, config: Mapping[str, Any], country: str | None) -> None:
        self._country = country
        self.default_list: ListRef | None = config.get("list_id") or config.get("list_name")
        self._match_on: list[str] = config["match_on"]
        self._columns = columns_of(self._match_on)
        self._custom: dict[str, str] = config["custom_fields"]
        self._keeps_blank: bool = config["blank_means"] == "keep"

    def read(self, row: Row) -> Entry:
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
        return Entry(
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
        """Say why a deleted row can be found by its key only."""
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
