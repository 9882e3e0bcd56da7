"""What a run says when it ends: its exit code, its report, and last what stays unknown."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from clicksend.errors import ClickSendError, SettingsError
from clicksend.exit_codes import sentence_of
from clicksend.ledger.records import Unknown
from clicksend.logs import clean
from target_clicksend.report import CONFLICTS, MANY_REJECTED, said_of

if TYPE_CHECKING:
    from target_clicksend.run import Run

WRONG_SETTINGS = 2
"""Exit code where a setting is wrong."""
UNKNOWN_REMAIN = 3
"""Exit code of a run that is done, but for messages of which nobody knows whether they were sent."""
FAIL_ON_REJECTED = 0.5
"""Share of rejected rows, from ``MANY_REJECTED`` on, that ends a run with 1 if no setting says otherwise."""
FREE = (
    "ClickSend's price of every message is 0. If they are not to test numbers, do not rely on it:"
    " max_spend_per_run holds nothing back at that price."
)
RECONCILE = "clicksend ledger reconcile"
LOOK = "clicksend ledger list --outcome unknown"
STOPPED = "Stopped by {}: rows without an outcome come again."
WORST = frozenset({"failed", "rejected"})
"""Outcomes that may end a run with 1."""
NO_HISTORY = frozenset({"notifications", "cancellations"})
"""The sinks of which no history shows what became of a row."""
MAY_SHOW = timedelta(days=1)
"""How long a message may take to show in its history."""
SHOWN_RUNS = 3

logger = logging.getLogger("target-clicksend")


def summarize(run: Run, error: Exception | None) -> None:
    """Say what a run did, and last what is unknown.

    Args:
        run: The run, all of whose outcomes are committed.
        error: What ended it early.
    """
    report = run.report
    if run.stopped:
        run.warn(STOPPED.format(signal.Signals(run.stopped).name))
    if run.tally.is_free or report.is_free:
        run.warn(FREE)
    report.exit_code = _code_after(run, error)
    report.unknown_open = sum(one.count for one in run.unknown.values())
    if report.unknown_open:
        report.next = report.next or next_command(run.unknown, run.now())
    report.error = _error_of(run, error)
    report.about, report.currency = run.about(), run.currency_known
    try:
        report.save(run.config.get("report_path"), run.traffic)
    except OSError as problem:
        run.error(f"The report cannot be written ({problem.strerror}): check report_path.")
    if leased := sentence_on_leases(run.unknown):
        logger.info("%s", leased)
    report.show(run.traffic.requests)
    if report.unknown_open:
        # The run after one that was stopped looks them up.
        level = logging.WARNING if run.stopped else logging.ERROR
        logger.log(level, "%s", sentence_on_unknown(run.unknown, run.now()))


def exit_code(run: Run) -> int:
    """Return what the process should end with after a run that no error ended."""
    if run.stopped:
        return 128 + run.stopped
    report, most = run.report, run.config.get("fail_on_rejected")
    rejected = report["rejected"]
    if most is None:
        most = FAIL_ON_REJECTED if rejected >= MANY_REJECTED else 1
    too_many = rejected > most * max(run.rows, 1)
    conflicts = report.conflicts if run.config["fail_on_conflict"] else 0
    if run.failed or too_many or conflicts or report["failed"]:
        return 1
    return UNKNOWN_REMAIN if any(one.count for one in run.unknown.values()) else 0


def _code_after(run: Run, error: Exception | None) -> int:
    """Return the exit code after an error, which a signal explains better."""
    if error is None or (run.stopped and isinstance(error, ClickSendError)):
        return exit_code(run)
    return WRONG_SETTINGS if isinstance(error, SettingsError) else 1


def _error_of(run: Run, error: Exception | None) -> str | None:
    """Return the sentence of the log that says why a run does not end with 0, None where it does."""
    report = run.report
    if run.stopped:
        return " ".join(filter(None, [STOPPED.format(signal.Signals(run.stopped).name), report.error]))
    if error is not None:
        return clean(sentence_of(error))
    if report.error is not None or not report.exit_code:
        return report.error
    if report.exit_code == UNKNOWN_REMAIN:
        return sentence_on_unknown(run.unknown, run.now())
    found = [one for one in report.reasons.most_common() if one[0][1] in WORST or one[0][2] in CONFLICTS]
    worst = sorted(found, key=lambda one: one[0][1] != "failed")
    return said_of(*worst[0]) if worst else None


def next_command(unknown: Mapping[str, Unknown], now: datetime) -> str:
    """Return what a person does next: look them up while a history may come to show them, else decide."""
    young = [
        sink
        for sink, one in unknown.items()
        if sink not in NO_HISTORY and one.since is not None and one.since > now - MAY_SHOW
    ]
    return RECONCILE if young else LOOK


def sentence_on_unknown(unknown: Mapping[str, Unknown], now: datetime) -> str:
    """Return how many messages are unknown, since when, of which runs, and what to do.

    Args:
        unknown: By sink, at least one of them with messages that nobody is sending.
        now: The time.
    """
    open_ones = {sink: one for sink, one in unknown.items() if one.count}
    count = sum(one.count for one in open_ones.values())
    since = min(one.since for one in open_ones.values() if one.since is not None)
    run_ids = list(dict.fromkeys(run_id for one in open_ones.values() for run_id in one.run_ids))
    runs = ", ".join(run_ids[:SHOWN_RUNS])
    if more := len(run_ids) - SHOWN_RUNS:
        runs += f" and {more:,} more" if more > 0 else ""
    command = next_command(open_ones, now)
    messages = set(open_ones) != {"cancellations"}
    after = ""
    if command == LOOK:
        done = "sent" if messages else "done"
        after = f"; what you know was not {done}, reopen with clicksend ledger release"
    noun = "message" if messages else "cancellation"
    doubt = "has sent them. They are not sent again." if messages else "did it. It is not asked for again."
    return (
        f"{count:,} {f'{noun} is' if count == 1 else f'{noun}s are'} unknown"
        f" ({', '.join(f'{sink} {one.count:,}' for sink, one in sorted(open_ones.items()))}), since"
        f" {since:%Y-%m-%d %H:%M} UTC, from {'run' if len(run_ids) == 1 else 'runs'} {runs}: nobody knows"
        f" whether ClickSend {doubt} Next: {command}{after}."
    )


def sentence_on_leases(unknown: Mapping[str, Unknown]) -> str:
    """Return how many messages another run may be sending just now, and until when; "" where there are none.

    Args:
        unknown: By sink.
    """
    until = max((one.leased_until for one in unknown.values() if one.leased_until is not None), default=None)
    if until is None:
        return ""
    count = sum(one.leased for one in unknown.values())
    are = "message is" if count == 1 else "messages are"
    return (
        f"{count:,} {are} under the lease of another run until {until:%H:%M:%S} UTC: if that run is no longer"
        " there, a later one looks up what became of them."
    )
