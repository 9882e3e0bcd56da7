"""ClickSend's pages: ``page`` and ``limit`` in, the paginator around the records out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from clicksend.sandbox.api.answers import Answer, bad_fields, number
from clicksend.sandbox.switches import Switches

DEFAULT_LIMIT = 15
SMALLEST_LIMIT, LARGEST_LIMIT = 15, 100
_HOSTS = {
    "relative": "",
    "absolute": "https://rest.clicksend.com/v3",
    "other_host": "https://api.clicksend.com/v3",
}
_RECORDED_LINKS = {"/lists": "other_host", "/email/addresses": "absolute"}
"""How an endpoint links to its other pages, where it is not ``relative``."""


class Collection(NamedTuple):
    """How rows are served: at which path, with which sentence, and spelled how."""

    path: str
    message: str
    spell: Callable[[Any], Any]


class Page(NamedTuple):
    """What of a collection is asked for: page number ``number`` (from 1) of pages of ``size`` rows."""

    number: int
    size: int


def answer(rows: Sequence[Any], query: Mapping[str, str], switches: Switches, served: Collection) -> Answer:
    """Answer with the page of ``rows`` that the query asks for.

    Raises:
        Refusal: 400, when the switch ``small_limits`` rejects limits outside 15..100.
    """
    page = _asked(query, switches)
    last = -(-len(rows) // page.size)
    shown = page.number
    if page.number > last > 0 and switches.past_last_page == "repeat":
        shown = last
    records = [served.spell(row) for row in rows[(shown - 1) * page.size : shown * page.size]]
    if not rows:
        return Answer(_empty(page, switches), served.message)
    if page.number > last and switches.past_last_page == "clamp":
        shown = last
    style: str = switches.next_page_url
    if style == "recorded":
        style = _RECORDED_LINKS.get(served.path, "relative")
    first = (shown - 1) * page.size + 1
    paginator = {
        "total": len(rows),
        "per_page": page.size,
        "current_page": shown,
        "last_page": last,
        "next_page_url": _link(style, served.path, shown + 1) if shown < last else None,
        "prev_page_url": _link(style, served.path, shown - 1) if 1 < shown <= last else None,
        "from": first if records else None,
        "to": first + len(records) - 1 if records else None,
        "data": records,
    }
    return Answer(paginator, served.message)


def _asked(query: Mapping[str, str], switches: Switches) -> Page:
    size = number(query, "limit")
    if size is None:
        size = DEFAULT_LIMIT
    if not SMALLEST_LIMIT <= size <= LARGEST_LIMIT:
        if switches.small_limits == "reject":
            field = {"limit": f"Limit must be between {SMALLEST_LIMIT} and {LARGEST_LIMIT}."}
            raise bad_fields(field)
        if switches.small_limits == "clamp" or size < 1:
            size = max(SMALLEST_LIMIT, min(LARGEST_LIMIT, size))
    return Page(max(1, number(query, "page") or 1), size)


def _empty(page: Page, switches: Switches) -> dict[str, Any]:
    """Return the paginator of an empty one: ``current_page`` 1 is beyond ``last_page`` 0, as recorded."""
    paginator = {
        "total": 0,
        "per_page": page.size,
        "current_page": 1,
        "last_page": 0,
        "next_page_url": None,
        "prev_page_url": None,
        "from": 1,
        "to": 0,
    }
    return paginator if switches.empty_page == "missing" else {**paginator, "data": []}


def _link(style: str, path: str, page: int) -> str:
    """Link to another page the way ClickSend does: without ``limit`` and filters, some to another host."""
    return f"/?page={page}" if style == "relative" else f"{_HOSTS[style]}{path}?page={page}"


def extras(paginator: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Return what ``/lists`` has in its paginator since July 2026."""
    last, current = paginator["last_page"], paginator["current_page"]
    urls = {page: f"{base}?page={page}" for page in range(1, last + 1)}
    return {
        "first_page_url": urls.get(1),
        "last_page_url": urls.get(last),
        "path": base,
        "links": [
            {"url": url, "label": str(page), "page": page, "active": page == current}
            for page, url in urls.items()
        ],
    }
