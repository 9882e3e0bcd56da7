"""The report of a run, of tap and target alike: one JSON object, written when the run ends, however it does.

It holds counts and our own sentences, no value of a row.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import clicksend
from clicksend.config import Schema
from clicksend.errors import SettingsError
from clicksend.logs import clean
from clicksend.meter import Traffic
from clicksend.private_files import replace, try_to_replace

STDERR = "-"
"""What stands in ``report_path`` for one line on stderr."""
PROPERTY: Schema = {
    "type": "string",
    "title": "Report",
    "description": "File for the run's report, as JSON; - for one line on stderr. It is written whatever the"
    " run comes to.",
}
"""Schema of report_path."""

logger = logging.getLogger("clicksend")


class RunReport:
    """What tap and target say of a run in one shape; filled while it goes on.

    Attributes:
        rows: Rows by stream or sink, and what came of them.
        re_reads: How often something was read again, because it had changed meanwhile.
        spend: What was sent cost, in the account's currency; None where nothing had a price.
        currency: The account's (ISO 4217), None where it is not known.
        unknown_open: Messages of which nobody knows whether they were sent, of earlier runs too.
        exit_code: What the process ends with.
        error: The sentence in the log that says why, None after 0.
        next: The command that a person needs next.
    """

    def __init__(self, plugin: str, run_id: str | None = None) -> None:
        self.plugin = plugin
        self.run_id = run_id or str(uuid.uuid4())
        self.rows: Counter[tuple[str, str]] = Counter()
        self.re_reads = 0
        self.spend: Decimal | None = None
        self.currency: str | None = None
        self.unknown_open = 0
        self.exit_code = 0
        self.error: str | None = None
        self.next: str | None = None
        self._began = time.monotonic()
        self._written: int | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._began, 3)

    def content(self, traffic: Traffic) -> dict[str, Any]:
        """Return the report as JSON; times are UTC."""
        seconds, ended_at = self.seconds, datetime.now(UTC)
        spend = None if self.spend is None else {"currency": self.currency, "amount": f"{self.spend:f}"}
        return {
            "plugin": self.plugin,
            "version": clicksend.__version__,
            "run_id": self.run_id,
            "started_at": (ended_at - timedelta(seconds=seconds)).isoformat(timespec="seconds"),
            "ended_at": ended_at.isoformat(timespec="seconds"),
            "exit_code": self.exit_code,
            "rows": nested(self.rows),
            "requests": traffic.requests,
            "rate_limited": traffic.rate_limited,
            "waited_seconds": traffic.waited_seconds,
            "re_reads": self.re_reads,
            "spend": spend,
            "unknown_open": self.unknown_open,
            "error": self.error,
            "next": self.next,
        }

    def line(self, traffic: Traffic) -> dict[str, Any]:
        """Return what of it may stand in a log."""
        return self.content(traffic)

    def save(self, path: str | None, traffic: Traffic) -> None:
        """Write it, unless nobody wants it, or what was written says the same.

        Args:
            path: As in ``report_path``: the file is whole or not there, and its owner's only.
            traffic: What the run asked of ClickSend.

        Raises:
            OSError: The file cannot be written.
        """
        if path is None or self._written == self.exit_code:
            return
        if path == STDERR:
            sys.stderr.write(json.dumps(self.line(traffic)) + "\n")
            sys.stderr.flush()
        else:
            replace(path, json.dumps(self.content(traffic), indent=2).encode() + b"\n")
        self._written = self.exit_code

    def end(self, path: Any, traffic: Traffic, exit_code: int, error: str | None) -> None:
        """Write what the process ends with, where the run itself has not said just that.

        Args:
            path: As in ``report_path``, which may be wrong itself: then there is no report.
            traffic: What the run asked of ClickSend.
            exit_code: The process's.
            error: What ended it.
        """
        self.exit_code = exit_code
        if exit_code and error is not None:
            self.error = self.error or clean(error)
        try:
            check_path(path)
            self.save(path, traffic)
        except (SettingsError, OSError):
            logger.debug("There is no report.")


def check_path(path: Any) -> None:
    """Check the setting ``report_path``: nothing is read or sent before it is known that it can be written.

    Raises:
        SettingsError: No report can be written there.
    """
    if path is None or path == STDERR:
        return
    if not isinstance(path, str):
        raise SettingsError("Setting report_path must be of type string.")
    file = Path(os.path.realpath(path))
    if not file.parent.is_dir():
        raise SettingsError("Setting report_path names a file in a folder that does not exist.")
    if file.is_dir():
        raise SettingsError("Setting report_path names a folder: add the name of a file.")
    try:
        try_to_replace(file)
    except OSError as problem:
        raise SettingsError(
            f"Setting report_path names a file that cannot be written ({problem.strerror})."
        ) from None


def nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Return counts by one name, then by the other."""
    found: dict[str, dict[str, int]] = {}
    for (one, other), count in sorted(counts.items()):
        found.setdefault(one, {})[other] = count
    return found
