"""Personal data kept, hashed or dropped before anything else sees a row."""

from __future__ import annotations

from collections.abc import Mapping

from clicksend.hashing import hasher
from tap_clicksend.block import Block
from tap_clicksend.columns import Column, read_text


class Mask:
    """What happens to the personal columns of one stream, and to ``extra``, which can hold anything.

    A hash is an HMAC-SHA256 in hex: the same value has the same hash in every stream, and without the key
    nobody can try all phone numbers.
    """

    def __init__(self, columns: Mapping[str, Column], pii: str, key: str = "") -> None:
        """Prepare.

        Args:
            columns: The stream's columns.
            pii: ``keep``, ``hash`` or ``drop``.
            key: Key of the hashes.
        """
        personal = {name: column for name, column in columns.items() if column.personal}
        hashed = [name for name, column in personal.items() if column.read is read_text and pii == "hash"]
        self._hashed: list[str] = hashed
        self._dropped = [name for name in [*personal, "extra"] if name not in hashed] if pii != "keep" else []
        self._hash = hasher(key) if hashed else str

    def __call__(self, block: Block) -> Block:
        """Return the rows, masked."""
        dropped = {name: [None] * len(block) for name in self._dropped}
        hashed = {name: [value and self._hash(value) for value in block[name]] for name in self._hashed}
        return block.changed({**dropped, **hashed})
