"""Messages that another run is sending just now: what comes of them there decides what comes of them here.

They are never sent meanwhile. Their rows stay without an outcome, so that no STATE passes them before it is
known whether they went out.
"""

from __future__ import annotations

import logging

from target_clicksend.messages.message import Message
from target_clicksend.messages.spool import Batch
from target_clicksend.run import Run

PATIENCE = 300.0
"""Seconds to wait for other runs at the end of the input: longer than a lease with the default time-out."""
FIRST, LONGEST = 0.25, 5.0
"""Seconds between two looks: each wait is longer than the one before it."""

logger = logging.getLogger("target-clicksend")


class UnderWay(Batch):
    """Those of one sink, in the order of the input."""

    def __init__(self, run: Run, sink: str) -> None:
        super().__init__()
        self._run, self._sink = run, sink
        self._pause, self._left = FIRST, PATIENCE

    @property
    def numbers(self) -> set[int]:
        """The numbers of their rows."""
        return set(self._messages)

    def take(self) -> list[Message]:
        """Return them all, and keep none."""
        messages = [self._messages[number] for number in sorted(self._messages)]
        self._messages.clear()
        return messages

    def wait(self) -> bool:
        """Wait a little for the other runs; return False, at once, when that was long enough.

        Raises:
            StoppedError: The run was stopped.
        """
        if self._left <= 0:
            return False
        if self._left == PATIENCE:
            logger.info(
                "%s: another run is sending %d of the messages: waiting for its outcomes, at most %d s.",
                self._sink,
                len(self),
                PATIENCE,
            )
        self._run.client.wait(self._pause)
        self._left -= self._pause
        self._pause = min(2 * self._pause, LONGEST)
        return True
