"""One run of the target: its connection and ledger, what came of its rows, and what stops it."""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from clicksend.client import Client
from clicksend.errors import (
    ClickSendError,
    LedgerError,
    NotServedByHubError,
    UnexpectedAnswerError,
)
from clicksend.ledger.records import Outcome, Spent
from clicksend.logs import clean, clean_reason
from clicksend.meter import Traffic
from clicksend.settings import Settings
from target_clicksend.columns import fold
from target_clicksend.keys import KeyOwners
from target_clicksend.lists import Lists
from target_clicksend.report import INPUT, MANY_REJECTED, Report, Tally
from target_clicksend.row import Row
from target_clicksend.states import States
from target_clicksend.summary import summarize

if TYPE_CHECKING:
    from clicksend.ledger.ledger import Ledger
    from clicksend.ledger.records import Unknown
    from target_clicksend.sinks.base import Sink

logger = logging.getLogger("target-clicksend")

COMMIT_ROWS = 500
"""Outcomes after which they are committed to the ledger, and the state moves on."""
COMMIT_SECONDS = 5.0
"""Seconds after which a STATE has outcomes committed, however few they are."""

LEDGER_URL = "sqlite:///clicksend_ledger.db"
"""The ledger where the settings name none; sinks that send want one named."""


def without_credentials(url: str) -> str:
    """Return the URL of a database without user, password and options."""
    return re.sub(r"//.*@", "//", url.partition("?")[0])


def _currency_of(account: Mapping[str, Any]) -> str | None:
    """Return the currency of an account (ISO 4217), None where it does not say."""
    currency = account.get("_currency")
    name = currency.get("currency_name_short") if isinstance(currency, dict) else None
    return name if isinstance(name, str) and re.fullmatch(r"[A-Z]{3}", name) else None


AGAIN = frozenset({"held", "failed"})
"""Outcomes of rows that must come again: no later STATE may be written."""


class Run:
    """Shared by all sinks; used by the main thread only, but for ``client``.

    It hands out the numbers of rows, and is told what came of each: no STATE is written that covers a row
    without a committed outcome, or one that must come again.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The time by which rows are judged and the ledger is written."""
        self.dry_run: bool = config["dry_run"]
        self.report = Report(dry_run=self.dry_run)
        self.id = self.report.run_id
        self.stopped: int | None = None
        """The signal that asked for an end; nothing new starts after it."""
        self.failed = False
        """Whether something went wrong that is not a row's outcome."""
        self.unknown: dict[str, Unknown] = {}
        """What is unknown at the end of the run, by sink."""
        self.needs_account = False
        """Whether one of the sinks cannot do without ``/account``."""
        self.sinks: dict[str, Sink] = {}
        """Those that write this run's streams, by name."""
        self.tally = Tally()
        """What the run would send, all sinks together; for the caps."""
        self.key_owners = KeyOwners(are_shared=config.get("shared_keys", False))
        self._client: Client | None = None
        self._ledger: Ledger | None = None
        self._account: dict[str, Any] | NotServedByHubError | None = None
        self._lists: Lists | None = None
        self._states = States(self._write_state)
        self._is_ending = False
        self._outcomes: list[Outcome] = []
        self._readbacks: dict[int, tuple[str, str]] = {}
        self._contacts: dict[str, tuple[int, int]] = {}
        self._older: dict[str, tuple[str, ...]] = {}
        self._committed_at = time.monotonic()
        self._pause = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connection and ledger."""
        for resource in (self._client, self._ledger):
            if resource is not None:
                resource.close()

    @property
    def client(self) -> Client:
        """The connection, made when it is first asked for."""
        if self._client is None:
            self._client = Client(Settings.from_config(self.config))
            # A signal that arrived before has found no client to stop.
            if self.stopped:
                self._client.stop()
        return self._client

    @client.setter
    def client(self, client: Client) -> None:
        self._client = client

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened and bound to the account when it is first asked for."""
        if self._ledger is None:
            from clicksend.ledger.ledger import Ledger  # noqa: PLC0415, SQLAlchemy takes as long as the rest of a start

            self._ledger = Ledger.open(
                self.config.get("ledger_url") or LEDGER_URL,
                api_url=self.client.settings.api_url,
                user_id=str(self.account.get("user_id", "")),
                pii_key=self.config.get("pii_key"),
                pii_key_file=self.config.get("pii_key_file"),
                clear=[name for name in ("custom_string", "campaign") if fold(name) in self.clear_keys],
                now=self.now,
            )
        return self._ledger

    @ledger.setter
    def ledger(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def account(self) -> dict[str, Any]:
        """The account, as ``GET /account`` describes it; empty where a hub does not, and no sink needs it.

        Raises:
            NotServedByHubError: A sink needs it.
        """
        if self._account is None:
            self._account = self._read_account()
        if not isinstance(self._account, NotServedByHubError):
            return self._account
        if self.needs_account:
            raise self._account
        return {}

    def _read_account(self) -> dict[str, Any] | NotServedByHubError:
        try:
            account = self.client.get("/account").data
        except NotServedByHubError as error:
            return error
        if not isinstance(account, dict) or "user_id" not in account:
            raise UnexpectedAnswerError("GET /account answered without a user_id. Check api_url.")
        return account

    @property
    def lists(self) -> Lists:
        """The contact lists, read when they are first asked for."""
        if self._lists is None:
            self._lists = Lists(self.client, self.config)
        return self._lists

    def reread_lists(self) -> None:
        """Have the contact lists read again: one was made, renamed or deleted."""
        self._lists = None

    @cached_property
    def spent_before(self) -> Spent:
        """What the run's group had spent when that was first asked: before this run sends anything."""
        group = self.config.get("run_group")
        return Spent() if group is None else self.ledger.budgets.spent(group)

    @cached_property
    def country(self) -> str | None:
        """The country of phone numbers that name none."""
        return self.config.get("default_country") or self.account.get("default_country_sms") or None

    @cached_property
    def clear_keys(self) -> frozenset[str]:
        """The columns, folded, whose values the ledger may hold as they are."""
        return frozenset(map(fold, self.config["clear_keys"]))

    def hashed(self, text: str) -> str:
        """Return the ledger's hash of a text."""
        return self.ledger.privacy.fingerprint(text)

    def warn(self, sentence: str) -> None:
        """Log a warning, and write it into the report."""
        self.report.notes.append(clean(sentence))
        logger.warning("%s", sentence)

    def error(self, sentence: str) -> None:
        """Log and report what went wrong with other things than a row; the run goes on, and ends with 1."""
        self.warn(sentence)
        self.report.error = self.report.error or clean(sentence)
        self.failed = True

    def stop(self, signum: int) -> None:
        """Start nothing new; fit for a signal handler."""
        self.stopped = self.stopped or signum
        if self._client is not None:
            self._client.stop()

    def pace(self, messages: int = 0) -> None:
        """Wait until ``messages_per_minute`` allows more; so many are sent next."""
        if self._pause:
            self.client.wait(self._pause)
        self._pause = 60 * messages / self.config.get("messages_per_minute", math.inf)

    @property
    def currency(self) -> str | None:
        """The account's currency (ISO 4217), None where it does not say."""
        return _currency_of(self.account)

    @property
    def traffic(self) -> Traffic:
        """What it has asked of ClickSend."""
        return Traffic() if self._client is None else self._client.traffic

    @property
    def rows(self) -> int:
        """How many rows have arrived."""
        return self._states.rows

    def open_row(self) -> int:
        """Count a row that has arrived, and return its number; the first one shows that the ledger is fit."""
        if not self.report.read:
            _ = self.ledger
        self.report.read += 1
        return self._states.open_row()

    def reject_line(self, line: bytes, reason: str) -> None:
        """Reject a line of the input."""
        row = Row(self.open_row(), INPUT, self.hashed(line.decode(errors="replace")), "{}", {})
        self.record_outcome(row, INPUT, "rejected", reason)

    def add_state(self, state: dict[str, Any]) -> None:
        """Keep a state until all rows before it have an outcome."""
        self._states.add(state)
        if self._outcomes and time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self.commit()
        else:
            self._advance()

    def record_outcome(
        self, row: Row, sink: str, outcome: str, reason: str = "", *, stored: bool = False, **about: Any
    ) -> None:
        """Record what came of a row; it is committed a little later.

        Args:
            row: The row.
            sink: Name of the sink.
            outcome: One of the ledger's outcomes.
            reason: Why, for a person; never with a value of the row.
            stored: Whether the ledger has it already.
            about: Further columns of the outcome, like ``contact_id``.
        """
        self._finish(row, outcome)
        if stored:
            self.report.add(sink, outcome, reason, row.source_key)
            return
        self.record_event(
            Outcome(
                sink=sink,
                key=row.key,
                source_key=row.source_key,
                stream=row.stream,
                outcome=outcome,
                reason=clean_reason(reason),
                **about,
            )
        )

    def record_plan(self, row: Row, sink: str, change: str, detail: str = "", **about: Any) -> None:
        """Record what a dry run would have done with a row."""
        self.report.plan[sink, change] += 1
        self.record_outcome(row, sink, "dry_run", f"{change}: {detail}" if detail else change, **about)

    def _finish(self, row: Row, outcome: str) -> None:
        self.report.finished += 1
        if outcome not in AGAIN:
            self._states.finish_row(row.number)

    def record_event(self, outcome: Outcome) -> None:
        """Record what came of something, of a row or not; it is committed a little later."""
        self.report.add(outcome.sink, outcome.outcome, outcome.reason, outcome.source_key)
        self._outcomes.append(outcome)
        if len(self._outcomes) >= COMMIT_ROWS:
            self.commit()

    def record_readback(self, contact_id: int, marks: tuple[str, str]) -> None:
        """Record what a contact was given and what it showed; committed with the outcomes."""
        self._readbacks[contact_id] = marks

    def record_contact(self, row: Row, list_id: int, contact_id: int) -> None:
        """Record which contact a row's key is now; committed with the outcomes where that is news."""
        self._contacts[row.key] = (list_id, contact_id)
        self._older[row.key] = row.older

    def commit(self) -> None:
        """Commit outcomes to the ledger, then write the newest state that they allow."""
        if self._readbacks:
            self.ledger.memory.set_written(self._readbacks)
            self._readbacks.clear()
        if self._contacts:
            before = self.ledger.memory.contacts_of(self._older)
            news = {key: found for key, found in self._contacts.items() if before.get(key) != found}
            if news:
                self.ledger.memory.set_contacts(news)
            self._contacts.clear()
            self._older.clear()
        if self._outcomes:
            self.ledger.outcomes.record(self.id, self._outcomes)
            self._outcomes.clear()
        self._committed_at = time.monotonic()
        self._advance()

    def end(self, error: Exception | None = None) -> None:
        """Commit what is known, say what the run did, and let go of everything.

        Args:
            error: What ended the run early.
        """
        self._is_ending = True
        if error is None and not self.stopped:
            for sink, rows in sorted(self.report.only_rejected().items()):
                if rows >= MANY_REJECTED:
                    self.error(f"{sink}: all {rows:,} rows were rejected, so no state is written.")
        try:
            # Where the ledger could not be used, trying again would take as long, and end alike.
            if error is None or (self._ledger is not None and not isinstance(error, LedgerError)):
                self.commit()
                self._read_unknown()
        except ClickSendError as late:
            if error is None:
                error = late
                raise
            logger.error("%s", late)  # noqa: TRY400
        finally:
            summarize(self, error)
            self.close()

    def _read_unknown(self) -> None:
        """Read from the ledger what is unknown; a dry run leaves that as it is."""
        if self._ledger is not None and not self.dry_run:
            self.unknown = {name: self._ledger.claims.unknown(name) for name in self.sinks}

    def about(self) -> dict[str, Any]:
        """Return what the run was of, as far as it came to learn it; nothing is asked for here."""
        account = self._account if isinstance(self._account, dict) else {}
        return {
            "environment": os.environ.get("MELTANO_ENVIRONMENT"),
            "account": user_id if isinstance(user_id := account.get("user_id"), int) else None,
            "ledger": without_credentials(self.config.get("ledger_url") or LEDGER_URL),
            "state_written": self._states.is_written,
            "lists_created": [] if self._lists is None else self._lists.created,
            "test_recipient": bool(self.config.get("test_recipient")),
            "run_group": self.config.get("run_group"),
        }

    @property
    def currency_known(self) -> str | None:
        """The account's currency, as far as the run came to learn it; nothing is asked for here."""
        return _currency_of(self._account) if isinstance(self._account, dict) else None

    def _advance(self) -> None:
        """Write the newest state whose rows all have a committed outcome; none when rows were only tried.

        Nor while all rows of a sink were rejected: if none else comes, a setting or a map is at fault.
        """
        if self._outcomes or self.dry_run or self.config.get("test_recipient"):
            return
        if any(rows >= MANY_REJECTED or not self._is_ending for rows in self.report.only_rejected().values()):
            return
        self._states.advance()

    def _write_state(self, state: str) -> None:
        """Write a state; when nobody reads it any more, that is a stop."""
        try:
            sys.stdout.write(f"{state}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self.stop(signal.SIGPIPE)
