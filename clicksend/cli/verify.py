"""The command ``clicksend verify``: one-time codes to phone numbers, through the hub.

A call is made once, whatever the answer is, and numbers are shown masked only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from clicksend.cli.arguments import private
from clicksend.client import Client
from clicksend.config import load_config
from clicksend.errors import ClickSendError, SettingsError, UnreachableError
from clicksend.hub import Hub
from clicksend.phone import mask, to_e164
from clicksend.settings import COUNTRY, Settings
from clicksend.validation import check

SENT = {
    "success": "A code is on its way to {to}.",
    "retry": "A code is on its way to {to} once more; the ones before it may still hold.",
}
NOT_SENT = {
    "challenged": "No code went to {to} yet: the hub wants a sign that a person asks.",
    "blocked": "No code went to {to}: the hub blocks the number as suspicious.",
    "shadow_blocked": "No code went to {to}: the hub blocks the number as suspicious.",
}
RIGHT = {"success": "The code is right: {to} is verified."}
WRONG = {
    "failure": "The code is wrong.",
    "expired_or_not_found": "{to} was sent no code, or it has expired: send a new one.",
    "transaction_missing": "The code belongs to a transaction that was not named: send a new one.",
    "transaction_mismatch": "The code belongs to another transaction: send a new one.",
}
"""Prelude's statuses of a code that was sent and of one that was checked."""

OWN = ("id", "request_id")
"""What the provider's own answers have, and the hub's envelope has not."""

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """One-time codes to phone numbers, through the hub."""


def _config_option(function: F) -> F:
    return click.option(
        "--config",
        "path",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="JSON file with the settings of the connection, and default_country.",
    )(function)


@command.command()
@_config_option
@click.argument("number", callback=private)
@click.option("--locale", help="Language of the message, like fr-FR. Unset: the hub's choice.")
def send(path: Path | None, number: str, locale: str | None) -> None:
    """Send a one-time code to a phone NUMBER; - is standard input."""
    with _opened(path, number) as (hub, to):
        answer = hub.verify_send(to, **({"options": {"locale": locale}} if locale else {}))
    _report(answer, to, SENT, NOT_SENT)


@command.command("check")
@_config_option
@click.argument("number", callback=private)
@click.argument("code", callback=private)
def check_(path: Path | None, number: str, code: str) -> None:
    """Check the CODE that the owner of a phone NUMBER was sent; exits with 1 unless it is right.

    For both - is the next line of standard input, which does not show in the list of processes.
    """
    with _opened(path, number) as (hub, to):
        answer = hub.verify_check(to, code)
    _report(answer, to, RIGHT, WRONG)


@contextmanager
def _opened(path: Path | None, number: str) -> Iterator[tuple[Hub, str]]:
    """Connect to the hub, and read the number; what goes wrong ends the command with a sentence."""
    try:
        config = _config(path)
        client = Client(Settings.from_config(config))
        try:
            yield Hub(client), _read(number, config.get("default_country"))
        finally:
            client.close()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except UnreachableError as error:
        again = "" if error.not_processed else " It may have been done all the same; it was not tried again."
        raise click.ClickException(f"{error}{again}") from None
    except ClickSendError as error:
        raise click.ClickException(str(error)) from None


def _config(path: Path | None) -> dict[str, Any]:
    config = load_config(path)
    if country := config.get("default_country"):
        check({"default_country": country}, {"default_country": COUNTRY})
    return config


def _read(number: str, country: str | None) -> str:
    try:
        return to_e164(number, country)
    except ValueError as error:
        raise click.UsageError(f"NUMBER {error}.") from None


def _report(answer: Any, to: str, fine: Mapping[str, str], others: Mapping[str, str]) -> None:
    """Say what came of a call, by the provider's status."""
    own: Mapping[str, Any] = answer if isinstance(answer, Mapping) and "data" not in answer else {}
    status = str(own.get("status", ""))
    if status in fine and not any(isinstance(own.get(name), str) for name in OWN):
        # It may be the hub's own, which says that the call went well, not what came of the code.
        status = ""
    if status in fine:
        click.echo(fine[status].format(to=mask(to)))
        return
    if status in others:
        raise click.ClickException(others[status].format(to=mask(to)))
    word = status if re.fullmatch("[a-z_]{1,40}", status) else "without a known status"
    raise click.ClickException(f"The hub answered {word}: look into its dashboard before you try again.")
