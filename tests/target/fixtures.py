"""Fixtures for the tests that write rows into a sandbox; they name this module in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from target_clicksend.sinks.contacts import Contacts
from tests.sandbox.runner import walk
from tests.target.runner import Ran, run_target, stream_of


@pytest.fixture
def write(request, tmp_path):
    """Return a function that writes rows of a stream into the box (or another), with one ledger."""
    usual = request.getfixturevalue("box")

    def write(rows: Iterable[Any], stream: str = "contacts", box: Any = usual, **config: Any) -> Ran:
        messages = rows if config.pop("raw", False) else stream_of(stream, rows, config.pop("keys", ["id"]))
        settings = {"api_url": box.api_url, "ledger_url": f"sqlite:///{tmp_path}/ledger.db", **config}
        before = len(box.requests())
        ran = run_target(settings.pop("api_url"), messages, **settings)
        ran.requests = box.requests()[before:]
        return ran

    return write


@pytest.fixture
def people(request, session):
    """Return a function that returns the contacts of a list of the box (or another)."""
    usual = request.getfixturevalue("box")

    def people(list_id: int, box: Any = usual) -> list[dict[str, Any]]:
        return walk(session, box, f"/lists/{list_id}/contacts")

    return people


@pytest.fixture
def after_reading(monkeypatch):
    """Return a function that lets something happen between the reading of the lists and the writing."""

    def after_reading(happen):
        read = Contacts._read_lists

        def read_then(self):
            read(self)
            happen()

        monkeypatch.setattr(Contacts, "_read_lists", read_then)

    return after_reading
