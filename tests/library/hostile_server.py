"""A server that does to clients what servers and proxies on bad days do, alone or before another one."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Chunks = Iterable[bytes]
Behaviour = Callable[[str], Chunks]
"""Makes of a request what is sent back, piece by piece, before the connection is cut."""


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Serve on a free port of this machine; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for piece in behaviour(request) if (request := _request(connection)) else ():
                connection.sendall(piece)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(thread := threading.Thread(target=answer, args=[connection], daemon=True))
                thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join(10)


def _request(connection: socket.socket) -> str:
    with connection.makefile("rb") as file:
        head = b""
        while (line := file.readline()).strip():
            head += line
        length = next(
            (int(one[15:]) for one in head.splitlines() if one.lower().startswith(b"content-length:")), 0
        )
        if not head:
            return ""
        return (head.rstrip() + b"\r\n\r\n" + file.read(length)).decode(errors="replace")


def answer(body: bytes, *headers: str, status: str = "200 OK") -> list[bytes]:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += ["Connection: close", *headers]
    return ["\r\n".join([*lines, "", ""]).encode("latin-1") + body]


def ok(data: Any, *headers: str, **status: str) -> list[bytes]:
    """Return an answer in ClickSend's envelope."""
    body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": data}
    return answer(json.dumps(body).encode(), *headers, **status)


def bomb(size: int, kind: str = "gzip") -> list[bytes]:
    """Return an answer that inflates to so many bytes of JSON."""
    text = b'{"data":"' + b"0" * size + b'"}'
    if kind == "deflate":
        return answer(zlib.compress(text), "Content-Encoding: deflate")
    packed = gzip.compress(text, 9)
    if kind == "gzip, gzip":
        packed = gzip.compress(packed, 9)
    return answer(packed, f"Content-Encoding: {kind}")


def endless(piece: bytes = b"0" * 65536) -> Iterator[bytes]:
    """Yield an answer that never ends."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


def dripping(head: bytes) -> Iterator[bytes]:
    """Yield an answer byte by byte, with no end."""
    yield head
    while True:
        yield b"0"


def forward(url: str, request: str, authorization: Callable[[str], str]) -> bytes:
    """Return the answer of another server to a request, as it came.

    Args:
        url: The other server's.
        request: As ``Behaviour`` takes it.
        authorization: Makes the header's value for the other server of the one that came.
    """
    head, _, body = request.partition("\r\n\r\n")
    first, *lines = head.splitlines()
    drop = ("authorization:", "connection:", "accept-encoding:", "host:")
    kept = [line for line in lines if not line.lower().startswith(drop)]
    given = next((line.partition(":")[2].strip() for line in lines if line.lower().startswith(drop[0])), "")
    kept += ["Connection: close", *([f"Authorization: {authorization(given)}"] if given else [])]
    host, _, port = url.removeprefix("http://").partition(":")
    kept.append(f"Host: {host}:{port}")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(("\r\n".join([first, *kept, "", ""]) + body).encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received
