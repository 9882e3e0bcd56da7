"""The page at the root: one file, that may use its own script and style and ask the sandbox."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web

PATH = "/"
METHODS = frozenset({"GET", "HEAD"})
_FILE = Path(__file__).with_name("page.html")
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def answer() -> web.Response:
    """Serve the page."""
    text, policy = _page()
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)


@cache
def _page() -> tuple[str, str]:
    """Read the file; return it and its policy, which names script and style by their hashes."""
    text = _FILE.read_text(encoding="utf-8")
    hashes = {kind: _hash(inline) for kind, inline in _INLINE.findall(text)}
    return text, "; ".join(
        (
            "default-src 'none'",
            f"script-src '{hashes['script']}'",
            f"style-src '{hashes['style']}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(inline: str) -> str:
    return f"sha256-{b64encode(sha256(inline.encode()).digest()).decode()}"
