"""The gates: what a row of a message passes before it may be sent. They judge, and send nothing."""

from __future__ import annotations


class Held(Exception):  # noqa: N818 - the row waits; nothing has gone wrong here
    """A row that must come again later; the text says why and quotes no value."""
