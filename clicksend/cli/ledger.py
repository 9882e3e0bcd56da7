"""The command ``clicksend ledger``: look into the ledger, remove from it, mend it.

Its lines show what the ledger holds: hashes, ids, and what a person has declared to be stored in clear.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from clicksend.cli.arguments import private
from clicksend.cli.ledger_config import TIME, config_of, opened, options, sentences
from clicksend.cli.ledger_repair import (
    baseline,
    forget_baseline,
    keys_of_row,
    rebuild,
    reconcile,
    release,
    retry,
)
from clicksend.ledger import keyfile
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.outcomes import Columns
from clicksend.ledger.records import OUTCOMES
from clicksend.phone import to_e164
from clicksend.text import counted, printable, table, visible

SHOWN = ("updated_at", "sink", "outcome", "source_key", "key", "message_id", "reason")
"""Columns of the list as a table."""


@click.group()
def command() -> None:
    """What was sent and what came of every row."""


for _one in (baseline, forget_baseline, rebuild, reconcile, release, retry):
    command.add_command(_one)


_form = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@command.command("list")
@options
@click.option("--outcome", type=click.Choice(sorted(OUTCOMES)), help="Only rows with this outcome.")
@click.option("--sink", help="Only rows of this sink.")
@click.option("--run", "run_id", help="Only what this run wrote.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@_form
def list_(config_file: Path | None, ledger_url: str | None, form: str, **filters: Any) -> None:
    """List outcomes, those changed last first."""
    with opened(config_file, ledger_url) as (ledger, _):
        rows = ledger.outcomes.newest(**filters)
    if form == "json":
        _echo_json(rows)
    elif not rows:
        click.echo("Nothing there.")
    else:
        _echo_table([SHOWN, *([_as_text(row[name]) for name in SHOWN] for row in rows)])


@command.command()
@options
@click.argument("name", metavar="[KEY]", required=False, callback=private)
@click.option("--stream", help="The stream upstream of a --row.")
@click.option("--row", "row_text", help="The key properties of a row, a JSON object like '{\"id\": 7}'.")
@_form
def show(  # noqa: PLR0913, PLR0917
    config_file: Path | None,
    ledger_url: str | None,
    form: str,
    name: str | None,
    stream: str | None,
    row_text: str | None,
) -> None:
    """Show all that is known of a KEY, as list shows it or as the row brought it (- is stdin), or of a row.

    For a --row the settings must be the target's: its key depends on streams, key_namespace and pii_key.
    """
    if bool(name) == bool(row_text) or bool(row_text) != bool(stream):
        raise click.UsageError("Give a KEY, or --stream and --row.")
    keys = [name] if name else keys_of_row(config_file, ledger_url, str(stream), str(row_text))
    with opened(config_file, ledger_url) as (ledger, _):
        found = {row["outcome_id"]: row for one in keys for row in ledger.outcomes.of_key(one)}
    rows = list(found.values())
    if not rows:
        what = "this key: list shows keys" if name else "this row: it never came, or its key is another one"
        raise click.ClickException(f"The ledger does not know {what}.")
    if form == "json":
        _echo_json(rows)
        return
    for row in rows:
        _echo_table([(name, _as_text(value)) for name, value in row.items() if value is not None])


@command.command()
@options
@click.option("--before", required=True, type=TIME, help="Delete what last changed before this time (UTC).")
def prune(config_file: Path | None, ledger_url: str | None, before: datetime) -> None:
    """Delete old outcomes.

    A key that was sent is forgotten too: when upstream delivers its row again, it is SENT AGAIN. Prune only
    what upstream will never deliver again. Unknown outcomes, opt-outs and the counts of runs stay.
    """
    moment = before.replace(tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise click.UsageError("--before lies in the future.")
    with opened(config_file, ledger_url) as (ledger, _):
        deleted = ledger.outcomes.prune(moment)
    click.echo(f"{deleted} outcomes deleted.")


@command.command()
@options
@click.argument("number", callback=private)
def forget(config_file: Path | None, ledger_url: str | None, number: str) -> None:
    """Remove the hashes of a phone NUMBER from messages, and from keys that are that number; - is stdin.

    That it opted out stays on record: forgetting it would text the person again.
    """
    with opened(config_file, ledger_url) as (ledger, config):
        done = ledger.privacy.forget(_recipient(number, config))
    said = f"Removed from {counted(done.messages, 'message')}"
    click.echo(f"{said}, and from the keys of {counted(done.rows, 'row')}.")
    click.echo("The ids of its rows stay, so that nothing is sent again.")
    if done.opted_out_by:
        click.echo(f"That it opted out ({', '.join(done.opted_out_by)}) stays, or it would be texted again.")
    if done.is_opted_in:
        click.echo("That a person opted it in again stays, with the reason that was given.")
    click.echo(
        "Rows whose keys hold the number among other things stay, as hashes. Erase the person elsewhere, too:"
        " upstream, in the warehouse, in ClickSend, and in files (docs/privacy.md)."
    )


@command.command("opt-in")
@options
@click.argument("number", callback=private)
@click.option("--reason", required=True, help="Who says so, and where. It is stored, and shown nowhere.")
def opt_in(config_file: Path | None, ledger_url: str | None, number: str, reason: str) -> None:
    """Undo the STOP of a phone NUMBER, whose owner wants messages again.

    You need that person's consent, and must be able to prove it: a reply START does not prove it. A STOP that
    comes later counts again. Who is in ClickSend's Opt-Out List must be taken off there, too.
    """
    if not visible(reason):
        raise click.UsageError("--reason is blank: say who says so, and where.")
    with opened(config_file, ledger_url) as (ledger, config):
        opted_out_by = ledger.memory.opt_in(_recipient(number, config), reason.strip())
    if "reply" in opted_out_by:
        click.echo("The STOP of this number is undone: replies written before now no longer count.")
    else:
        click.echo("The ledger has no STOP of this number. Replies written before now will not count.")
    if "list" in opted_out_by:
        click.echo("It is still in the Opt-Out List, and gets nothing: take it off there, in ClickSend.")
    else:
        click.echo("As far as the ledger knows, it is not in the Opt-Out List.")


def is_terminal(file: IO[str]) -> bool:
    """Return whether a person may see what is written to a file, or type what is read from it."""
    return file.isatty()


@command.group("key")
def key() -> None:
    """The key of the ledger's hashes, without which it knows nobody and no row."""


@key.command("export")
@options
@click.option("--show", is_flag=True, help="Also to a terminal, where others may read it.")
def export(config_file: Path | None, ledger_url: str | None, *, show: bool) -> None:
    """Write the key to standard output, for the setting pii_key of others or for import.

    Treat it like a password: who has it and the ledger can try out whose numbers are in there.
    """
    if is_terminal(sys.stdout) and not show:
        raise click.UsageError("This is a terminal: write the key to a file or a pipe, or give --show.")
    with opened(config_file, ledger_url) as (ledger, _):
        click.echo(ledger.privacy.key)


@key.command("import")
@options
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def import_(config_file: Path | None, ledger_url: str | None, file: IO[str]) -> None:
    """Keep a key that was exported elsewhere in the ledger's key file; FILE is standard input unless named.

    The ledger need not be there yet. One that was made with another key is left alone, unless it is empty.
    """
    is_asked = is_terminal(file)
    text = click.prompt("Key", hide_input=True, err=True) if is_asked else file.read(keyfile.LONGEST)
    with sentences():
        config = config_of(config_file, ledger_url)
        path = keyfile.place(config["ledger_url"], config.get("pii_key_file"))
        Ledger.import_key(config["ledger_url"], path, str(text).strip())
    click.echo(f"The key is in {path}.")


def _recipient(number: str, config: Mapping[str, Any]) -> str:
    """Return a NUMBER in E.164.

    Raises:
        UsageError: It is not a valid phone number.
    """
    try:
        return to_e164(number, config.get("default_country"))
    except ValueError as error:
        raise click.UsageError(f"NUMBER {error}.") from None


def _echo_json(rows: Sequence[Columns]) -> None:
    click.echo(json.dumps(rows, indent=2, default=_as_text))


def _echo_table(lines: Sequence[Sequence[str]]) -> None:
    for line in table([list(map(printable, cells)) for cells in lines]):
        click.echo(line)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
