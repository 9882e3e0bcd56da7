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


AtEnd = Callable[[int, str | None], None]


def _show(error: click.ClickException) -> None:
    """Say what click found wrong, without the arguments that nobody asked for: often parts of a number."""
    text = logs.clean(error.format_message())
    if text.startswith("Got unexpected extra arg"):
        text = text.partition(" (")[0] + ": put quotes around what has blanks."
    if isinstance(error, click.UsageError) and error.ctx:
        click.echo(error.ctx.get_usage(), err=True)
    click.echo(f"Error: {text}", err=True)


def exit_code_of(
    command: Callable[[], object],
    logger: logging.Logger,
    wrong_settings: tuple[type[Exception], ...] = (),
    at_end: AtEnd = lambda *_: None,
) -> int:
    """Run a command; return what the process is to end with.

    Exit codes: the command's own, 1 after an error, 2 for wrong settings.

    Args:
        command: What to run; ``SystemExit`` gives its code, and so does a number that is returned.
        logger: Where errors go.
        wrong_settings: Errors that mean wrong settings, besides our own.
        at_end: Called last, with the exit code, and with the sentence that was logged, if any.
    """
    # Until the command has a handler of its own, Ctrl-C ends the process as SIGTERM does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logs.guard()
    code: int | str | None = 0
    said: str | None = None
    try:
        # click's own exits come as a number.
        returned = command()
        code = returned if isinstance(returned, int) else 0
    except SystemExit as stop:
        code = stop.code
    except click.ClickException as error:
        _show(error)
        code, said = error.exit_code, error.format_message()
    except click.Abort:
        code = 1
    except Exception as error:
        is_settings = isinstance(error, (SettingsError, *wrong_settings))
        code = 2 if is_settings else 1
        said = str(error) if is_settings else sentence_of(error)
        logger.error("%s", said)  # noqa: TRY400
        logger.debug("Where it happened:", exc_info=True)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or 1
    code = code if isinstance(code, int) else int(code is not None)
    at_end(code, said)
    return code


def sentence_of(error: BaseException) -> str:
    """Return what is said of an error: of others than ours only the kind, they quote values."""
    return str(error) if isinstance(error, ClickSendError) else f"{type(error).__name__}. {UNEXPECTED}"


def run_command(
    command: Callable[[], object],
    logger: logging.Logger,
    wrong_settings: tuple[type[Exception], ...] = (),
    at_end: AtEnd = lambda *_: None,
) -> NoReturn:
    """Run a command as ``exit_code_of`` does, and end the process with its code."""
    code = exit_code_of(command, logger, wrong_settings, at_end)
    logging.shutdown()
    # Threads that still wait for ClickSend must not hold up the end.
    os._exit(code)
