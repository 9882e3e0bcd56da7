"""Who may come in: HTTP Basic for ClickSend itself, Bearer for the hub."""

from __future__ import annotations

from base64 import b64decode
from hmac import compare_digest
from typing import Literal

from clicksend.sandbox.api.answers import Refusal, forbidden
from clicksend.sandbox.world.rows import USERNAME

API_KEY = "sandbox-key"
"""Key of the sandbox's user, of the documented test users, and of the hub."""
NO_CREDIT, NOT_ACTIVE, BANNED = "nocredit", "notactive", "banned"
"""User names that ClickSend documents for tests; each takes the same key here."""
_SUSPENDED = "Your account is suspended. Please contact support for more information."
Scheme = Literal["basic", "bearer", "none"]


def scheme(authorization: str) -> Scheme:
    """Name the kind of credentials."""
    word = authorization.partition(" ")[0].lower()
    return "basic" if word == "basic" else "bearer" if word == "bearer" else "none"


def bearer_fits(authorization: str) -> bool:
    """Check a hub key."""
    return scheme(authorization) == "bearer" and _same(authorization.partition(" ")[2].strip(), API_KEY)


def check_basic(authorization: str) -> str:
    """Check a user name and key; return the name.

    Raises:
        Refusal: 401, word for word the same for no header, a wrong key and an account that is not active;
            403 for a suspended account.
    """
    username, _, key = _decoded(authorization).partition(":")
    if username == BANNED and _same(key, API_KEY):
        raise forbidden(_SUSPENDED)
    if username not in {USERNAME, NO_CREDIT} or not _same(key, API_KEY):
        raise Refusal(401)
    return username


def _decoded(authorization: str) -> str:
    if scheme(authorization) != "basic":
        return ""
    try:
        return b64decode(authorization.partition(" ")[2].strip(), validate=True).decode()
    except ValueError:
        return ""


def _same(given: str, expected: str) -> bool:
    return compare_digest(given.encode(errors="replace"), expected.encode())
