"""Who may ask at all: no web page may, whatever name it has made its own site's (DNS rebinding)."""

from __future__ import annotations

import re
from ipaddress import ip_address

from aiohttp import web

HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
"""Of all answers, so that no browser takes one for a page, whatever body a fault has."""
_OWN_SITE = frozenset({"none", "same-origin"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):([0-9]{1,5})")


async def seal(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on an answer; the page at the root brings a policy of its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def objection(request: web.Request) -> str | None:
    """Return why a request is refused, None when it is not: a foreign Host or Origin, or a page's doing.

    A browser says of each request whether a page of another site made it (Sec-Fetch-Site), of those without
    an Origin too. What it may do from anywhere is go to the page at the root, in a window of its own.
    """
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _is_own(hosts[0], _port(request)):
        return (
            "the sandbox serves this machine only: Host must be 127.0.0.1, [::1] or localhost, with its port"
        )
    if any(origin != f"http://{hosts[0]}" for origin in request.headers.getall("Origin", [])):
        return "the sandbox serves no web pages: it takes no foreign Origin"
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE and not _is_visit(request):
        return "the sandbox serves no web pages of other sites"
    return None


def _is_visit(request: web.Request) -> bool:
    """Tell whether somebody goes to the page at the root, by a link that may be anywhere."""
    how = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    return request.method == "GET" and request.path == "/" and how == ("navigate", "document")


def is_json(request: web.Request) -> bool:
    """Return whether a body is said to be JSON, which a page cannot say without asking first."""
    return request.content_type.lower() == "application/json"


def _port(request: web.Request) -> int:
    """Return the port that the request came in at; 0 when its connection is gone."""
    address = request.transport.get_extra_info("sockname") if request.transport else None
    return int(address[1]) if address else 0


def _is_own(host: str, port: int) -> bool:
    parts = _HOST.fullmatch(host)
    if not parts or int(parts[2]) != port:
        return False
    name = parts[1].strip("[]").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
