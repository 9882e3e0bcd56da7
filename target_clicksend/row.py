"""A row of an upstream table, and why it is not written."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

Values = dict[str, Any]


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of the input.

    Attributes:
        number: Its place in the input of this run, from 1.
        key: What identifies it in the ledger; never a phone number.
        source_key: Its key properties as a JSON object, personal ones hashed.
        values: By the names that its sink knows.
        older: How earlier versions of the ledger may have spelled the key; looked up as well.
    """

    number: int
    stream: str
    key: str
    source_key: str
    values: Values
    older: tuple[str, ...] = ()

    def without_values(self) -> Row:
        """Return the same row, to be kept after its values were read."""
        return replace(self, values={})


class Rejected(Exception):  # noqa: N818 - the row is turned away; nothing has gone wrong here
    """A row that cannot be written; the text says what to correct and quotes no value."""


class Postponed(Exception):  # noqa: N818 - the row waits; nothing has gone wrong here
    """A row that must come again later; the text says why and quotes no value."""
