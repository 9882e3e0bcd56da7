"""The commands that repair a ledger from ClickSend's histories, or from what a person knows.

They import the target when they run: it knows how its messages are found, and what keys its rows get.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

from clicksend.cli.ledger_config import TIME, opened, options, sentences, whole_config
from clicksend.ledger.claims import RETRIED
from clicksend.text import counted, escaped

if TYPE_CHECKING:
    from target_clicksend.baseline import BaselineTarget
    from target_clicksend.ledger_tools import ReconcileResult
    from target_clicksend.rebuild import RebuildResult
    from target_clicksend.run import Run

LATER = "Nothing is sent now: a row goes out when upstream delivers it again."
UNKNOWN_REMAIN = 3
"""Exit code where nobody knows of some messages whether they were sent; the target has the same."""


@click.command()
@options
def reconcile(config_file: Path | None, ledger_url: str | None) -> None:
    """Look up all unknown messages in ClickSend's histories, and cancel what opt-outs forbid.

    What is found was sent. What is not may still be: it stays unknown, and is not sent again, until it is
    found or released. What a run may be sending just now is under its lease, and not looked up until that
    ends. What is scheduled to people who have opted out since is cancelled. Exits with 3 when
    some stay unknown.
    """
    from target_clicksend.ledger_tools import honour_opt_outs, look_up  # noqa: PLC0415

    with _opened(config_file, ledger_url, new=False) as run:
        results = list(look_up(run))
        cancelled = honour_opt_outs(run)
        failed = run.failed
    if cancelled:
        click.echo(f"{counted(cancelled, 'scheduled message')} cancelled: the recipient opted out.")
    if not results:
        click.echo("Nothing is unknown.")
    for one in results:
        click.echo(_what_was_found(one))
    if failed or any(one.problem for one in results):
        raise SystemExit(1)
    if any(one.unknown.count for one in results):
        click.echo("What stays can be released once you know that it was not sent.")
    if any(one.unknown.count or one.unknown.leased for one in results):
        raise SystemExit(UNKNOWN_REMAIN)


def _what_was_found(one: ReconcileResult) -> str:
    said = f"{one.sink}: {one.found:,} found, {one.unknown.count:,} still unknown."
    if until := one.unknown.leased_until:
        are = "1 is" if one.unknown.leased == 1 else f"{one.unknown.leased:,} are"
        said += f" {are} under the lease of a run until {until:%H:%M:%S} UTC: not looked up."
    if one.problem:
        return f"{said} The history could not be read: {one.problem}"
    return said + (" The hub keeps no history of them." if one.sink == "notifications" else "")


@click.command()
@options
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.option("--run", "run_id", help="All unknown messages of this run, instead of KEYs.")
@click.option("--force", is_flag=True, help="Also what was claimed less than 24 hours ago.")
def release(
    config_file: Path | None,
    ledger_url: str | None,
    keys: tuple[str, ...],
    run_id: str | None,
    *,
    force: bool,
) -> None:
    """Reopen messages of which nobody knows whether they were sent.

    Do it when you know that they were not: one that did go out is SENT AGAIN when upstream delivers its row
    again. What was claimed less than 24 hours ago may still show in the history: reconcile first.
    """
    if bool(keys) == bool(run_id):
        raise click.UsageError("Give KEYs or --run: list --outcome unknown shows both.")
    with opened(config_file, ledger_url) as (ledger, _):
        released = ledger.claims.release(list(keys) or None, run_id=run_id, force=force)
    strange = [key for key in keys if key not in released]
    if released:
        click.echo(f"{counted(len(released), 'message')} released. {LATER}")
    if strange or not released:
        raise click.ClickException(
            f"{len(strange)} of the {len(keys)} KEYs are not unknown."
            if keys
            else "No message of this run is unknown."
        )


@click.command()
@options
@click.option("--outcome", required=True, type=click.Choice(RETRIED), help="What came of them.")
@click.option("--sink", help="Only rows of this sink.")
@click.option("--run", "run_id", help="Only what this run wrote.")
def retry(
    config_file: Path | None, ledger_url: str | None, outcome: str, sink: str | None, run_id: str | None
) -> None:
    """Mark rows that were not sent as waiting to be delivered again.

    They are judged anew then, as they would be in any case; list --outcome held shows who waits.
    """
    with opened(config_file, ledger_url) as (ledger, _):
        reopened = ledger.claims.retry(outcome, sink=sink, run_id=run_id)
    click.echo(f"{counted(len(reopened), 'row')} reopened. {LATER}")


@click.command()
@options
@click.option("--since", required=True, type=TIME, help="Read the histories from this time on (UTC).")
def rebuild(config_file: Path | None, ledger_url: str | None, since: datetime) -> None:
    """Refill a lost ledger from ClickSend's histories.

    Every message that went out with the target's own token is recorded as sent, so that a re-run does not
    send it again. What the ledger knows as sent or unknown stays. Let no target run meanwhile.

    Not found are notifications, messages whose rows brought a custom_string of their own, and what ClickSend
    no longer keeps (about four months): record those with baseline.
    """
    from target_clicksend.rebuild import rebuild as rebuilt  # noqa: PLC0415

    with _opened(config_file, ledger_url, new=True) as run:
        for one in rebuilt(run, since.replace(tzinfo=UTC)):
            click.echo(_what_was_rebuilt(one))
    click.echo("What was sent within the last hour may not show yet: then run this again before you send.")


def _what_was_rebuilt(one: RebuildResult) -> str:
    if one.absent:
        return f"{one.sink}: the account may not call, so there is nothing to find."
    said = f"{one.sink}: {counted(one.ours, 'message')} found, {one.new:,} of them recorded as sent."
    if one.foreign:
        said += (
            f" {counted(one.foreign, 'other message')} brought a custom_string that is not the target's:"
            " nobody can tell which rows those were, so record rows that bring one with baseline, or they are"
            " sent again."
        )
    if one.of_other_keys:
        said += (
            f" {counted(one.of_other_keys, 'message')} went out from a ledger with another key of its hashes,"
            " and cannot be recorded: if that ledger is lost, move the key file of this one away, import the"
            " lost one's key (clicksend ledger key import), and run this again."
        )
    return said


@click.command()
@options
@click.option(
    "--input", "file", required=True, type=click.File("rb"), help="File of Singer messages; - is stdin."
)
@click.option(
    "--where",
    metavar="CONDITION",
    help="Only rows to which it applies, like 'sent_at is not null'; written as a __filter__ of stream maps.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def baseline(
    config_file: Path | None, ledger_url: str | None, file: IO[bytes], where: str | None, *, yes: bool
) -> None:
    """Record rows of an input as sent before us, without sending any.

    For the first run on a table whose messages have gone out already: the target reads the same input, and
    sends only what is new. What the ledger knows as sent or unknown stays. It says how many rows it will
    record, and asks; forget-baseline undoes it.
    """
    from target_clicksend.baseline import BaselineTarget, read_twice  # noqa: PLC0415

    with sentences(), read_twice(file) as messages:
        config = _config(config_file, ledger_url)
        _ask(_read(BaselineTarget(config, where, records=False), messages), yes=yes)
        messages.seek(0)
        target = _read(BaselineTarget(config, where), messages)
    recorded = sum(one.recorded for one in target.recorders)
    repeated = sum(one.repeated for one in target.recorders)
    click.echo(f"{counted(recorded, 'key')} recorded as sent, {repeated:,} known already. Nothing was sent.")
    if recorded:
        click.echo(f"To undo it: clicksend ledger forget-baseline --run {target.run.id}")
    if target.run.stopped:
        raise SystemExit(128 + target.run.stopped)
    _report_rejected(target.run)


def _read(target: BaselineTarget, messages: IO[bytes]) -> BaselineTarget:
    try:
        target.listen(cast("IO[str]", messages))
    finally:
        target.run.close()
    return target


def _ask(target: BaselineTarget, *, yes: bool) -> None:
    """Say what will be recorded, and go on only on a person's word.

    Raises:
        SystemExit: The person does not want it, or a signal came.
        UsageError: Nobody can be asked.
    """
    if target.run.stopped:
        raise SystemExit(128 + target.run.stopped)
    for one in target.shares:
        share = f"{100 * one.fits / one.rows:.1f} %" if one.rows else "0 %"
        click.echo(
            f"{escaped(one.stream)}: {one.fits:,} of {counted(one.rows, 'row')} ({share}) will be recorded as"
            " sent: the target never sends them."
        )
    if yes or not any(one.fits for one in target.shares):
        return
    if not sys.stderr.isatty():
        raise click.UsageError("Nobody can be asked here: say --yes to record them.")
    # Standard input may be the rows.
    with open("/dev/tty", encoding="utf-8") as terminal:  # noqa: PTH123
        click.echo("Record them? [y/N] ", nl=False, err=True)
        if terminal.readline().strip().lower() not in {"y", "yes"}:
            click.echo("Nothing was recorded.")
            raise SystemExit(1)


@click.command("forget-baseline")
@options
@click.option("--run", "run_id", required=True, help="The run that recorded it, as baseline has said.")
def forget_baseline(config_file: Path | None, ledger_url: str | None, run_id: str) -> None:
    """Undo a baseline: its rows are SENT when upstream delivers them again."""
    with opened(config_file, ledger_url) as (ledger, _):
        forgotten = ledger.reconciliation.forget_baseline(run_id)
    if not forgotten:
        raise click.ClickException("No baseline was recorded by this run: list --run shows what was.")
    click.echo(f"{counted(forgotten, 'key')} forgotten. A row goes out when upstream delivers it again.")


def _report_rejected(run: Run) -> None:
    for (_, _, reason), rows in run.report.reasons.items():
        click.echo(f"{counted(rows, 'row')} not recorded: {reason}.", err=True)
    if run.report.reasons:
        raise SystemExit(1)


def keys_of_row(config_file: Path | None, ledger_url: str | None, stream: str, text: str) -> list[str]:
    """Return the keys of a row of which its key properties are given, a JSON object.

    Args:
        config_file: File with the target's settings.
        ledger_url: The ledger, instead of the settings'.
        stream: The stream upstream.
        text: The JSON object, column by column.

    Raises:
        UsageError: The text is not a JSON object.
    """
    from target_clicksend.ledger_tools import keys_of  # noqa: PLC0415

    try:
        row = json.loads(text)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not row:
        raise click.UsageError('--row is not a valid JSON object, like: {"id": 7}')
    with sentences():
        return keys_of(_config(config_file, ledger_url), stream, row)


@contextmanager
def _opened(config_file: Path | None, ledger_url: str | None, **how: Any) -> Iterator[Run]:
    from target_clicksend.ledger_tools import opened as run_opened  # noqa: PLC0415

    with sentences(), run_opened(_config(config_file, ledger_url), **how) as run:
        yield run


def _config(config_file: Path | None, ledger_url: str | None) -> dict[str, Any]:
    """Return the target's settings, those of the environment where no file is given."""
    from target_clicksend.target import TargetClickSend  # noqa: PLC0415

    return whole_config(config_file, ledger_url, TargetClickSend.config_jsonschema["properties"])
