"""Bodies of requests: decoded as PHP would, and read field by field."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from email import message_from_bytes
from typing import Any

import msgspec

from clicksend.sandbox.api.answers import Refusal, bad_fields

_DEEPEST = 100
_STUMBLED = "preg_replace(): Parameter mismatch, pattern is a string while replacement is an array"


def decoded(data: bytes) -> Any:
    """Decode JSON; None when there is none, or null.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    if not data.strip():
        return None
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise ValueError("the body is not JSON") from broken
    if _is_deep(body):
        raise ValueError(f"the body is nested more than {_DEEPEST} times")
    return body


def _is_deep(body: Any) -> bool:
    """Tell whether a body is nested so deeply that it could not be written again."""
    level = [body]
    for _ in range(_DEEPEST):
        inner = (
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        )
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def seen(data: bytes) -> Any:
    """Decode what can be decoded, for the list of requests."""
    try:
        return decoded(data)
    except ValueError:
        return None


def fields(data: bytes, content_type: str = "") -> dict[str, Any] | None:
    """Decode the body of a write; a form is read as the JSON that would upload the same file.

    Raises:
        Refusal: 400, it is no JSON or no object.
    """
    try:
        if content_type.startswith("multipart/form-data"):
            return {"content": b64encode(_file(data, content_type)).decode()}
        body = decoded(data)
    except (ValueError, RecursionError):
        raise Refusal(400) from None
    if body is not None and not isinstance(body, dict):
        raise Refusal(400)
    return body


def _file(data: bytes, content_type: str) -> bytes:
    """Return the field ``file`` of a form; b"" without one."""
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + data)
    for part in form.walk():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    return b""


def text(value: Any) -> str:
    """Read a text field; other scalars become text as in PHP, null becomes "".

    Raises:
        Refusal: 400 with the number as its code and PHP's own words, as recorded for an object.
    """
    if isinstance(value, dict | list):
        raise Refusal(400, 400, _STUMBLED)
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


def required(body: Mapping[str, Any] | None, names: Iterable[str]) -> dict[str, str]:
    """Read text fields that must not be empty.

    Raises:
        Refusal: 400, with a sentence for each that is.
    """
    given = {name: text((body or {}).get(name)) for name in names}
    missing = {
        name: f"{label(name)} field is required." for name, value in given.items() if not value.strip()
    }
    if missing:
        raise bad_fields(missing)
    return given


def label(name: str) -> str:
    """Name a field as a sentence begins: ``list_name`` is "List name"."""
    return name.replace("_", " ").capitalize()
