"""Faults that tests order: which requests go wrong, and how."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Kind = Literal[
    "status",
    "status_after",
    "reset_before",
    "reset_after",
    "delay",
    "delay_before",
    "half_body",
    "html",
    "html_after",
    "body",
    "body_after",
    "row_missing",
]


class Fault(Struct, forbid_unknown_fields=True):
    """One order.

    Attributes:
        kind: Status and status_after (an error with ``status``, instead of the answer: the request is not
            processed, or it is), reset_before and reset_after (TCP reset, before or after the request was
            processed), delay (processed at once, answered ``seconds`` late), delay_before (silence for
            ``seconds``, then a TCP reset, never processed), half_body (processed; the right Content-Length,
            half the bytes), html and html_after (200 with a web page), body and body_after (200 with
            ``body``), row_missing (processed; the answer to a call that sends lacks the message in the
            middle).
        method: Such as "POST"; "*" is any.
        path: Shell pattern on the path without its prefix, such as "/lists/*/contacts"; ``/v1/run`` is whole.
        query: What the query must hold, such as {"page": "2"}.
        times: How often it strikes; -1 is always.
        skip: How many matching requests pass before it strikes.
        status: HTTP status of the kinds ``status`` and ``status_after``.
        body: Body of those and of the kinds ``body`` and ``body_after``: text as it is, anything else as
            JSON.
        content_type: Of that body.
        retry_after: Value of the Retry-After header of the kinds ``status`` and ``status_after``.
        seconds: Of the kinds ``delay`` and ``delay_before``.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    query: dict[str, str] = {}
    times: Annotated[int, Meta(ge=-1)] = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    body: Any = None
    content_type: str = "application/json"
    retry_after: int | str | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] = 0.0

    def matches(self, method: str, path: str, query: dict[str, str]) -> bool:
        """Tell whether the request is meant, however often it has struck."""
        meant = self.method.upper() in {"*", method}
        return meant and fnmatchcase(path, self.path) and self.query.items() <= query.items()


class Faults:
    """The orders not yet used up, oldest first."""

    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    def strike(self, method: str, path: str, query: dict[str, str]) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for fault in self.ordered:
            if not fault.times or not fault.matches(method, path, query):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
            return fault
        return None
