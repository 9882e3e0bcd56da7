"""Rows of the sink ``contacts``, read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clicksend.characters import is_blank
from clicksend.phone import Reading
from target_clicksend.contacts.fields import (
    CUSTOM,
    FIELDS,
    NUMBERS,
    REACHABLE,
    Fields,
    fields_of,
    match_key,
    number_of,
)
from target_clicksend.lists import ListRef
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.values import is_deleted, read_flag, read_id, read_text

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
    """

    row: Row
    list_ref: ListRef | None
    contact_id: int | None
    match: str | None
    fields: Fields
    deleted: bool
    copy: bool


class Reader:
    """Reads rows as the settings say."""

    def __init__(self, config: Mapping[str, Any], country: str | None) -> None:
        self._country = country
        self._default_list: ListRef | None = config.get("list_id") or config.get("list_name")
        self._match_on: list[str] = config["match_on"]
        self._custom: dict[str, str] = config["custom_fields"]
        self._keeps_blank: bool = config["blank_means"] == "keep"

    def read(self, row: Row) -> Entry:
        """Return what a row asks for.

        Raises:
            Rejected: It cannot be written.
        """
        values = self._renamed(row.values)
        fields = fields_of(values, self._country)
        contact_id, list_ref = read_id(values, "contact_id"), self._list(values)
        match = next((match_key(name, fields[name]) for name in self._match_on if fields.get(name)), None)
        deleted = is_deleted(values)
        if contact_id is None:
            self._check_reachable(fields, match, list_ref, deleted=deleted)
        return Entry(
            row=row.without_values(),
            list_ref=list_ref,
            contact_id=contact_id,
            match=match,
            fields=fields,
            deleted=deleted,
            copy=read_flag(values, "copy"),
        )

    def readings(self, row: Row) -> dict[str, Reading]:
        """Return how the phone numbers of a row that can be written were read, by their cells."""
        found = ((name, number_of(row.values, name, self._country)) for name in sorted(NUMBERS))
        return {read_text(row.values, name): reading for name, reading in found if reading}

    def names_of(self, record: Any) -> tuple[int | None, list[str]] | None:
        """Return contact_id and match keys of a rejected row, None where it may be about anybody."""
        if not isinstance(record, dict):
            return None
        values, contact_id, matches = self._renamed(record), None, []
        with suppress(Rejected):
            contact_id = read_id(values, "contact_id")
        for name in self._match_on:
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

    def _list(self, values: Values) -> ListRef | None:
        name = read_text(values, "list_name")
        return read_id(values, "list_id") or name or self._default_list

    def _check_reachable(self, fields: Fields, match: str | None, list_ref: Any, *, deleted: bool) -> None:
        if list_ref is None:
            raise Rejected("it names no list: give list_id or list_name, as a column or a setting")
        if not deleted and not any(fields.get(name) for name in REACHABLE):
            raise Rejected(f"a contact needs one of {', '.join(REACHABLE)}")
        if match is None:
            raise Rejected(
                f"it has no {' or '.join(self._match_on)}, by which its contact is found (match_on)"
            )


def check_custom_fields(custom: Mapping[str, str]) -> str | None:
    """Return what is wrong with the setting ``custom_fields``, None when nothing is."""
    if not set(custom.values()) <= set(CUSTOM):
        return f"names other fields than {', '.join(CUSTOM)}"
    if len(set(custom.values())) < len(custom):
        return "gives one field to several columns"
    return None
