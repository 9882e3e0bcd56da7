"""A history whose rows come, go and change between one request and the next, as a script says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class MovingServer:
    """Serves /v3/sms/history over ``rows`` (message_id -> date, Unix seconds), ``honest`` about dates or not.

    ``moves`` says what happens before the nth request: ``{n: [("insert" | "delete", message_id, date)]}``.
    ``inbound`` holds what came in, with ids of its own or of what was sent.
    """

    def __init__(
        self,
        rows: dict[str, int],
        moves: dict[int, list[tuple[str, str, int]]],
        now: int,
        *,
        honest: bool,
        inbound: dict[str, int] | None = None,
    ) -> None:
        self.rows = dict(rows)
        self._inbound = inbound or {}
        self.always = set(rows)
        self.requests = 0
        self._moves, self._now, self._honest = moves, now, honest
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.api_url = f"http://127.0.0.1:{self._server.server_port}/v3"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, query: dict[str, str]) -> Any:
        with self._lock:
            self.requests += 1
            for kind, message_id, date in self._moves.get(self.requests, []):
                if kind == "insert":
                    self.rows.setdefault(message_id, date)
                elif self.rows.pop(message_id, None):
                    self.always.discard(message_id)
            both = {"out": self.rows, "in": self._inbound}
            rows = sorted((d, i, direction) for direction, some in both.items() for i, d in some.items())
        if self._honest:
            since, until = int(query.get("date_from", 0)), int(query.get("date_to", 2**40))
            rows = [row for row in rows if since <= row[0] <= until]
        limit, page = int(query["limit"]), int(query["page"])
        data = [
            {"message_id": i, "date": d, "direction": direction, "status": "Sent", "status_code": "201"}
            for d, i, direction in rows
        ]
        pager = {
            "total": len(rows),
            "per_page": limit,
            "current_page": page,
            "last_page": -(-len(rows) // limit),
        }
        return {
            "http_code": 200,
            "response_code": "SUCCESS",
            "data": pager | {"data": data[(page - 1) * limit : page * limit]},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer, now = self._answer, self._now

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
                content = json.dumps(answer(query)).encode()
                self.send_response_only(200)
                self.send_header("Date", self.date_time_string(now))
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                """Keep the tests quiet."""

        return Handler
