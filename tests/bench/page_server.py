"""Serves ``GET /v3/sms/history`` from a process of its own, at a small part of what reading it costs.

Prints its port; ends when its standard input does, and then prints what it did as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from tests.bench.rows import History

LARGEST_PAGE = 100
HEAD = (
    b"HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Connection: keep-alive\r\n%s\r\n"
)
LIMITS = b"x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nratelimit-reset: %d\r\n"
MINUTE = 60.0
TOO_MANY = (
    b'{"http_code":429,"response_code":"TOO_MANY_REQUESTS","response_msg":"Too many requests.","data":null}'
)
ENVELOPE = b'{"http_code":200,"response_code":"SUCCESS","response_msg":"Here are your data.","data":%s}'
PAGE = (
    b'{"total":%d,"per_page":%d,"current_page":%d,"last_page":%d,"next_page_url":%s,"prev_page_url":%s,'
    b'"from":%d,"to":%d,"data":[%s]}'
)
NOT_FOUND = b'{"http_code":404,"response_code":"NOT_FOUND","response_msg":"Not served here.","data":null}'


@dataclass
class Served:
    """What the server did.

    Attributes:
        first: When the first request came, by ``time.time()``.
        busy: Seconds of processor time since then.
        refused: Requests that were answered with 429.
    """

    requests: int = 0
    refused: int = 0
    rows: int = 0
    first: float = 0.0
    busy: float = 0.0


class Service:
    """Answers requests, so many a minute at most if there is a limit."""

    def __init__(self, history: History, limit: int) -> None:
        self.served = Served()
        self._limit = limit
        self._used, self._until = 0, 0.0
        self._history = history
        self._busy_before = 0.0

    def take_note(self) -> None:
        """Count a request that has come."""
        if not self.served.requests:
            self.served.first, self._busy_before = time.time(), time.process_time()
        self.served.requests += 1

    def report(self) -> str:
        """Return what was served as JSON."""
        self.served.busy = time.process_time() - self._busy_before
        return json.dumps(asdict(self.served))

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a GET."""
        url, limits, granted = urlsplit(target), b"", True
        if self._limit:
            granted, limits = self._count(time.monotonic())
        if not granted:
            self.served.refused += 1
            status, body = b"429 Too Many Requests", TOO_MANY
        elif url.path == "/v3/sms/history":
            status, body = b"200 OK", ENVELOPE % self._page(parse_qs(url.query))
        else:
            status, body = b"404 Not Found", NOT_FOUND
        return HEAD % (status, formatdate(usegmt=True).encode(), len(body), limits) + body

    def _count(self, now: float) -> tuple[bool, bytes]:
        """Count a request; return whether it is within the limit, and the headers that say what is left."""
        if now >= self._until:
            self._used, self._until = 0, now + MINUTE
        granted = self._used < self._limit
        self._used += granted
        return granted, LIMITS % (self._limit, self._limit - self._used, int(self._until - now) + 1)

    def _page(self, query: dict[str, list[str]]) -> bytes:
        def number(name: str, default: int) -> int:
            return int(query[name][0]) if name in query else default

        history = self._history
        if query.get("order_by", ["date:asc"]) != ["date:asc"]:
            raise ValueError(query["order_by"])
        begin = history.first_from(number("date_from", 0))
        end = max(begin, history.first_from(number("date_to", 2**40) + 1))
        page, limit = number("page", 1), min(number("limit", 15), LARGEST_PAGE)
        total, last_page = end - begin, -(-(end - begin) // limit)
        first = min(begin + (page - 1) * limit, end)
        last = min(first + limit, end)
        self.served.rows += last - first
        following = b'"\\/?page=%d"' % (page + 1) if page < last_page else b"null"
        previous = b'"\\/?page=%d"' % (page - 1) if page > 1 else b"null"
        numbers = (first - begin + 1, last - begin)
        rows = history.json(first, last)
        return PAGE % (total, limit, page, last_page, following, previous, *numbers, rows)


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection; GET only, so a request is its head."""

    def __init__(self, service: Service, latency: float) -> None:
        self._service = service
        self._latency = latency
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            self._service.take_note()
            target = head.split(b" ", 2)[1].decode()
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, target)
            else:
                self._answer(target)

    def _answer(self, target: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._service.answer(target))


async def serve(service: Service, latency: float) -> None:
    """Serve until standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    server = await loop.create_server(lambda: Connection(service, latency), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await ended.wait()
    sys.stdout.write(service.report())


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds before each answer")
    parser.add_argument(
        "--limit", type=int, default=0, help="requests a minute, 0 for no limit and no headers"
    )
    arguments = parser.parse_args()
    service = Service(History(arguments.rows, int(time.time())), arguments.limit)
    asyncio.run(serve(service, arguments.latency / 1000))


if __name__ == "__main__":
    main()
