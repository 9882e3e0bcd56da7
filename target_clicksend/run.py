"""One run of the target: its connection and ledger, what came of its rows, and what stops it."""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clicksend.client import Client
from clicksend.errors import (
    ClickSendError,
    LedgerError,
    NotServedByHubError,
    SettingsError,
    UnexpectedAnswerError,
)
from clicksend.ledger import Outcome
from clicksend.logs import clean, clean_reason
from clicksend.settings import Settings
from clicksend.text import escaped
from target_clicksend.columns import fold
from target_clicksend.gates.caps import Tally
from target_clicksend.lists import Lists
from target_clicksend.report import INPUT, Report
from target_clicksend.row import Row
from target_clicksend.states import States
from target_clicksend.unanswered import leases, next_command, sentence

if TYPE_CHECKING:
    from clicksend.ledger import Ledger, Unknown
    from target_clicksend.keys import Keys
    from target_clicksend.sinks import Sink

logger = logging.getLogger("target-clicksend")

COMMIT_ROWS = 500
"""Outcomes after which they are committed to the ledger, and the state moves on."""
COMMIT_SECONDS = 5.0
"""Seconds after which a STATE has outcomes committed, however few they are."""

LEDGER_URL = "sqlite:///clicksend_ledger.db"
"""The ledger where the settings name none; sinks that send want one named."""

MANY_REJECTED = 10
"""Rows: so many, and nothing but them in a sink, are no accident of single rows."""
FAIL_ON_REJECTED = 0.5
"""Share of rejected rows, from ``MANY_REJECTED`` on, that ends a run with 1 if no setting says otherwise."""

WRONG_SETTINGS = 2
"""Exit code where a setting is wrong."""
UNKNOWN_REMAIN = 3
"""Exit code of a run that is done, but for messages of which nobody knows whether they were sent."""


def without_credentials(url: str) -> str:
    """Return the URL of a database without user, password and options."""
    return re.sub(r"//.*@", "//", url.partition("?")[0])


def currency_of(account: Mapping[str, Any]) -> str | None:
    """Return the currency of an account (ISO 4217), None where it does not say."""
    currency = account.get("_currency")
    name = currency.get("currency_name_short") if isinstance(currency, dict) else None
    return name if isinstance(name, str) and re.fullmatch(r"[A-Z]{3}", name) else None


FREE = (
    "ClickSend's price of every message is 0. If they are not to test numbers, do not rely on it:"
    " max_spend_per_run holds nothing back at that price."
)

AGAIN = frozenset({"held", "failed"})
"""Outcomes of rows that must come again: no later STATE may be written."""


class Run:
    """Shared by all sinks; used by the main thread only, but for ``client``."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.id = str(uuid.uuid4())
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The time by which rows are judged and the ledger is written."""
        self.dry_run: bool = config["dry_run"]
        self.report = Report(self.id, dry_run=self.dry_run)
        self.stopped: int | None = None
        """The signal that asked for an end; nothing new starts after it."""
        self.failed = False
        """Whether something went wrong that is no row's outcome."""
        self.unknown: dict[str, Unknown] = {}
        """What is unknown at the end of the run, by sink."""
        self.needs_account = False
        """Whether one of the sinks cannot do without ``/account``."""
        self.sinks: dict[str, Sink] = {}
        """Those that write this run's streams, by name."""
        self.tally = Tally()
        """What the run would send, all sinks together; for the caps."""
        self.rows = 0
        """Rows that have arrived."""
        self._keys: dict[tuple[str, str], tuple[str, list[str]]] = {}
        """Stream and names of its keys, by sink and namespace."""
        self._states = States(self._write_state)
        self._is_ending = False
        self._unfinished: dict[str, int] = {}
        self._comes_again: int | None = None
        self._outcomes: list[Outcome] = []
        self._written: dict[int, tuple[str, str]] = {}
        self._contacts: dict[str, tuple[int, int]] = {}
        self._older: dict[str, tuple[str, ...]] = {}
        self._committed_at = time.monotonic()
        self._pause = 0.0

    @cached_property
    def client(self) -> Client:
        """The connection."""
        client = self.__dict__["client"] = Client(Settings.from_config(self.config))
        # A signal that arrived before the line above has found no client to stop.
        if self.stopped:
            client.stop()
        return client

    @property
    def account(self) -> dict[str, Any]:
        """The account, as ``GET /account`` describes it; empty where a hub does not, and no sink needs it."""
        if not isinstance(self._account, NotServedByHubError):
            return self._account
        if self.needs_account:
            raise self._account
        return {}

    @cached_property
    def _account(self) -> dict[str, Any] | NotServedByHubError:
        try:
            account = self.client.get("/account").data
        except NotServedByHubError as error:
            return error
        if not isinstance(account, dict) or "user_id" not in account:
            raise UnexpectedAnswerError("GET /account answered without a user_id. Check api_url.")
        return account

    @cached_property
    def country(self) -> str | None:
        """The country of phone numbers that name none."""
        return self.config.get("default_country") or self.account.get("default_country_sms") or None

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, bound to the account."""
        from clicksend.ledger import Ledger  # noqa: PLC0415, SQLAlchemy takes as long as the rest of a start

        return Ledger.open(
            self.config.get("ledger_url") or LEDGER_URL,
            api_url=self.client.settings.api_url,
            user_id=str(self.account.get("user_id", "")),
            pii_key=self.config.get("pii_key"),
            pii_key_file=self.config.get("pii_key_file"),
            clear=[name for name in ("custom_string", "campaign") if fold(name) in self.clear_keys],
            now=self.now,
        )

    @cached_property
    def clear_keys(self) -> frozenset[str]:
        """The columns, folded, whose values the ledger may hold as they are."""
        return frozenset(map(fold, self.config["clear_keys"]))

    def hashed(self, text: str) -> str:
        """Return the ledger's hash of a text."""
        return self.ledger.fingerprint(text)

    @cached_property
    def lists(self) -> Lists:
        """The contact lists."""
        return Lists(self.client, self.config)

    def claim_keys(self, stream: str, keys: Keys) -> None:
        """Learn by which keys a stream's rows are known.

        Raises:
            SettingsError: Equal values of them could mean different rows.
        """
        names = sorted(map(fold, keys.properties))
        other, before = self._keys.setdefault((keys.sink, keys.namespace), (stream, names))
        if self.config["shared_keys"] or (other, before) == (stream, names):
            return
        if other == stream:
            raise SettingsError(
                f"The key of stream {escaped(stream)} changes within the input, from"
                f" {', '.join(map(escaped, before))} to {', '.join(map(escaped, names))}: rows would be taken"
                " for others. Give it one key, or set shared_keys if all of them are known by the same."
            )
        raise SettingsError(
            f"Streams {escaped(other)} and {escaped(stream)} both go to {keys.sink} under the key_namespace"
            f" {escaped(keys.namespace)}: equal keys would be taken for the same row. Unset key_namespace, or"
            " set shared_keys if they are."
        )

    def note(self, sentence: str) -> None:
        """Say something that the report should keep."""
        self.report.notes.append(clean(sentence))
        logger.warning("%s", sentence)

    def fail(self, sentence: str) -> None:
        """Say what went wrong with something other than a row; the run goes on, and ends with 1."""
        self.note(sentence)
        self.failed = True

    def stop(self, signum: int) -> None:
        """Let nothing new start; fit for a signal handler."""
        self.stopped = self.stopped or signum
        if "client" in self.__dict__:
            self.client.stop()

    def count_row(self) -> int:
        """Count a row that has arrived, and return its number; the first one shows that the ledger is fit."""
        if not self.rows:
            _ = self.ledger
        self.rows += 1
        self.report.read = self.rows
        return self.rows

    def add_state(self, state: dict[str, Any]) -> None:
        """Keep a state until all rows before it have an outcome."""
        self._states.add(state, self.rows)
        if self._outcomes and time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self.commit()
        else:
            self._advance()

    def finished_before(self, sink: str, number: int | None) -> None:
        """Note the first row of a sink that has no outcome yet, None when all have one."""
        if number is None:
            self._unfinished.pop(sink, None)
        else:
            self._unfinished[sink] = number

    def done(self, row: Row, sink: str, outcome: str, reason: str = "", **about: Any) -> None:
        """Note what came of a row.

        Args:
            row: The row.
            sink: Name of the sink.
            outcome: One of the ledger's outcomes.
            reason: Why, for a person; never with a value of the row.
            about: Further columns of the outcome, like ``contact_id``.
        """
        self._finish(row, outcome)
        self.keep(
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

    def settled(self, row: Row, sink: str, outcome: str, reason: str) -> None:
        """Note what came of a row that the ledger has settled already."""
        self._finish(row, outcome)
        self.report.add(sink, outcome, reason, row.source_key)

    def _finish(self, row: Row, outcome: str) -> None:
        self.report.finished += 1
        if outcome in AGAIN:
            self._comes_again = min(self._comes_again or row.number, row.number)

    def keep(self, outcome: Outcome) -> None:
        """Note what came of something; it is committed a little later."""
        self.report.add(outcome.sink, outcome.outcome, outcome.reason, outcome.source_key)
        self._outcomes.append(outcome)
        if len(self._outcomes) >= COMMIT_ROWS:
            self.commit()

    def pace(self, messages: int = 0) -> None:
        """Wait until ``messages_per_minute`` allows more; so many are sent next."""
        if self._pause:
            self.client.wait(self._pause)
        self._pause = 60 * messages / self.config.get("messages_per_minute", math.inf)

    def remember(self, contact_id: int, marks: tuple[str, str]) -> None:
        """Note what a contact was given and what it showed; committed with the outcomes."""
        self._written[contact_id] = marks

    def know(self, row: Row, list_id: int, contact_id: int) -> None:
        """Note which contact a row's key is now; committed with the outcomes where that is news."""
        self._contacts[row.key] = (list_id, contact_id)
        self._older[row.key] = row.older

    def planned(self, row: Row, sink: str, change: str, detail: str = "", **about: Any) -> None:
        """Note what a dry run would have done with a row."""
        self.report.plan[sink, change] += 1
        self.done(row, sink, "dry_run", f"{change}: {detail}" if detail else change, **about)

    def commit(self) -> None:
        """Commit outcomes to the ledger, then write the newest state that they allow."""
        if self._written:
            self.ledger.set_written(self._written)
            self._written.clear()
        if self._contacts:
            before = self.ledger.contacts_of(self._older)
            news = {key: found for key, found in self._contacts.items() if before.get(key) != found}
            if news:
                self.ledger.set_contacts(news)
            self._contacts.clear()
            self._older.clear()
        if self._outcomes:
            self.ledger.record(self.id, self._outcomes)
            self._outcomes.clear()
        self._committed_at = time.monotonic()
        self._advance()

    def reject_line(self, line: bytes, reason: str) -> None:
        """Reject a line of the input."""
        row = Row(self.count_row(), INPUT, self.hashed(line.decode(errors="replace")), "{}", {})
        self.done(row, INPUT, "rejected", reason)

    def end(self, error: Exception | None = None) -> None:
        """Commit what is known, say what the run did, and let go of everything.

        Args:
            error: What ended the run early.
        """
        self._is_ending = True
        if error is None and not self.stopped:
            for sink, rows in sorted(self.report.only_rejected().items()):
                if rows >= MANY_REJECTED:
                    self.fail(f"{sink}: all {rows:,} rows were rejected, so no state is written.")
        try:
            # Where the ledger could not be used, trying again would take as long, and end alike.
            if error is None or ("ledger" in self.__dict__ and not isinstance(error, LedgerError)):
                self.commit()
                self._look_what_is_unknown()
        except ClickSendError as late:
            if error is None:
                error = late
                raise
            logger.error("%s", late)  # noqa: TRY400
        finally:
            self._tell(error)
            for name in ("client", "ledger"):
                if name in self.__dict__:
                    getattr(self, name).close()

    def _look_what_is_unknown(self) -> None:
        """Learn what is unknown; a dry run would have changed that."""
        if "ledger" in self.__dict__ and not self.dry_run:
            self.unknown = {name: self.ledger.unknown(name) for name in self.sinks}

    def _tell(self, error: Exception | None) -> None:
        """Say what the run did, and last what is unknown."""
        if self.stopped:
            self.note(f"Stopped by {signal.Signals(self.stopped).name}: rows without an outcome come again.")
        elif error is not None:
            self.report.error = (
                clean(str(error)) if isinstance(error, ClickSendError) else type(error).__name__
            )
        if self.tally.is_free or self.report.is_free:
            self.note(FREE)
        self.report.exit_code = self._code_after(error)
        self.report.unknown_open = sum(one.count for one in self.unknown.values())
        if self.report.unknown_open:
            self.report.next = self.report.next or next_command(self.unknown, self.now())
        self.report.about = self._about()
        requests = self.client.request_count if "client" in self.__dict__ else 0
        if path := self.config.get("report_path"):
            try:
                self.report.save(path, requests)
            except OSError as problem:
                self.fail(f"The report cannot be written ({problem.strerror}): check report_path.")
        if leased := leases(self.unknown):
            logger.info("%s", leased)
        self.report.show(requests)
        if self.report.unknown_open:
            # The run after one that was stopped looks them up.
            level = logging.WARNING if self.stopped else logging.ERROR
            logger.log(level, "%s", sentence(self.unknown, self.now()))

    def _about(self) -> dict[str, Any]:
        """Return what the run was of, as far as it came to learn it; nothing is asked for here."""
        found = self.__dict__.get("_account")
        account = found if isinstance(found, dict) else {}
        lists = self.__dict__.get("lists")
        return {
            "environment": os.environ.get("MELTANO_ENVIRONMENT"),
            "account": user_id if isinstance(user_id := account.get("user_id"), int) else None,
            "currency": currency_of(account),
            "ledger": without_credentials(self.config.get("ledger_url") or LEDGER_URL),
            "state_written": self._states.is_written,
            "lists_created": lists.created if isinstance(lists, Lists) else [],
            "test_recipient": bool(self.config.get("test_recipient")),
        }

    def _code_after(self, error: Exception | None) -> int:
        """Return the exit code after an error, which a signal explains better."""
        if error is None or (self.stopped and isinstance(error, ClickSendError)):
            return self.exit_code
        return WRONG_SETTINGS if isinstance(error, SettingsError) else 1

    @property
    def exit_code(self) -> int:
        """What the process should end with."""
        if self.stopped:
            return 128 + self.stopped
        most, rejected = self.config.get("fail_on_rejected"), self.report["rejected"]
        if most is None:
            most = FAIL_ON_REJECTED if rejected >= MANY_REJECTED else 1
        too_many = rejected > most * max(self.rows, 1)
        conflicts = self.report.conflicts if self.config["fail_on_conflict"] else 0
        if self.failed or too_many or conflicts or self.report["failed"]:
            return 1
        return UNKNOWN_REMAIN if any(one.count for one in self.unknown.values()) else 0

    def _advance(self) -> None:
        """Write the newest state whose rows all have a committed outcome; none when rows were only tried.

        Nor while all rows of a sink were rejected: if none else comes, a setting or a map is at fault.
        """
        if self._outcomes or self.dry_run or self.config.get("test_recipient"):
            return
        if any(rows >= MANY_REJECTED or not self._is_ending for rows in self.report.only_rejected().values()):
            return
        ends = [self.rows + 1, *self._unfinished.values()]
        if self._comes_again is not None:
            ends.append(self._comes_again)
        self._states.advance(min(ends) - 1)

    def _write_state(self, state: str) -> None:
        """Write a state; when nobody reads it any more, that is a stop."""
        try:
            sys.stdout.write(f"{state}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self.stop(signal.SIGPIPE)
