"""The command ``clicksend probe``: what nobody has confirmed about ClickSend, asked of an account."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from clicksend.client import Client
from clicksend.config import load_config
from clicksend.errors import ClickSendError, SettingsError
from clicksend.limiter import Clock
from clicksend.phone import mask, to_e164
from clicksend.probe import report
from clicksend.probe.account import Account
from clicksend.probe.asking import ask
from clicksend.probe.findings import Outcome, Standing
from clicksend.probe.messages import TEST_NUMBERS
from clicksend.probe.own import PREFIX, Own, noted_in, write_private
from clicksend.settings import Settings

clock: Clock | None = None
"""What waits; None is the time itself."""

READING = "It reads, and asks for prices, which sends nothing: about a hundred requests."
WRITING = """\
With --write it makes, all under the name "clicksend probe" and the time:
  - up to 10 contact lists with up to 20 contacts, with numbers nobody has;
  - up to 30 text messages to ClickSend's free test numbers (+61411111111 and
    two more), which reach nobody; they stay in the history, where nothing can
    be deleted;
  - if the account has a sender's e-mail address: the first one once more,
    which ClickSend should refuse; if not, it may write to that address."""
SCHEDULING = """\
  - 4 text messages to {to}, scheduled in 30 days and cancelled at
    once, if nothing else is scheduled: do not schedule anything meanwhile. The
    credit for 4 messages is needed; ClickSend should give it back when they
    are cancelled."""
REMOVING = "Lists, contacts, scheduled messages and the address are removed at the end."
STRAYS = "It also removes {count} lists that earlier probes have left."
MARKING = """\
With --mark-read it marks receipts of text messages and calls as read: what
polls this account's receipts will not see them any more."""


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with the settings of the connection, as the tap's.",
)
@click.option("--write", is_flag=True, help="Also what needs lists, contacts and test messages of its own.")
@click.option(
    "--to",
    "number",
    metavar="NUMBER",
    help="With --write: your own number, for messages that are cancelled at once.",
)
@click.option("--mark-read", is_flag=True, help="Also what marks receipts as read.")
@click.option("--yes", is_flag=True, help="Do not ask before --write and --mark-read.")
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what was found, without personal data: to report, and for clicksend sandbox --dialect.",
)
def command(  # noqa: PLR0913
    *, path: Path | None, write: bool, number: str | None, mark_read: bool, yes: bool, file: Path | None
) -> None:
    """Ask the account what nobody has confirmed about ClickSend's API.

    Reads only, unless told otherwise. Exits with 0 when everything was asked, 1 when something could not be,
    2 when the settings are wrong or nobody agreed.
    """
    try:
        settings = _settings(path)
        to = _recipient(number, write=write)
        _check_folder(file)
        allowed = {name for name, given in (("write", write), ("to", to), ("mark_read", mark_read)) if given}
        client = connect(settings, clock)
        try:
            code = _probe(client, allowed, to, file, yes=yes)
        finally:
            client.close()
    except SettingsError as error:
        _end(str(error), 2)
    except ClickSendError as error:
        _end(str(error), 1)
    except OSError as error:
        _end(f"{error.filename or 'A file'} cannot be written: {error.strerror}.", 1)
    raise SystemExit(code)


STOPS = (signal.SIGINT, signal.SIGTERM)


def connect(settings: Settings, clock: Clock | None) -> Client:
    """Return a client whose requests, some of them odd on purpose, are told from those of the connectors."""
    # What fails is reported, not tried again.
    return Client(replace(settings, max_retries=0, user_agent=f"probe-{settings.user_agent}"), clock)


def _probe(client: Client, allowed: set[str], to: str | None, file: Path | None, *, yes: bool) -> int:
    writes = "write" in allowed
    own = Own(client) if writes or noted_in(client.settings).exists() else None
    account = Account(client, own if writes else None, to)
    outcomes: list[Outcome] = []
    is_removed = True
    try:
        if own and own.noted:
            click.echo("An earlier probe was interrupted.")
            is_removed = _remove(own, [])
            if not is_removed and writes:
                return 1
        strays = own.strays(account.now()) if own and writes else []
        _agree(allowed, to, len(strays), yes=yes)
        click.echo(f"\n{report.header()}")
        stopped: list[int] = []
        before = [signal.signal(one, partial(_interrupt, stopped)) for one in STOPS]
        try:
            if own and writes:
                own.begin(account.now())
            for outcome in ask(account, allowed):
                if stopped:
                    # What a handler raises within a destructor is lost.
                    raise KeyboardInterrupt
                outcomes.append(outcome)
                click.echo("\n".join(report.lines(outcome)))
        finally:
            if own and writes:
                is_removed = _remove(own, strays)
            for one, handler in zip(STOPS, before, strict=True):
                signal.signal(one, handler)
    finally:
        if own:
            own.close()
    click.echo(report.summary(outcomes))
    if file:
        found = report.as_json(account, outcomes, date=datetime.now(UTC).date().isoformat())
        write_private(file, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        click.echo(f"{file} holds no personal data: docs/probe.md says where to send it.")
    return int(not is_removed or any(one.standing is Standing.FAILED for one in outcomes))


def _remove(own: Own, strays: Sequence[str]) -> bool:
    """Remove what was made; what cannot be is said, and left to the next start."""
    try:
        own.remove(strays)
    except (ClickSendError, AttributeError, LookupError, TypeError, ValueError) as error:
        why = error if isinstance(error, ClickSendError) else "an answer has an unknown shape."
        click.echo(
            f"Not all that was made could be removed: {why} The next start tries it again; or remove all"
            f' that is called "{PREFIX.strip()}" and a time in the dashboard, and then {own.path}.',
            err=True,
        )
        return False
    click.echo("All that was made is removed.")
    return True


def _interrupt(stopped: list[int], signum: int, _: Any) -> NoReturn:
    stopped.append(signum)
    raise KeyboardInterrupt


def _agree(allowed: set[str], to: str | None, strays: int, *, yes: bool) -> None:
    """Say what will be done, and ask, unless it only reads.

    Raises:
        SettingsError: Nobody can be asked, or does not want it.
    """
    click.echo(READING)
    if "write" in allowed:
        click.echo(WRITING)
        if to:
            click.echo(SCHEDULING.format(to=mask(to)))
        click.echo(REMOVING)
        if strays:
            click.echo(STRAYS.format(count=strays))
    if "mark_read" in allowed:
        click.echo(MARKING)
    if yes or not allowed:
        return
    if not sys.stdin.isatty():
        raise SettingsError("Nobody can be asked here: say --yes if you agree.")
    with contextlib.suppress(click.Abort):
        if click.confirm("Go on?"):
            return
    raise SettingsError("Nothing was asked.")


def _settings(path: Path | None) -> Settings:
    return Settings.from_config(load_config(path))


def _recipient(number: str | None, *, write: bool) -> str | None:
    if number is None:
        return None
    if not write:
        raise SettingsError("--to needs --write.")
    try:
        to = to_e164(number)
    except ValueError as error:
        raise SettingsError(f"--to {error}.") from None
    if to in TEST_NUMBERS:
        raise SettingsError("--to must be a number of your own: messages to test numbers keep no schedule.")
    return to


def _check_folder(file: Path | None) -> None:
    if file and not os.access(file.absolute().parent, os.W_OK):
        raise SettingsError("The folder of the file given with --json cannot be written, or does not exist.")


def _end(text: str, code: int) -> NoReturn:
    click.echo(f"Error: {text}", err=True)
    raise SystemExit(code)
