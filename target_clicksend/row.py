"""A row of an upstream table, and the key by which all runs know it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

Values = dict[str, Any]
MOST_DIGITS = 30
PERSONAL = re.compile(r"@|^\s*\+\s*\d|\+\s*\(?\d([ ().-]{0,2}\d){5}")
"""What is personal in whatever column: e-mail addresses, and numbers with a country code."""
NUMBER = re.compile(r"\+?[\d ().-]{7,20}")
"""What may be a number without one."""
LONGEST_KEY = 200
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of the input.

    Attributes:
        number: Its place in the input of this run, from 1.
        key: What identifies it in the ledger; never a phone number.
        source_key: Its key properties as a JSON object, personal ones hashed.
    """

    number: int
    stream: str
    key: str
    source_key: str
    values: Values


class Rejected(Exception):  # noqa: N818 - the row is turned away; nothing has gone wrong here
    """A row that cannot be written; the text says what to correct and quotes no value."""


@dataclass(frozen=True)
class Keys:
    """Makes the keys of one stream's rows.

    Attributes:
        sink: Name of the sink.
        namespace: What keeps equal keys of different sources apart; the stream's name unless set.
        properties: The stream's key properties.
        personal: Columns whose values must not be stored in clear.
        own: Column that is the key where a row has it, None when there is no such column.
        needed: Whether a row must have a key; without one nobody can tell whether it was written before.
        hashed: Keyed hash of a text. With no ``pii_key`` it is the same everywhere: a lost ledger can be
            made anew, and still knows its keys.
    """

    sink: str
    namespace: str
    properties: Sequence[str]
    personal: frozenset[str]
    hashed: Callable[[str], str]
    own: str | None = None
    needed: bool = False

    def of(self, values: Values) -> tuple[str, str]:
        """Return key and source key of a row; where there are no key properties, all of it is its key.

        Raises:
            Rejected: A key property is missing.
        """
        own = values.get(self.own) if self.own else None
        if own is not None and (text := spell(own).strip()):
            key = self._own(text)
            return key, _json({self.own: key})
        missing = [name for name in self.properties if values.get(name) is None]
        if missing:
            raise Rejected(f"key property {', '.join(missing)} is missing or null")
        if not self.properties and self.needed:
            raise Rejected(f"it has no key: give its stream key properties, or the row a column {self.own}")
        if not self.properties:
            return self.of_whole(values), "{}"
        spelled = {name: spell(values[name]) for name in self.properties}
        return self._key(*spelled.values()), self._shown(values, spelled)

    def _own(self, key: str) -> str:
        """Return a key of the row's own, hashed where it could be personal or is long."""
        is_number = NUMBER.fullmatch(key) or PERSONAL.search(key)
        return self.hashed(key) if is_number or len(key) > LONGEST_KEY else key

    def _shown(self, values: Values, spelled: dict[str, str]) -> str:
        """Return key columns as JSON, personal values hashed."""
        shown: Values = {}
        for name, text in spelled.items():
            if name in self.personal or PERSONAL.search(text):
                shown[name] = self.hashed(text)
            else:
                shown[name] = values[name] if isinstance(values[name], int) else text
        return _json(shown)

    def of_whole(self, record: Any) -> str:
        """Return the key of something that is its own key."""
        return self._key(_json(record))

    def _key(self, *parts: str) -> str:
        return self.hashed("\0".join([self.sink, self.namespace, *parts]))


def spell(value: Any) -> str:
    """Return the one spelling of a key's value: 1, "1" and 1.0 are the same, times are UTC, text is NFC."""
    if type(value) is int:
        return str(value)
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str) and TIMESTAMP.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return unicodedata.normalize("NFC", value)
        return moment.isoformat()
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _spell_number(Decimal(str(value)))
    return _json(value)


def _spell_number(exact: Decimal) -> str:
    """Spell a number with the same digits whatever its type; one of many zeros with an exponent."""
    is_handy = exact.is_finite() and abs(exact.adjusted()) < MOST_DIGITS
    text = f"{exact:f}" if is_handy else str(exact)
    return text.rstrip("0").rstrip(".") if is_handy and "." in text else text


def _json(value: Any) -> str:
    try:
        return _encode(value)
    except RecursionError:
        return "nested too deeply to be told apart"


def _plain(value: Any) -> str:
    """Spell what JSON has no type for, alike for records and for the files of BATCH messages."""
    return spell(value) if isinstance(value, date | Decimal) else str(value)


_encode = json.JSONEncoder(sort_keys=True, default=_plain).encode
