"""The key by which all runs know a row: one for one thing, however a tap spells it.

What the ledger holds of a row in clear is what says nothing about a person: small integers, UUIDs, times, and
the columns that a person has declared. Everything else is hashed with the ledger's key.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clicksend.errors import SettingsError
from clicksend.key_values import as_json, compact, is_impersonal, normalize, normalize_older, older_forms
from clicksend.text import escaped
from target_clicksend.columns import fold
from target_clicksend.row import Rejected, Values

if TYPE_CHECKING:
    from clicksend.ledger.records import OlderKeys

LONGEST_KEY = 200
"""Characters of a key that a row brings; a longer one is stored as a hash."""

MOST_OLDER = 24
"""Older spellings that are looked up for one row."""
OLDER_PERSONAL = re.compile(r"@|^\s*\+\s*\d|\+\s*\(?\d([ ().-]{0,2}\d){5}|^\+?[\d ().-]{7,20}\Z")
"""What versions 1 to 3 did not store in clear, of keys that rows brought."""


@dataclass(frozen=True)
class Keys:
    """Makes the keys of one stream's rows.

    Attributes:
        sink: Name of the sink.
        namespace: What keeps equal keys of different sources apart; the stream's name unless set.
        properties: The stream's key properties, each with the name that its column has in a row.
        personal: Columns about a person: never in clear unless declared, whatever is in them.
        hashed: Keyed hash of a text, the ledger's.
        clear: Columns that are declared to be stored in clear, folded.
        own: Column that is the key where a row has it, None when there is no such column.
        needed: Whether a row must have a key; without one nobody can tell whether it was written before.
    """

    sink: str
    namespace: str
    properties: Mapping[str, str]
    personal: frozenset[str]
    hashed: Callable[[str], str]
    clear: frozenset[str] = frozenset()
    own: str | None = None
    needed: bool = False

    def for_row(self, values: Values) -> tuple[str, str]:
        """Return key and source key of a row; where there are no key properties, all of it is its key.

        Raises:
            Rejected: A key property is missing.
        """
        own = values.get(self.own) if self.own else None
        if own is not None and (text := normalize(own)):
            key = text if self._shows_own(own, text) else self.hashed(text)
            return key, as_json({self.own: key})
        missing = [name for name, column in self.properties.items() if values.get(column) is None]
        if missing:
            raise Rejected(f"key property {', '.join(missing)} is missing or null")
        if not self.properties and self.needed:
            raise Rejected(f"it has no key: give its stream key properties, or the row a column {self.own}")
        if not self.properties:
            return self.for_record(values), "{}"
        named = [(folded, normalize(values[column])) for folded, _, column in self._folded]
        if not any(text for _, text in named):
            raise Rejected(f"key property {', '.join(self.properties)} is blank")
        return self.hashed(compact([self.sink, self.namespace, named])), self._shown(values, named)

    @cached_property
    def _folded(self) -> list[tuple[str, str, str]]:
        """What all spellings of a key property have in common, with name and column; in one order for all."""
        return sorted((fold(name), name, column) for name, column in self.properties.items())

    @cached_property
    def _declared(self) -> frozenset[str]:
        """The columns that are stored in clear whatever is in them."""
        named = {*self.properties.items(), (self.own or "", self.own or "")}
        return frozenset(column for name, column in named if self.clear & {fold(name), fold(column)})

    def _shows_own(self, value: Any, text: str) -> bool:
        return is_impersonal(value, text) or (self.own in self._declared and len(text) <= LONGEST_KEY)

    def _shown(self, values: Values, named: list[tuple[str, str]]) -> str:
        """Return key columns as JSON for whoever joins by them: as they came, or hashed."""
        shown: Values = {}
        for (_, name, column), (_, spelled) in zip(self._folded, named, strict=True):
            value = values[column]
            is_clear = column in self._declared or (
                column not in self.personal and is_impersonal(value, spelled)
            )
            if isinstance(value, int) and is_clear:
                shown[name] = value
            else:
                text = normalize_older(value)
                shown[name] = text if is_clear else self.hashed(text)
        return as_json(shown)

    def for_record(self, record: Any) -> str:
        """Return the key of something that is its own key."""
        return self._joined(self.hashed, as_json(record))

    def older(self, values: Values, older: OlderKeys) -> tuple[str, ...]:
        """Return how earlier versions of the ledger may have spelled the key of a row that has one."""
        return tuple(
            dict.fromkeys(key for hashed in older.hashes for key in self._older(values, hashed, older))
        )

    def _older(self, values: Values, hashed: Callable[[str], str], older: OlderKeys) -> Iterator[str]:
        own = values.get(self.own) if self.own else None
        if own is not None and (text := normalize(own)):
            for one in (text, *(older_forms(own) if older.are_spelled_otherwise else ())):
                if key := one.strip():
                    is_hidden = OLDER_PERSONAL.search(key) or len(key) > LONGEST_KEY
                    yield hashed(key) if is_hidden else key
            return
        if not self.properties:
            yield self._joined(hashed, as_json(values))
            return
        named = [(folded, normalize(values[column])) for folded, _, column in self._folded]
        yield hashed(compact([self.sink, self.namespace, named]))
        if older.are_spelled_otherwise:
            columns = [older_forms(values[column]) for column in self.properties.values()]
            orders = itertools.chain.from_iterable(map(itertools.permutations, itertools.product(*columns)))
            for some in itertools.islice(orders, MOST_OLDER):
                yield self._joined(hashed, *some)

    def _joined(self, hashed: Callable[[str], str], *parts: str) -> str:
        return hashed("\0".join([self.sink, self.namespace, *parts]))


class KeyOwners:
    """Which stream has which keys: under equal ones, a row of one would be taken for a row of another."""

    def __init__(self, *, are_shared: bool) -> None:
        self._are_shared = are_shared
        self._owners: dict[tuple[str, str], tuple[str, list[str]]] = {}
        """Stream and names of its keys, by sink and namespace."""

    def add(self, stream: str, keys: Keys) -> None:
        """Learn by which keys a stream's rows are known.

        Raises:
            SettingsError: Equal values of them could mean different rows.
        """
        names = sorted(map(fold, keys.properties))
        other, before = self._owners.setdefault((keys.sink, keys.namespace), (stream, names))
        if self._are_shared or (other, before) == (stream, names):
            return
        if other == stream:
            raise SettingsError(
                f"The key of stream {escaped(stream)} changes within the input, from"
                f" {', '.join(map(escaped, before))} to {', '.join(map(escaped, names))}: rows would be taken"
                " for others. Give it one key, or set shared_keys if all of them are known by the same."
            )
        raise SettingsError(
            f"Streams {escaped(other)} and {escaped(stream)} both go to {keys.sink} under the key_namespace"
            f" {escaped(keys.namespace)}: equal keys would be taken for the same row. Unset key_namespace, or"
            " set shared_keys if they are."
        )
