"""Points about pages: their sizes, their end, their links."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from clicksend.errors import ApiError, BadRequestError
from clicksend.probe.account import Account, Rows
from clicksend.probe.findings import Finding, Unknown

SMALLEST = 15
FAR = 2**31 - 1
"""A time at which nothing has happened yet (Unix seconds)."""
NOBODY = "00000000-0000-4000-8000-000000000000"
"""The id of no message."""
COLLECTIONS = (
    "/lists",
    "/email/addresses",
    "/sms/history",
    "/sms/receipts",
    "/sms/inbound",
    "/sms/templates",
    "/sms-campaigns",
    "/mms/history",
    "/recharge/transactions",
    "/delivery-issues",
)
DIRECT_HOST = "rest.clicksend.com"
RECORDED_LINKS = {"/lists": "other_host", "/email/addresses": "absolute"}
"""How two endpoints link to their other pages (observed); all others seen do it ``relative``."""


def small_limits(account: Account) -> Finding:
    """Ask for pages of one row."""
    try:
        page = account.page("/sms/history", limit=1)
    except BadRequestError:
        return Finding("reject")
    size = page.count("per_page") or len(page.rows)
    if size in (1, SMALLEST):
        return Finding("honour" if size == 1 else "clamp")
    if not size:
        raise Unknown("there is no message, and no per_page")
    return Finding(None, f"a limit of 1 makes pages of {size}")


def past_last_page(account: Account) -> Finding:
    """Ask for a page that is far beyond the last."""
    for path in ("/lists", "/sms/templates", "/sms/history"):
        first = account.page(path, limit=SMALLEST)
        if not first.rows:
            continue
        asked = first.last_page + 1000
        try:
            beyond = account.page(path, limit=SMALLEST, page=asked)
        except ApiError as error:
            return Finding(None, f"refused with {error.status}")
        if beyond.rows:
            return Finding("repeat")
        shown = beyond.count("current_page")
        if shown in (asked, first.last_page):
            return Finding("empty" if shown == asked else "clamp")
        return Finding(None, "empty, with another current_page")
    raise Unknown("there are no rows to page through")


def empty_page(account: Account) -> Finding:
    """Ask for rows that cannot exist, else look for a collection that is empty."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/sms/history", {"date_from": FAR}),
        ("/sms/history", {"q": f"message_id:{NOBODY}"}),
    ]
    for path, params in [*asked, *((path, {}) for path in COLLECTIONS)]:
        try:
            page = account.page(path, limit=SMALLEST, **params)
        except ApiError:
            continue
        if not page.rows and not page.count("total"):
            return _emptiness(page)
    raise Unknown("no collection is empty, and no filter empties one")


def _emptiness(page: Rows) -> Finding:
    if "data" not in page.pager:
        return Finding("missing")
    bounds = tuple(page.count(name) for name in ("last_page", "from", "to"))
    if page.pager["data"] == [] and bounds == (0, 1, 0):
        return Finding("recorded")
    named = ", ".join(map(str, bounds))
    return Finding(None, f"no rows, with last_page, from, to = {named}")


def next_page_url(account: Account) -> Finding:
    """Look how endpoints link to their second page."""
    seen = {}
    for path in COLLECTIONS:
        try:
            url = _first_page(account, path).pager.get("next_page_url")
        except ApiError:
            continue
        if isinstance(url, str):
            seen[path] = _style(url)
    ways = {name: dict.fromkeys(seen, name) for name in ("relative", "absolute", "other_host")}
    ways["recorded"] = {path: RECORDED_LINKS.get(path, "relative") for path in seen}
    fitting = [name for name, way in ways.items() if way == seen]
    if len(fitting) == 1:
        return Finding(fitting[0])
    if not seen:
        raise Unknown("no collection has a second page")
    named = ", ".join(f"{path} {style}" for path, style in seen.items())
    if fitting:
        raise Unknown(f"too few collections have a second page ({named})")
    return Finding(None, named)


def _first_page(account: Account, path: str) -> Rows:
    try:
        return account.page(path, limit=1)
    except BadRequestError:
        return account.page(path, limit=SMALLEST)


def _style(url: str) -> str:
    host = urlsplit(url).hostname
    return "relative" if not host else "absolute" if host == DIRECT_HOST else "other_host"
