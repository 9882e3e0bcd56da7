"""Every request that our programs make of a sandbox is one that ClickSend's own SDK can make.

Wherever a test runs the tap, the target or a command of ours against a `Sandbox`, each kind of request is
built again through the SDK's request models when the test is over. What they do not know fails the test,
unless `OTHERWISE_KNOWN` says who else knows it. Programs are told by their User-Agent; tests that ask
something on purpose wrong do so under another one.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.contract.official_client import OfficialClient
from tests.contract.schemas import DOCUMENTS

AGENT = "singer-clicksend/"
BASE = re.compile(r"(/clicksend)?/v3(?=/)")

_TEXT = "ClickSend's REST reference v3, the table of parameters or properties in the operation's own text"
_PAGED = (
    *("/lists", "/lists/{list_id}/contacts", "/email/addresses", "/voice/receipts", "/subaccounts"),
    *("/recharge/transactions", "/delivery-issues", "/automations/sms/inbound", "/automations/sms/receipts"),
    "/mms-campaigns",
    "/automations/voice/receipts",
)
_UNPAGED = "nobody: all collections are read alike, and a whole array is one page whatever was asked"
_CHAPTER = "the reference's chapters on searching and sorting, for most collections; no row depends on it"
_NAMES = "the reference's example, whose names are contacts' fields; this is one of them"
_COMPARED = (
    *("phone_number", "email", "fax_number", "organization_name", *(f"custom_{n}" for n in range(1, 5))),
    *("address_line_1", "address_line_2", "address_city", "address_state", "address_postal_code"),
    "address_country",
)
_TWICE = "the reference has it in the body, where it stands too; older pages have it here for calls"
_NEXT = "the specification's example of next_page_url"
_SMS = "ClickSend/clicksend-python @5de24bf, docs/SmsMessage.md, one model for sending and pricing"
_CALLS = "the SDK's own model for the price of the same call"
_MMS = "ClickSend/clicksend-python @8da5b31, docs/MmsMessage.md, and the answer, which repeats it"
OTHERWISE_KNOWN: dict[tuple[str, str], str] = {
    **{(f"GET {path}", f"query {name}"): _TEXT for path in _PAGED for name in ("page", "limit")},
    **{
        (f"GET {path}", f"query {name}"): _UNPAGED
        for path in ("/countries", "/voice/lang")
        for name in ("page", "limit")
    },
    ("GET /lists/{list_id}/contacts", "query updated_after"): _TEXT,
    ("GET /own-numbers", "query page_size"): _TEXT,
    ("GET /lists/{list_id}/contacts", "query q"): "FlowRunner's connector, whose samples are live answers",
    **{("GET /mms/history", f"query {name}"): _TEXT for name in ("page", "date_from", "date_to")},
    ("GET /mms/history", "query order_by"): _CHAPTER,
    ("GET /voice/history", "query date_from"): _TEXT,
    ("GET /voice/history", "query q"): _CHAPTER,
    **{
        (f"POST /mms/{verb}", f"body.messages[].{name}"): _MMS
        for verb, others in (("send", {"country"}), ("price", {"schedule"}))
        for name in sorted({"custom_string", "from_email"} | others)
    },
    **{
        ("POST /voice/send", f"body.messages[].{name}"): _TEXT
        for name in ("custom_string", "schedule", "country", "require_input")
    },
    ("POST /sms/price", "body.messages[].from_email"): _SMS,
    ("POST /voice/send", "body.messages[].from"): _CALLS,
    ("POST /voice/price", "body.messages[].country"): _TEXT,
    ("POST /voice/price", "body.messages[].require_input"): _TEXT,
    ("POST /voice/price", "CalculateVoicePriceRequestMessagesInner schedule: string_type"): _TEXT,
    **{("PUT /lists/{list_id}/remove-duplicates/", f"body.fields.{name}"): _NAMES for name in _COMPARED},
    **{(f"PUT /sms/{name}-read", "query date_before"): _TWICE for name in ("receipts", "inbound")},
    **{
        ("GET /short-url/tracking/{long_url_id}", f"query {name}"): _NEXT
        for name in ("limit", "offset", "direction")
    },
}
"""Who knows what the SDK does not, by endpoint and what `official_process.strange` calls it.

Paths that it does not know are marked `x-legacy` in `openapi.yaml`.
"""
LEGACY = {
    (verb.upper(), re.sub(r"{\w+}", "1", path))
    for path, item in DOCUMENTS["openapi.yaml"]["paths"].items()
    for verb, operation in item.items()
    if "x-legacy" in operation
}


class KnownRequests:
    """The requests since the last look, and what is known of their kinds."""

    def __init__(self, sdk: OfficialClient) -> None:
        self._sdk = sdk
        self._seen: deque[tuple[str, str, dict[str, str], bytes]] = deque()
        self._judged: dict[tuple[str, str, str, str], list[str]] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Take requests down; the sandbox has read them when it has answered, or dropped them."""
        try:
            return await handler(request)
        finally:
            if request.headers.get("User-Agent", "").startswith(AGENT) and BASE.match(request.path):
                with suppress(ConnectionError, web.HTTPException):
                    body = await request.read()
                    self._seen.append((request.method, request.path, dict(request.query), body))

    def unknown(self) -> list[str]:
        """Name what nobody knows of the requests since the last call."""
        kinds: dict[tuple[str, str, str, str], None] = {}
        while self._seen:
            verb, path, query, body = self._seen.popleft()
            path = re.sub(r"[^/]*\d[^/]*", "1", BASE.sub("", path))
            asked = json.dumps({name: as_typed(query[name]) for name in sorted(query)})
            kinds |= {(verb, path, asked, sample): None for sample in samples(body)}
        return [what for kind in kinds for what in self._judge(kind)]

    def _judge(self, kind: tuple[str, str, str, str]) -> list[str]:
        if kind not in self._judged:
            verb, path, query, body = kind
            found = self._sdk.ask(
                "strange", verb=verb, path=path, query=json.loads(query), body=json.loads(body)
            )
            endpoint = f"{verb} {found['path'] or path}"
            self._judged[kind] = [
                f"{endpoint}: {one}"
                for one in found["strange"]
                if (endpoint, one) not in OTHERWISE_KNOWN and not (one == "path" and (verb, path) in LEGACY)
            ]
        return self._judged[kind]


def samples(data: bytes) -> set[str]:
    """Return a body's kinds as JSON, one for each kind of element in its lists."""
    body = msgspec.json.decode(data or b"null")
    lists = {}
    if isinstance(body, dict):
        lists = {name: value for name, value in body.items() if isinstance(value, list)}
    each = [body | {name: [element]} for name, elements in lists.items() for element in elements] or [body]
    return {json.dumps(typed(one)) for one in each}


def typed(value: Any) -> Any:
    """Return the same shape with one value for all of a type; of texts, the empty ones are a type."""
    if isinstance(value, dict):
        return {name: typed(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [typed(one) for one in value]
    if isinstance(value, str):
        return value and "text"
    return value if value is None or isinstance(value, bool) else type(value)(50)


def as_typed(text: str) -> str:
    """Return a text of a query for all of its kind."""
    return "50" if re.fullmatch(r"-?\d+", text) else "text"


@pytest.fixture(scope="session", autouse=True)
def _known_requests(official: OfficialClient) -> Iterator[KnownRequests]:
    """Look at all requests of every sandbox in this process."""
    from clicksend.sandbox.server import sandbox

    known, build = KnownRequests(official), sandbox.application

    def application(service: Any) -> web.Application:
        official.start()
        app = build(service)
        app.middlewares.insert(0, known.middleware)
        return app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "application", application)
        yield known


@pytest.fixture(autouse=True)
def _no_unknown_requests(_known_requests: KnownRequests) -> Iterator[None]:
    yield
    unknown = _known_requests.unknown()
    assert not unknown, "; ".join(unknown)
