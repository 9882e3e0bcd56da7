"""A fixture for the tests of programs that send through ClickSend.

``pytest_plugins = ["clicksend.sandbox.testing"]`` in a ``conftest.py``, and a test that takes
``clicksend_sandbox`` has a ClickSend of its own: empty, on this machine, and gone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clicksend.sandbox import Sandbox

__all__ = ["clicksend_sandbox"]


@pytest.fixture
def clicksend_sandbox() -> Iterator[Sandbox]:
    """Run a sandbox for one test: no messages, no contacts, a clock that stands still until it is turned."""
    with Sandbox(messages=0, contacts=0) as box:
        yield box
