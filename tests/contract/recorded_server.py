"""A server that replays the bodies in `recorded/`: any other one that speaks the v3 envelope.

It answers under every prefix (`/v3/...`, `/clicksend/v3/...`), takes any credentials, ignores every filter
but `page`, and sends no rate-limit headers. It shares no code with the sandbox.
"""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = Path(__file__).with_name("recorded")
ENDPOINTS = {
    "account": "/account",
    "sms_history": "/sms/history",
    "sms_inbound": "/sms/inbound",
    "sms_receipts": "/sms/receipts",
    "sms_templates": "/sms/templates",
    "sms_template": "/sms/templates/{template_id}",
    "mms_history": "/mms/history",
    "mms_receipts": "/mms/receipts",
    "voice_lang": "/voice/lang",
    "voice_history": "/voice/history",
    "voice_receipts": "/voice/receipts",
    "lists": "/lists",
    "list": "/lists/{list_id}",
    "contacts": "/lists/{list_id}/contacts",
    "contact": "/lists/{list_id}/contacts/{contact_id}",
    "email_addresses": "/email/addresses",
    "countries": "/countries",
    "sms_campaigns": "/sms-campaigns",
    "mms_campaigns": "/mms-campaigns",
    "subaccounts": "/subaccounts",
    "account_usage": "/account/usage/{year}/{month}/subaccount",
    "numbers": "/numbers",
    "transactions": "/recharge/transactions",
    "delivery_issues": "/delivery-issues",
    "statistics_sms": "/statistics/sms",
    "statistics_voice": "/statistics/voice",
    "sms_inbound_rules": "/automations/sms/inbound",
    "sms_receipt_rules": "/automations/sms/receipts",
    "voice_receipt_rules": "/automations/voice/receipts",
}
BARE = {
    "short_url_statistics": "/short-url/statistics/quick_sms/{source_id}",
    "short_url_tracking": "/short-url/tracking/{long_url_id}",
}
"""Endpoints whose answers have no envelope; any id gets the one body."""
MANY = {"sms_template": "sms_templates", "list": "lists", "contact": "contacts"}
REPORTS = {"account_usage", "statistics_sms", "statistics_voice"}
NOT_PAGED = {"account", "sms_template", "voice_lang", "list", "contact", "countries"} | REPORTS


def recorded(*names: str) -> Any:
    """Read the first of these bodies that exists."""
    paths = (RECORDED / f"{name}.json" for name in names)
    return json.loads(next(path for path in paths if path.exists()).read_text(encoding="utf-8"))


class RecordedServer:
    """Serves one variant of every body.

    There are `live`, `legacy`, `old`, `short`, `repeated`, `empty`, `nodata` and `array`; an endpoint without
    that variant falls back to its only or its live body. `requests` collects what was
    asked as (method, path, query), `api_url` ends in `prefix`.
    """

    def __init__(self, variant: str = "live", prefix: str = "/v3") -> None:
        self.variant = variant
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answer))
        self._server.daemon_threads = False  # so that closing waits for the answers under way
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.api_url = self.url + prefix

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def body(self, name: str) -> Any:
        """What this server answers for an endpoint."""
        page = [] if name in NOT_PAGED else [f"page.{self.variant}"]
        return recorded(f"{name}.{self.variant}", *page, name, f"{name}.live")

    def _answer(self, method: str, target: str) -> tuple[int, Any]:
        url = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.requests.append((method, url.path, query))
        for name, template in ENDPOINTS.items():
            pattern = re.sub(r"{(\w+)}", r"(?P<\1>[0-9]+)", template)
            if match := re.fullmatch(rf"(?:/.*)?/v3{pattern}/?", url.path):
                if method != "GET":
                    return 405, recorded("error_405")
                return self._get(name, match.groupdict(), query.get("page", "1"))
        for name, template in BARE.items():
            if re.fullmatch(rf"(?:/.*)?/v3{re.sub('{.*}', '[a-z0-9_-]+', template)}", url.path):
                return 200, recorded(name)
        return 404, recorded("error_404")

    def _get(self, name: str, ids: dict[str, str], page: str) -> tuple[int, Any]:
        body = self.body(name)
        data = body["data"]
        if name in MANY:
            rows = [data, *self._rows(MANY[name])]
            same = (row for row in rows if all(str(row[key]) == value for key, value in ids.items()))
            body["data"] = next(same, None)
            return (200, body) if body["data"] else (404, recorded("error_404"))
        if name == "contacts" and not any(str(row["list_id"]) == ids["list_id"] for row in self._rows(name)):
            known = any(str(row["list_id"]) == ids["list_id"] for row in self._rows("lists"))
            return (200, recorded("page.empty")) if known else (404, recorded("error_404"))
        number = int(page) if page.isdecimal() else 1
        if name not in NOT_PAGED and isinstance(data, dict) and number > max(data.get("last_page", 1), 1):
            past = {"current_page": number, "from": None, "to": None, "data": []}
            data.update({key: value for key, value in past.items() if key in data})
        return 200, body

    def _rows(self, name: str) -> list[dict[str, Any]]:
        return recorded(f"{name}.{self.variant}", name, f"{name}.live")["data"]["data"]


def _handler(answer: Callable[[str, str], tuple[int, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answer(self.command, self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815, the names are the base class's

        def log_message(self, *args: object) -> None:
            """Keep the tests quiet."""

    return Handler
