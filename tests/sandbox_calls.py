"""A fixture for the tests that write to a sandbox; they name this module in ``pytest_plugins``."""

from __future__ import annotations

import pytest


@pytest.fixture
def call(request, session):
    """Return a function that makes a request of the box (or another) and returns ``data`` of the answer."""
    usual = request.getfixturevalue("box")

    def call(method, path, body=None, *, status=200, params=None, box=usual):
        answer = session.request(method, box.api_url + path, json=body, params=params, timeout=10)
        assert answer.status_code == answer.json()["http_code"] == status, answer.text
        return answer.json()["data"]

    return call
