"""Keyed hashes of personal data: tap and ledger make the same ones, so that they join."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable

from clicksend.phone import E164, plain, to_e164

CELL = re.compile(r"\W*(?:tel:)?[^A-Za-z]{6,50}(?:e\+?\d\d?\s*)?", re.IGNORECASE)
"""What may be a phone number, plain or not: most other text is told from it at once."""
DIGIT = re.compile(r"\d")
PHONE_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{4,}[0-9]")


def hasher(key: str) -> Callable[[str], str]:
    """Return the function that hashes values with a key; all ways to write a value have one hash."""
    hash_text = text_hasher(key)
    return lambda value: hash_text(canonical(value))


def text_hasher(key: str) -> Callable[[str], str]:
    """Return the function that hashes texts as they are with a key: HMAC-SHA256, in hex.

    Raises:
        ValueError: The key is empty: everybody could make the same hashes.
    """
    if not key:
        raise ValueError("the key of hashes is empty")
    return _text_hasher(key.encode())


def unkeyed_hasher() -> Callable[[str], str]:
    """Return what made keys in versions 1 to 3 of a ledger without a pii_key; only to look them up."""
    return _text_hasher(b"")


def _text_hasher(secret: bytes) -> Callable[[str], str]:
    keyed = hmac.new(secret, digestmod="sha256")

    def hash_text(text: str) -> str:
        # A copy takes two thirds of the time of a new one.
        digest = keyed.copy()
        digest.update(text.encode(errors="surrogatepass"))
        return digest.hexdigest()

    return hash_text


def canonical(value: str) -> str:
    """Return the one form of a value: phone numbers in E.164; else NFC, lower case, without outer blanks.

    No country is known here: a number that lacks its country code has what digits it has behind a plus.
    """
    if value.isascii() and E164.fullmatch(value):
        return value
    if CELL.fullmatch(value) and DIGIT.search(value):
        try:
            return to_e164(value)
        except ValueError:
            if PHONE_NUMBER.fullmatch(text := plain(value)):
                return "+" + re.sub(r"\D", "", text)
    return unicodedata.normalize("NFC", value.strip()).casefold()
