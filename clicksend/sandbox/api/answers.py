"""What an endpoint is asked and what it answers, free of HTTP machinery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_LARGEST_NUMBER = 2**31 - 1
_MOST_DIGITS = 12

RECORDED: dict[int, tuple[str, str]] = {
    400: ("BAD_REQUEST", "Invalid input."),
    401: ("UNAUTHORIZED", "Authorization failed."),
    403: ("FORBIDDEN", "Resource not found or you don't have the permissions to access this resource."),
    404: ("NOT_FOUND", "Not found."),
    405: ("NOT_FOUND", "Method not allowed."),
    429: ("HTTP_TOO_MANY_REQUESTS", "Too many attempts."),
    500: ("INTERNAL_SERVER_ERROR", "Internal server error."),
}
"""The code and sentence that go with an HTTP status."""


def number(values: Mapping[str, str], name: str) -> int | None:
    """Read a whole number; anything else counts as not given, what is too large is cut to 31 bits."""
    text = values.get(name, "").strip()
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        return None
    return max(-_LARGEST_NUMBER, min(_LARGEST_NUMBER, int(text[:_MOST_DIGITS])))


class Call(Struct):
    """A request as an endpoint sees it.

    Attributes:
        path: The values of the path's placeholders.
        query: The query string; of a repeated name the last value counts, as in PHP.
        body: The decoded JSON object; None when there is no body.
        user: Who calls; "" through the hub.
    """

    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    user: str = ""

    def key(self, name: str) -> int:
        """Read an id out of the path; anything but a number is 0, the id of nothing."""
        return number(self.path, name) or 0


class Answer(Struct):
    """A success: what goes into ``data``, and the sentence with it; or, if ``bare``, the whole answer."""

    data: Any
    message: str
    bare: bool = False


class Refusal(Exception):  # noqa: N818 - ClickSend refuses; nothing has gone wrong here
    """An error in ClickSend's envelope; code and sentence are the recorded ones unless given."""

    def __init__(
        self, status: int, code: str | int = "", message: str = "", data: dict[str, str] | None = None
    ) -> None:
        recorded_code, recorded_message = RECORDED.get(status, ("SOMETHING_IS_WRONG", "Something is wrong."))
        super().__init__(message or recorded_message)
        self.status, self.code, self.data = status, code or recorded_code, data

    def envelope(self) -> dict[str, Any]:
        """Spell it."""
        return {
            "http_code": self.status,
            "response_code": self.code,
            "response_msg": str(self),
            "data": self.data,
        }


def bad_fields(messages: dict[str, str]) -> Refusal:
    """Make the 400 that says for each field what is wrong with it."""
    return Refusal(400, data=messages)


def not_found(message: str) -> Refusal:
    """Make the 404 for a thing that does not exist."""
    return Refusal(404, message=message)


def forbidden(message: str = "") -> Refusal:
    """Make the 403 for a thing that is not there or not yours."""
    return Refusal(403, message=message)
