"""An API that takes text messages and says SUCCESS to each, as fast as it can; it remembers only counts.

Started as ``python -m tests.bench.send_server`` it says its port, serves until its standard input ends, and
then prints what it served, and when (``time.time()``) the first request came.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from email.utils import formatdate
from itertools import count

import msgspec

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ACCOUNT = {
    "user_id": 1,
    "default_country_sms": "AU",
    "setting_sms_message_char_limit": 8,
    "_currency": {"currency_name_short": "AUD"},
}
LISTS = [{"list_id": 1, "list_name": "Opt-Out List"}]
ACCEPTED = {
    "direction": "out",
    "date": 1790000000,
    "from": "+61447254068",
    "schedule": 1790000000,
    "message_parts": 1,
    "message_price": "0.0792",
    "from_email": None,
    "list_id": None,
    "contact_id": None,
    "user_id": 1,
    "subaccount_id": 2,
    "is_shared_system_number": False,
    "country": "AU",
    "carrier": "Telstra",
    "status": "SUCCESS",
}


class Message(msgspec.Struct):
    """What is read of a message."""

    to: str
    body: str
    custom_string: str


class Batch(msgspec.Struct):
    """The body of a send."""

    messages: list[Message]


_decode = msgspec.json.Decoder(Batch).decode


class Service:
    """Answers, and counts."""

    def __init__(self) -> None:
        self.requests = self.messages = 0
        self.first = 0.0
        self._numbers = count()

    def answer(self, path: str, body: bytes) -> object:
        """Return ``data`` of the answer to a request."""
        self.first = self.first or time.time()
        self.requests += 1
        if path.endswith("/sms/send"):
            return self._sent(_decode(body).messages)
        if path.endswith("/account"):
            return ACCOUNT
        rows = LISTS if path.endswith("/lists") else []
        return {"total": len(rows), "per_page": 100, "current_page": 1, "last_page": 1, "data": rows}

    def _sent(self, messages: list[Message]) -> object:
        self.messages += len(messages)
        rows = [
            ACCEPTED
            | {"to": one.to, "body": one.body, "custom_string": one.custom_string}
            | {"message_id": f"1F0{number:05X}-C2D2-6592-A142-{number:012X}"}
            for one, number in zip(messages, self._numbers, strict=False)
        ]
        totals = {"total_count": len(rows), "queued_count": len(rows), "blocked_count": 0}
        return {"total_price": 0.0792 * len(rows), **totals, "messages": rows}


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body = bytes(self._received[end + 4 : whole])
            del self._received[:whole]
            path = head.split(b" ", 2)[1].decode().partition("?")[0]
            self._answer(
                {"http_code": 200, "response_code": "SUCCESS", "data": self._service.answer(path, body)}
            )

    def _answer(self, envelope: object) -> None:
        body, date = msgspec.json.encode(envelope), formatdate(usegmt=True)
        about = {"Date": date, "Content-Type": "application/json", "Content-Length": len(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in about.items())
        self._transport.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)


async def serve(service: Service) -> None:
    """Serve until standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await ended.wait()
    sys.stdout.write(
        json.dumps({"first": service.first, "requests": service.requests, "messages": service.messages})
    )


if __name__ == "__main__":
    asyncio.run(serve(Service()))
