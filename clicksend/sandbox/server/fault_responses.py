"""How faults look on the wire: canned answers, late ones, half ones, and connections reset by the server."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import msgspec
from aiohttp import web

from clicksend.sandbox.api.answers import Refusal
from clicksend.sandbox.api.send import without_one
from clicksend.sandbox.server.faults import Fault

UNPROCESSED = frozenset({"reset_before", "delay_before"})
"""Kinds of faults that drop a request before it is processed, so that it gets no answer."""
_WEB_PAGE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We'll be back soon.</body></html>"
)
_LINGER_ZERO = struct.pack("ii", 1, 0)


def instead(fault: Fault, response: web.Response) -> web.Response:
    """Return what is answered instead of the answer to a request that was processed."""
    if fault.kind == "status_after":
        return error(fault)
    if fault.kind in {"html_after", "body_after"}:
        return _other(fault)
    return _shortened(response) if fault.kind == "row_missing" else response


def canned(fault: Fault) -> web.Response | None:
    """Return the answer of a fault that keeps the request from being processed, if it is one."""
    if fault.kind in {"html", "body"}:
        return _other(fault)
    return error(fault) if fault.kind == "status" else None


def error(fault: Fault) -> web.Response:
    """Return the error that was ordered."""
    response = _with_body(fault, fault.status, Refusal(fault.status).envelope())
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _other(fault: Fault) -> web.Response:
    """Return status 200 with what ClickSend would not send: a web page, or the body that was ordered."""
    if fault.kind.startswith("html"):
        return web.Response(text=_WEB_PAGE, content_type="text/html")
    return _with_body(fault, 200, "")


def _shortened(response: web.Response) -> web.Response:
    """Take a message out of an answer that has messages."""
    envelope = msgspec.json.decode(bytes(response.body or b""))  # type: ignore[arg-type]
    data = (envelope.get("result") or envelope).get("data")
    if isinstance(data, dict) and isinstance(data.get("messages"), list):
        data["messages"] = without_one(data["messages"])
    response.body = msgspec.json.encode(envelope)
    return response


def _with_body(fault: Fault, status: int, default: Any) -> web.Response:
    body = default if fault.body is None else fault.body
    data = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return web.Response(body=data, status=status, headers={"Content-Type": fault.content_type})


async def reset(request: web.Request) -> web.Response:
    """Reset the TCP connection, once the request has come in whole.

    Without the linger option the client would see an orderly end.
    """
    await request.release()
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport else None
    if transport and connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        transport.abort()
    return web.Response()


async def unprocessed(request: web.Request, fault: Fault) -> web.Response:
    """Reset the connection of a request that is not to be processed, at once or after a silence."""
    if fault.kind == "delay_before":
        await asyncio.sleep(fault.seconds)
    return await reset(request)


async def deliver(request: web.Request, response: web.Response, fault: Fault | None) -> web.StreamResponse:
    """Send the answer, as far as the fault lets it through."""
    if fault is None:
        return response
    if fault.kind == "reset_after":
        return await reset(request)
    if fault.kind == "half_body":
        return await _half(request, response)
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
    return response


async def _half(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Promise the whole length, send half of it, and close the connection."""
    body = bytes(response.body or b"")  # type: ignore[arg-type]
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
