"""Which messages are final: all others can still change, and are read again.

ClickSend has no "updated at". A message's delivery can change for 72 hours after it was sent (documented),
and it is sent as late as it was scheduled for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from tap_clicksend.rows.schema import RecordBatch

DAY = 86_400
FINAL_CODES = {"201", "301"}
FINAL_STATUSES = {"Failed", "Cancelled", "CancelledAfterReview"}


@dataclass
class Finality:
    """Looks at rows and remembers which are not final; times are Unix seconds.

    Attributes:
        now: The server's clock.
        settle_seconds: Seconds after which every message is final.
        rows: Messages that were looked at.
        unsettled: How many of them are not final.
    """

    now: int
    settle_seconds: int
    rows: int = 0
    unsettled: int = 0
    oldest: int | None = None
    """Date of the oldest message that may change, without those in ``late``."""
    late: list[tuple[int, int]] = field(default_factory=list)
    """Messages that change long after their date, since they were scheduled: date, and when to recheck."""

    def __post_init__(self) -> None:
        self._settled_before = self.now - self.settle_seconds
        self._far = self.now + self.settle_seconds
        self._soon = self.now + min(self.settle_seconds, DAY)

    def pending(self, batch: RecordBatch, date: str) -> dict[str, tuple[int, int]]:
        """Return date and schedule (0: none) of the messages that are not final, by id.

        Args:
            batch: Messages.
            date: Name of their time column.
        """
        pending = {}
        columns = map(batch.get, ("message_id", "direction", "status_code", "status", "schedule"))
        for moment, message_id, direction, code, status, due in zip(batch[date], *columns, strict=True):
            if code in FINAL_CODES or status in FINAL_STATUSES or direction == "in" or moment is None:
                continue
            schedule = due or 0
            if max(moment, schedule) >= self._settled_before:
                pending[message_id] = moment, schedule
        return pending

    def add(self, rows: int, pending: Iterable[tuple[int, int]]) -> None:
        """Remember so many rows, with date and schedule of those that are not final."""
        self.rows += rows
        for moment, schedule in pending:
            self.unsettled += 1
            if schedule > self._far or moment < self._settled_before:
                self.late.append((moment, schedule if schedule > self.now else self._soon))
            elif self.oldest is None or moment < self.oldest:
                self.oldest = moment

    def recheck_windows(self, before: int) -> list[list[int]]:
        """Return windows to read again for what changes late and is dated before a bookmark.

        Returns:
            ``[[from, to, when]]``, one for each day that has such messages.
        """
        passed = sorted(entry for entry in self.late if entry[0] < before)
        self.late = [entry for entry in self.late if entry[0] >= before]
        windows = []
        for _, day in groupby(passed, key=lambda entry: entry[0] // DAY):
            dates, dues = zip(*day, strict=True)
            windows.append([dates[0], dates[-1] + 1, min(dues)])
        return windows

    def next_recheck(self, window: list[int]) -> list[list[int]]:
        """Return a rechecked window with the time of its next recheck, nothing when all in it is final."""
        since, until, _ = window
        dues = [due for _, due in self.late]
        if self.oldest is not None:
            dues.append(self._soon)
        return [[since, until, min(dues)]] if dues else []
