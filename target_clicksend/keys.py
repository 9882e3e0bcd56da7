"""The key by which all runs know a row: one for one thing, however a tap spells it."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec

from target_clicksend.columns import fold
from target_clicksend.row import Rejected, Values

PERSONAL = re.compile(r"@|^\s*\+\s*\d|\+\s*\(?\d([ ().-]{0,2}\d){5}")
"""What is personal in whatever column: e-mail addresses, and numbers with a country code."""
NUMBER = re.compile(r"\+?[\d ().-]{7,20}")
"""What may be a number without one."""
LONGEST_KEY = 200

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

MOST_OLDER = 24
"""Older spellings that are looked up for one row."""
OLDER_DIGITS = 30
OLDER_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")


@dataclass(frozen=True)
class Keys:
    """Makes the keys of one stream's rows.

    Attributes:
        sink: Name of the sink.
        namespace: What keeps equal keys of different sources apart; the stream's name unless set.
        properties: The stream's key properties, each with the name that its column has in a row.
        personal: Columns whose values must not be stored in clear.
        own: Column that is the key where a row has it, None when there is no such column.
        needed: Whether a row must have a key; without one nobody can tell whether it was written before.
        hashed: Keyed hash of a text. With no ``pii_key`` it is the same everywhere: a lost ledger can be
            made anew, and still knows its keys.
    """

    sink: str
    namespace: str
    properties: Mapping[str, str]
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
        if own is not None and (text := spell(own)):
            key = self._own(text)
            return key, _json({self.own: key})
        missing = [name for name, column in self.properties.items() if values.get(column) is None]
        if missing:
            raise Rejected(f"key property {', '.join(missing)} is missing or null")
        if not self.properties and self.needed:
            raise Rejected(f"it has no key: give its stream key properties, or the row a column {self.own}")
        if not self.properties:
            return self.of_whole(values), "{}"
        named = [(name, spell(values[column])) for name, column in self._folded]
        if not any(text for _, text in named):
            raise Rejected(f"key property {', '.join(self.properties)} is blank")
        return self.hashed(_compact([self.sink, self.namespace, named])), self._shown(values)

    @cached_property
    def _folded(self) -> list[tuple[str, str]]:
        """What all spellings of a key property have in common, with its column; in one order for all."""
        return sorted((fold(name), column) for name, column in self.properties.items())

    def older(self, values: Values) -> tuple[str, ...]:
        """Return how earlier versions of the ledger may have spelled the key of a row that has one."""
        own = values.get(self.own) if self.own else None
        if own is not None and spell(own):
            keys = dict.fromkeys(self._own(text) for one in _older(own) if (text := one.strip()))
            return tuple(keys)
        if not self.properties:
            return ()
        columns = [_older(values[column]) for column in self.properties.values()]
        spelled = itertools.chain.from_iterable(map(itertools.permutations, itertools.product(*columns)))
        return tuple(self._joined(*some) for some in itertools.islice(spelled, MOST_OLDER))

    def _own(self, key: str) -> str:
        """Return a key of the row's own, hashed where it could be personal or is long."""
        is_number = NUMBER.fullmatch(key) or PERSONAL.search(key)
        return self.hashed(key) if is_number or len(key) > LONGEST_KEY else key

    def _shown(self, values: Values) -> str:
        """Return key columns as JSON for whoever joins by them: as they came, personal values hashed."""
        shown: Values = {}
        for name, column in self.properties.items():
            value = values[column]
            text = spell_older(value)
            if column in self.personal or PERSONAL.search(text):
                shown[name] = self.hashed(text)
            else:
                shown[name] = value if isinstance(value, int) else text
        return _json(shown)

    def of_whole(self, record: Any) -> str:
        """Return the key of something that is its own key."""
        return self._joined(_json(record))

    def _joined(self, *parts: str) -> str:
        return self.hashed("\0".join([self.sink, self.namespace, *parts]))


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
    return _json(value)


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
        moment = datetime.fromisoformat(ZONE.sub(lambda found: "+00:00" if found[1] else "", text).upper())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
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


def _compact(value: Any) -> str:
    """Return lists of texts as JSON; what UTF-8 cannot hold is spelled out."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return _json(value)


def _json(value: Any) -> str:
    try:
        return _encode(value)
    except RecursionError:
        return "nested too deeply to be told apart"


def _plain(value: Any) -> str:
    """Spell what JSON has no type for, alike for records and for the files of BATCH messages."""
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
            moment = datetime.fromisoformat(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return unicodedata.normalize("NFC", value)
        return moment.isoformat()
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        exact = Decimal(str(value) if not isinstance(value, int) else value)
        is_handy = exact.is_finite() and abs(exact.adjusted()) < OLDER_DIGITS
        text = f"{exact:f}" if is_handy or isinstance(value, int) else str(exact)
        return text.rstrip("0").rstrip(".") if is_handy and "." in text else text
    return _json(value)


def _older(value: Any) -> list[str]:
    """Return the older spelling of a value, then those of the same thing as another tap writes it."""
    return list(dict.fromkeys([spell_older(value), *_variants(spell(value))]))


def _variants(spelled: str) -> Iterator[str]:
    if spelled.isdecimal():
        yield from (spelled, f"{spelled}.0")
    elif spelled.endswith("T00:00:00Z"):
        yield from (spelled[:10], f"{spelled[:-1]}+00:00")
    elif UUID_TEXT.fullmatch(spelled):
        yield from (spelled, spelled.upper())
