"""Personal data kept, hashed or dropped before anything else sees a row."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping

from tap_clicksend.columns import Column, Row, read_text

PHONE_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{4,}[0-9]")


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
        self._hash = hasher(key)

    def __call__(self, row: Row) -> Row:
        """Return the row, masked in place."""
        for name in self._dropped:
            row[name] = None
        for name in self._hashed:
            if row[name] is not None:
                row[name] = self._hash(row[name])
        return row


def hasher(key: str) -> Callable[[str], str]:
    """Return the function that hashes values with a key."""
    base = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def hash_value(value: str) -> str:
        digest = base.copy()
        digest.update(canonical(value).encode())
        return digest.hexdigest()

    return hash_value


def canonical(value: str) -> str:
    """Return the one spelling of a value: numbers in E.164; else NFC, lower case, without edges."""
    if PHONE_NUMBER.fullmatch(value.strip()):
        return "+" + re.sub(r"\D", "", value)
    return unicodedata.normalize("NFC", value.strip()).casefold()
