"""The fixture for the tests of the sinks that send; they name this module in ``pytest_plugins``."""

from __future__ import annotations

import pytest

from tests.target.messages.cases import Box


@pytest.fixture
def out(box, tmp_path):
    """Return the sandbox, and the target that sends into it."""
    return Box(box, tmp_path)
