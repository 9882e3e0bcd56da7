"""What the tests of the sandbox share: its sizes, a walk through pages, and calls to the hub."""

from __future__ import annotations

from typing import Any

import requests

from clicksend.sandbox import API_KEY

EPOCH = 1_790_000_000
DAY = 86_400
BEARER = {"Authorization": f"Bearer {API_KEY}"}


def walk(session: requests.Session, box: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return all rows of a collection, 100 at a time."""
    rows, page = [], 1
    while True:
        data = session.get(
            box.api_url + path, params={"limit": 100, "page": page, **query}, timeout=10
        ).json()["data"]
        rows += data["data"]
        if page >= data["last_page"]:
            return rows
        page += 1


def run(box: Any, body: Any, **headers: str) -> requests.Response:
    """Call the hub's own endpoint."""
    return requests.post(f"{box.url}/v1/run", json=body, headers=headers or BEARER, timeout=10)


def notify(**inputs: Any) -> dict[str, Any]:
    """Return a notification to send."""
    defaults = {"template_id": "your_template_id", "to": "+15551234567", "variables": {"message": "Hi"}}
    return {"model": "prelude/notify-send", "inputs": {**defaults, **inputs}}
