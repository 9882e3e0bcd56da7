"""The commands that carry the key of a ledger's hashes to other hosts and containers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import click

from clicksend.ledger import Ledger, keyfile
from clicksend.ledger.opening import config_of, opened, options, sentences


def is_terminal(file: IO[str]) -> bool:
    """Return whether somebody looks on."""
    return file.isatty()


@click.group("key")
def key() -> None:
    """The key of the ledger's hashes, without which it knows nobody and no row."""


@key.command("export")
@options
@click.option("--show", is_flag=True, help="Also to a terminal, where others may read it.")
def export(config_file: Path | None, ledger_url: str | None, *, show: bool) -> None:
    """Write the key to standard output, for the setting pii_key of others or for import.

    Keep it as you keep passwords: who has it and the ledger can try out whose numbers are in there.
    """
    if is_terminal(sys.stdout) and not show:
        raise click.UsageError("This is a terminal: write the key to a file or a pipe, or give --show.")
    with opened(config_file, ledger_url) as (ledger, _):
        click.echo(ledger.key)


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
