"""The requests that came in, the newest of them: also without a key nobody fills the memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from clicksend.sandbox.api import bodies

MOST = 100_000
"""Requests."""
MOST_BYTES = 64 * 2**20
"""Of paths, queries and bodies together."""


class Seen(Struct):
    """A request, its path without the base; ``status`` is None when it was not processed and not answered.

    The body is kept as it came: a thousand messages take ten times the room once they are decoded.
    """

    method: str
    path: str
    query: dict[str, str]
    auth: str
    status: int | None = None
    data: bytes = b""

    def shown(self) -> dict[str, Any]:
        """Spell it for the list of requests; the body is null when it was not JSON."""
        shape = msgspec.structs.asdict(self)
        body = bodies.seen(shape.pop("data"))
        return {**shape, "body": body}

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.method) + len(self.path) + len(self.data) + len(str(self.query))


class SeenRequests:
    """The newest requests, oldest first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Seen] = OrderedDict()
        self._bytes = 0

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._kept.values())

    def add(self, seen: Seen) -> Seen:
        """Take a request, whose body may be on its way."""
        self._kept[id(seen)] = seen
        self._bytes += seen.size
        self._drop()
        return seen

    def hold(self, seen: Seen, data: bytes) -> None:
        """Take the body of a request, unless that was dropped meanwhile."""
        if id(seen) in self._kept:
            seen.data = data
            self._bytes += len(data)
            self._drop()

    def _drop(self) -> None:
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._bytes -= self._kept.popitem(last=False)[1].size
