"""Rows in the form in which they go out, made where they were read.

Most of the time of a run goes into rows. In the thread that made them they are still in the processor's
cache, and what is handed on of them is a few large objects instead of thousands of small ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tap_clicksend.block import Block
from tap_clicksend.columns import Row


class Form(Protocol):
    """What goes out of rows: themselves, or JSON."""

    def pack(self, block: Block) -> Any:
        """Return rows in this form."""

    def choose(self, content: Any, indices: Collection[int]) -> Any:
        """Return those rows of what ``pack`` returned."""


@dataclass(frozen=True)
class Packed:
    """Some rows of a stream.

    Attributes:
        keys: Their keys, in order.
        form: The form that they are in.
        content: What that made of them.
        notes: What is to be remembered of some of them, by key.
    """

    keys: list[Any]
    form: Form
    content: Any
    notes: Mapping[Any, Any] = field(default_factory=dict)

    def without(self, known: AbstractSet[Any]) -> Packed:
        """Return the rows whose keys are not known yet, each key once."""
        if known.isdisjoint(self.keys) and len(set(self.keys)) == len(self.keys):
            return self
        new = {key: index for index, key in enumerate(self.keys) if key not in known}
        notes = {key: note for key, note in self.notes.items() if key in new}
        content = self.form.choose(self.content, new.values())
        return replace(self, keys=list(new), content=content, notes=notes)


class AsRows:
    """Rows as they are, for whoever looks at them again."""

    def pack(self, block: Block) -> list[Row]:
        """Return each row by itself."""
        return block.rows()

    def choose(self, content: list[Row], indices: Collection[int]) -> list[Row]:
        """Return those rows."""
        return [content[index] for index in indices]


def choose_lines(content: bytes, indices: Collection[int]) -> bytes:
    """Return those lines."""
    lines = content.splitlines(keepends=True)
    return b"".join([lines[index] for index in indices])
