"""The ``clicksend`` command."""

from __future__ import annotations

import importlib
import logging
from functools import partial

import click

from clicksend import exit_codes

COMMANDS = {
    "doctor": ("clicksend.cli.doctor", "Check keys, account, access and limits."),
    "ledger": ("clicksend.cli.ledger", "What was sent and what came of every row."),
    "probe": ("clicksend.cli.probe", "Ask an account what nobody has confirmed about ClickSend."),
    "verify": ("clicksend.cli.verify", "One-time codes, through the hub."),
    "sandbox": ("clicksend.cli.sandbox", "A local ClickSend, to try and break things against."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when it is the one to run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by name."""
        if name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return found


@click.group(cls=LazyGroup)
@click.version_option(package_name="singer-clicksend")
def command() -> None:
    """ClickSend from the command line."""


def main() -> None:
    """Run a command; exit with its code, with 1 after an error, 2 for wrong settings or arguments."""
    exit_codes.run_command(partial(command, standalone_mode=False), logging.getLogger("clicksend"))
