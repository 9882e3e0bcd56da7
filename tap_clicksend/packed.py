"""Rows in the form in which they go out, made where they were read.

Most of the time of a run goes into rows. In the thread that made them they are still in the processor's
cache, and what is handed on of them is a few large objects instead of thousands of small ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from tap_clicksend.columns import Row

Form = Callable[[list[Row]], Any]
"""Makes of rows what goes out: themselves, or JSON with a line for each."""


@dataclass(frozen=True)
class Packed:
    """Some rows of a stream.

    Attributes:
        keys: Their keys, in order.
        content: What a ``Form`` made of them.
        notes: What is to be remembered of some of them, by key.
    """

    keys: list[Any]
    content: Any
    notes: Mapping[Any, Any] = field(default_factory=dict)

    def without(self, known: AbstractSet[Any]) -> Packed:
        """Return the rows whose keys are not known yet, each key once."""
        if known.isdisjoint(self.keys) and len(set(self.keys)) == len(self.keys):
            return self
        new = {key: index for index, key in enumerate(self.keys) if key not in known}
        notes = {key: note for key, note in self.notes.items() if key in new}
        return Packed(list(new), _chosen(self.content, new.values()), notes)


def as_rows(rows: list[Row]) -> list[Row]:
    """Return rows as they are: the form for whoever looks at them again."""
    return rows


def _chosen(content: Any, indices: Collection[int]) -> Any:
    if isinstance(content, bytes):
        lines = content.splitlines(keepends=True)
        return b"".join([lines[index] for index in indices])
    return [content[index] for index in indices]
