"""What the tests of the sinks that send share: rows, and a sandbox with the target that sends into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from clicksend.ledger.ledger import Ledger
from clicksend.paging import Page
from tests.sandbox.runner import EPOCH
from tests.target.runner import Ran, run_target, stream_of

TO, OTHER = "+61491570156", "+61491570157"
ROWS = {
    "sms_messages": {"to": TO, "body": "Hello"},
    "mms_messages": {
        "to": TO,
        "body": "Hello",
        "subject": "Sale",
        "media_file": "https://example.com/a.jpg",
    },
    "voice_messages": {"to": TO, "body": "Hello", "voice": "female", "lang": "en-au"},
}
CHANNELS = {"sms_messages": "sms", "mms_messages": "mms", "voice_messages": "voice"}


class Box:
    """A sandbox, the target that writes into it with one ledger, and one time for both."""

    def __init__(self, box: Any, folder: Any) -> None:
        self._box, self.folder = box, folder
        self.api_url, self.hub_api_url, self.url = box.api_url, box.hub_api_url, box.url
        self.control, self.state, self.requests = box.control, box.state, box.requests
        self.now = datetime.fromtimestamp(EPOCH, UTC)
        self.at = EPOCH

    def advance(self, seconds: int) -> None:
        """Turn both clocks."""
        self._box.advance(seconds)
        self.at += seconds
        self.now += timedelta(seconds=seconds)

    def switch(self, **switches: Any) -> None:
        self.control("POST", "switches", switches)

    def fault(self, **fault: Any) -> None:
        self.control("POST", "faults", fault)

    def reply(self, sender: str, body: str) -> None:
        self.control("POST", "reply", {"from": sender, "body": body})

    def run(self, messages: Iterable[Any], **config: Any) -> Ran:
        """Run the target with messages; ``ran.requests`` are those of this run."""
        settings = {"api_url": self.api_url, "ledger_url": self.ledger_url, "opt_out": "ignore", **config}
        before = len(self._box.requests())
        ran = run_target(settings.pop("api_url"), messages, now=lambda: self.now, **settings)
        ran.requests = [
            one for one in self._box.requests()[before:] if not one["path"].startswith("/_sandbox")
        ]
        return ran

    def send(
        self, *rows: Any, sink: str = "sms_messages", keys: Iterable[str] = ("id",), **config: Any
    ) -> Ran:
        """Run the target with rows of a sink; what they lack is filled in, ids count from 1."""
        whole = [ROWS.get(sink, {}) | row if isinstance(row, dict) else row for row in rows]
        return self.run(stream_of(sink, whole, keys), **config)

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder}/ledger.db"

    def ledger(self) -> AbstractContextManager[Ledger]:
        """Open the ledger, at the box's time."""
        return closing(Ledger.existing(self.ledger_url, now=lambda: self.now))

    def released(self, *keys: str) -> list[str]:
        """Release keys of which nobody knows."""
        with self.ledger() as ledger:
            return list(ledger.claims.release(list(keys), run_id=None, force=True))

    @property
    def arrivals(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "arrivals")
        return found

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the ledger's database."""
        with closing(sqlite3.connect(f"{self.folder}/ledger.db")) as database:
            return database.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the ledger's database."""
        with closing(sqlite3.connect(f"{self.folder}/ledger.db")) as database, database:
            database.execute(sql)

    def counts(self, ran: Ran) -> dict[str, dict[str, int]]:
        """Return the ledger's counts of a run, by sink and outcome."""
        found: dict[str, dict[str, int]] = {}
        for sink, outcome, rows in self.query(
            f"select sink, outcome, rows from runs where run_id = '{ran.report['run_id']}'"
        ):
            found.setdefault(sink, {})[outcome] = rows
        return found


def posts(ran: Ran, path: str = "/sms/send") -> list[dict[str, Any]]:
    """Return the bodies of a run's POSTs."""
    return [one["body"] for one in ran.requests if (one["method"], one["path"]) == ("POST", path)]


def all_but_one(pages: list[Page]) -> list[Page]:
    """Leave the last page out."""
    return pages[:-1]


def one_slipped(pages: list[Page]) -> list[Page]:
    """Let the last row slip to a page that was read before, as another row went."""
    *others, last = pages
    assert last.total
    return [*others, replace(last, rows=last.rows[:-1]), replace(last, rows=[], total=last.total - 1)]


LESS = (all_but_one, one_slipped)
"""What pages can be without a row that they counted."""
