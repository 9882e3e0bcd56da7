"""A ledger that is new, or was restored from a backup, on an account that has sent more than it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from clicksend.errors import ClickSendError, ForbiddenError, UnexpectedAnswerError
from clicksend.ledger.records import key_id_of, outcome_id_of
from clicksend.paging import TRIES, Page, Tally, read_pages
from target_clicksend.messages.channels import ENDPOINTS, Endpoints
from target_clicksend.messages.moments import read_moment
from target_clicksend.row import Rejected
from target_clicksend.run import Run

KEPT = timedelta(days=124)
"""How long ClickSend keeps a history (about four months)."""
ENOUGH = 1000
"""Messages that the ledger does not know after which no more are looked for."""
OTHER_KEY = (
    " They were sent with another key of the ledger's hashes, without which their rows are not known: import"
    " it before (clicksend ledger key import)."
)
NEVER = datetime.max.replace(tzinfo=UTC)
ACCEPTED = "sends_without_old_ledger"
"""Cursor: since when a person lets the ledger be, whatever else has been sent from the account."""


class LostLedgerError(ClickSendError):
    """The history has messages of ours that the ledger does not know, or cannot be read."""


class LostLedger:
    """Looks, before a sink sends, whether the ledger knows what was sent before."""

    def __init__(self, run: Run, sink: str, endpoints: Endpoints | None) -> None:
        """Prepare.

        Args:
            run: The run.
            sink: The sink.
            endpoints: Its channel, None where no history shows its messages.
        """
        self._run, self._sink, self._endpoints = run, sink, endpoints
        self._strange: set[str] = set()
        self._first = NEVER
        self._foreign = 0
        self._is_other_keys = False

    def check(self, *, brings_own: bool) -> None:
        """Let the sink send; a dry run only says what it would not have passed.

        Args:
            brings_own: Whether rows bring a custom_string of their own.

        Raises:
            LostLedgerError: Nothing may be sent.
        """
        if self._is_accepted():
            return
        ledger, at = self._run.ledger, self._run.client.started_at or self._run.now()
        since = ledger.reconciliation.known_until(self._sink)
        try:
            if self._endpoints is None:
                self._warn_of_no_history(is_new=since is None)
            else:
                self._look(self._endpoints, since)
                self._warn_of_foreign(is_new=since is None, brings_own=brings_own)
        except LostLedgerError as error:
            if not self._run.dry_run:
                raise
            self._run.warn(str(error))
        else:
            if not self._run.dry_run:
                ledger.reconciliation.set_known_until(self._sink, at)

    def _is_accepted(self) -> bool:
        """Return whether a person has let the ledger be, now or in an earlier run."""
        ledger, run = self._run.ledger, self._run
        if ledger.memory.cursor(ACCEPTED) is not None:
            return True
        if run.config["send_without_old_ledger"] and not run.dry_run:
            ledger.memory.set_cursor(ACCEPTED, run.now().isoformat())
        return bool(run.config["send_without_old_ledger"])

    def _look(self, endpoints: Endpoints, since: datetime | None) -> None:
        """Look through the history.

        Raises:
            LostLedgerError: It has messages of ours that the ledger does not know, or cannot be read.
        """
        try:
            is_whole = any(self._walk(endpoints, since) for _ in range(TRIES))
        except ForbiddenError as error:
            if endpoints is not ENDPOINTS["voice"]:
                raise self._unreadable(error) from None
            # Whoever may not call has called nobody.
            return
        except ClickSendError as error:
            raise self._unreadable(error) from None
        if self._strange:
            raise self._lost(is_new=since is None)
        if not is_whole:
            raise self._unreadable(
                UnexpectedAnswerError(f"GET {endpoints.history} showed fewer messages than it counts.")
            )

    def _walk(self, endpoints: Endpoints, since: datetime | None) -> bool:
        """Read the history once; return whether that was enough of it."""
        params: dict[str, Any] = {"order_by": f"{endpoints.history_date}:asc"}
        if since is not None:
            # A second earlier, since the bound may be meant exclusively.
            params["date_from"] = int(since.timestamp()) - 1
        tally, self._foreign = Tally(), 0
        for page in tally.counted(read_pages(self._run.client, endpoints.history, params)):
            # After the page was read: what another worker has sent is in the ledger by then.
            self._compare(page, endpoints.history_date)
            if len(self._strange) > ENOUGH:
                return True
        return tally.is_whole

    def _compare(self, page: Page, date: str) -> None:
        went: dict[str, datetime | None] = {}
        others = set()
        for row in page.rows:
            custom_string = str(row.get("custom_string") or "")
            if row.get("direction") == "in" or not custom_string:
                continue
            if (outcome_id := outcome_id_of(custom_string)) is None:
                self._foreign += 1
            else:
                went[outcome_id] = _time(row, date)
                if key_id_of(custom_string) not in {None, self._run.ledger.privacy.key_id}:
                    others.add(outcome_id)
        strange = self._run.ledger.reconciliation.unrecorded(went) if went else set()
        self._strange |= strange
        self._is_other_keys |= not strange.isdisjoint(others)
        times = [at for name in strange if (at := went[name]) is not None]
        self._first = min([*times, self._first])

    def _lost(self, *, is_new: bool) -> LostLedgerError:
        first = f"{self._first if self._first < NEVER else self._run.now() - KEPT:%Y-%m-%d}"
        count = f"more than {ENOUGH:,}" if len(self._strange) > ENOUGH else f"{len(self._strange):,}"
        messages = "message" if len(self._strange) == 1 else "messages"
        command = f"clicksend ledger rebuild --since {first}"
        self._run.report.next = command
        return LostLedgerError(
            f"{self._sink}: the history has {count} {messages} with the target's own token that this ledger"
            f" does not know, since {first}: it {'is new' if is_new else 'is older than they are'}, and would"
            " let rows go out AGAIN. Nothing is sent. If a ledger was lost, or this one was restored from a"
            f" backup, refill it: {command}.{OTHER_KEY if self._is_other_keys else ''} If they are another"
            " pipeline's, with a ledger of its own, set send_without_old_ledger for one run; the ledger"
            " remembers it."
        )

    def _unreadable(self, error: ClickSendError) -> LostLedgerError:
        return LostLedgerError(
            f"{self._sink}: {error} So nobody knows whether the ledger has all that was sent, and nothing is"
            " sent. Where there is no history to read, set send_without_old_ledger."
        )

    def _warn_of_no_history(self, *, is_new: bool) -> None:
        if is_new:
            self._run.warn(
                f"{self._sink}: this ledger is new, and the hub keeps no history: nobody can know what was"
                " sent before. If an older ledger was lost, record the rows with clicksend ledger baseline"
                " first, or they are sent again."
            )

    def _warn_of_foreign(self, *, is_new: bool, brings_own: bool) -> None:
        if is_new and brings_own and self._foreign:
            self._run.warn(
                f"{self._sink}: this ledger is new, and the history has {self._foreign:,} messages whose"
                " custom_string is not the target's: nobody can tell which rows those were. Record rows that"
                " were sent before with clicksend ledger baseline, or they are sent again."
            )


def _time(row: dict[str, Any], date: str) -> datetime | None:
    try:
        seconds = read_moment(row, date)
    except Rejected:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
