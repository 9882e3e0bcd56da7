"""How a command ends: with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from clicksend import logs
from clicksend.errors import ClickSendError, SettingsError

UNEXPECTED = (
    "This should not happen: please report it, with what LOGLEVEL=DEBUG shows (look for personal data first)."
)


def _show(error: click.ClickException) -> None:
    """Say what click found wrong, without the arguments that nobody asked for: often parts of a number."""
    text = logs.clean(error.format_message())
    if text.startswith("Got unexpected extra arg"):
        text = text.partition(" (")[0] + ": put quotes around what has blanks."
    if isinstance(error, click.UsageError) and error.ctx:
        click.echo(error.ctx.get_usage(), err=True)
    click.echo(f"Error: {text}", err=True)


def exit_code_of(
    command: Callable[[], object], logger: logging.Logger, wrong_settings: tuple[type[Exception], ...] = ()
) -> int:
    """Run a command; return what the process is to end with.

    Exit codes: the command's own, 1 after an error, 2 for wrong settings.

    Args:
        command: What to run; ``SystemExit`` gives its code, and so does a number that is returned.
        logger: Where errors go.
        wrong_settings: Errors that mean wrong settings, besides our own.
    """
    # Until the command has a handler of its own, Ctrl-C ends the process as SIGTERM does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logs.guard()
    code: int | str | None = 0
    try:
        # click's own exits come as a number.
        returned = command()
        code = returned if isinstance(returned, int) else 0
    except SystemExit as stop:
        code = stop.code
    except click.ClickException as error:
        _show(error)
        code = error.exit_code
    except click.Abort:
        code = 1
    except Exception as error:
        is_settings = isinstance(error, (SettingsError, *wrong_settings))
        code = 2 if is_settings else 1
        if is_settings or isinstance(error, ClickSendError):
            logger.error("%s", error)  # noqa: TRY400
        else:
            logger.error("%s. %s", type(error).__name__, UNEXPECTED)  # noqa: TRY400
        logger.debug("Where it happened:", exc_info=True)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or 1
    return code if isinstance(code, int) else int(code is not None)


def run_command(
    command: Callable[[], object], logger: logging.Logger, wrong_settings: tuple[type[Exception], ...] = ()
) -> NoReturn:
    """Run a command as ``exit_code_of`` does, and end the process with its code."""
    code = exit_code_of(command, logger, wrong_settings)
    logging.shutdown()
    # Threads that still wait for ClickSend must not hold up the end.
    os._exit(code)
