"""Fixtures for the tests that write to a sandbox; they name this module in ``pytest_plugins``."""

from __future__ import annotations

import msgspec
import pytest

from clicksend.sandbox.switches import DIALECTS

DEFAULTS = {
    "sms": {},
    "mms": {"subject": "Photo"},
    "voice": {"lang": "en-us", "voice": "female"},
}


@pytest.fixture
def documented(box, boxes):
    """Return the sandboxes, in the dialect of the older documentation."""
    boxes[1].control("POST", "reset")
    for one in boxes:
        one.control("POST", "switches", msgspec.to_builtins(DIALECTS["documented"]))
    return boxes


@pytest.fixture
def call(request, session):
    """Return a function that makes a request of the box (or another) and returns ``data`` of the answer."""
    usual = request.getfixturevalue("box")

    def call(method, path, body=None, *, status=200, params=None, box=usual):
        answer = session.request(method, box.api_url + path, json=body, params=params, timeout=10)
        assert answer.status_code == answer.json()["http_code"] == status, answer.text
        return answer.json()["data"]

    return call


@pytest.fixture
def send(call):
    """Return a function that sends messages through a channel and returns ``data`` of the answer."""

    def send(*messages, channel="sms", verb="send", media_file="https://example.com/x.jpg", **options):
        usual = {"to": "+61412345678", "body": "Hello", **DEFAULTS[channel]}
        body = {"messages": [usual | message for message in messages or [{}]]}
        if channel == "mms" and media_file:
            body["media_file"] = media_file
        return call("POST", f"/{channel}/{verb}", body, **options)

    return send
