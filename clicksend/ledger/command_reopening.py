"""The commands that reopen keys, on a person's word: their rows go out when upstream delivers them again."""

from __future__ import annotations

from pathlib import Path

import click

from clicksend.ledger.opening import opened, options
from clicksend.ledger.reconciling import RETRIED
from clicksend.text import counted

LATER = "Nothing is sent now: a row goes out when upstream delivers it again."


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
        released = ledger.release(list(keys) or None, run_id=run_id, force=force)
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
        reopened = ledger.retry(outcome, sink=sink, run_id=run_id)
    click.echo(f"{counted(len(reopened), 'row')} reopened. {LATER}")
