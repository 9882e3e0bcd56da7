"""Keyed hashes of personal data: tap and ledger make the same ones, so that they join."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable

PHONE_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{4,}[0-9]")


def hasher(key: str) -> Callable[[str], str]:
    """Return the function that hashes values with a key; all spellings of a value have one hash."""
    hash_text = text_hasher(key)
    return lambda value: hash_text(canonical(value))


def text_hasher(key: str) -> Callable[[str], str]:
    """Return the function that hashes texts as they are with a key: HMAC-SHA256, in hex."""
    base = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def hash_text(text: str) -> str:
        digest = base.copy()
        digest.update(text.encode(errors="surrogatepass"))
        return digest.hexdigest()

    return hash_text


def canonical(value: str) -> str:
    """Return the one spelling of a value: numbers in E.164; else NFC, lower case, without edges."""
    if PHONE_NUMBER.fullmatch(value.strip()):
        return "+" + re.sub(r"\D", "", value)
    return unicodedata.normalize("NFC", value.strip()).casefold()
