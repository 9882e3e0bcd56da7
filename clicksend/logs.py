"""What may be seen in a log: one filter before all handlers, whoever wrote the line.

No care at single calls can promise that no key, number or address gets out: libraries log too, and quote what
they were given. Reports, and what a command writes on stdout, are not logs, and stay as they are.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from clicksend.errors import ClickSendError
from clicksend.text import escaped

OURS = frozenset({"root", "clicksend", "tap-clicksend", "target-clicksend", "singer_sdk"})
"""First parts of the names of loggers whose texts are known; of others only errors are shown."""
METRICS = "singer_sdk.metrics"
"""Its lines hold counts, seconds and names of streams, as JSON, and other programs read them."""

SHORTEST_SECRET = 8
"""Characters: shorter ones are words, which would make holes in every line."""

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}

_secrets: set[str] = set()


def hide(*secrets: str | None) -> None:
    """Let no log line show these keys, or URLs with a password, from now on."""
    for secret in filter(None, secrets):
        parts = [secret]
        if "://" in secret:
            try:
                password = urlsplit(secret).password or ""
            except ValueError:
                password = ""
            parts += [password, unquote(password)]
        _secrets.update(part for part in parts if len(part) >= SHORTEST_SECRET)


def clean(text: str) -> str:
    """Return a text without keys, phone numbers and e-mail addresses, and with nothing a terminal obeys."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return escaped(text, longest=sys.maxsize)


clean_reason = lru_cache(maxsize=1024)(clean)
"""The same for texts that come again with row after row."""


class _Clean(str):
    """A text that went through the filter of another handler already."""

    __slots__ = ()


class Guard(logging.Filter):
    """Makes a record fit to be shown."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record may be shown, after cleaning it."""
        if isinstance(record.msg, _Clean):
            return True
        if record.name.partition(".")[0] not in OURS and record.levelno < logging.ERROR:
            return False
        for name in vars(record).keys() - _STANDARD:
            value = vars(record)[name]
            vars(record)[name] = value if isinstance(value, int | float | None) else clean(str(value))
        if record.name != METRICS:
            error = record.exc_info[1] if record.exc_info else None
            shown = clean(_message(record)) + ("\n" + told(error) if error else "")
            record.msg, record.args = _Clean(shown), None
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _message(record: logging.LogRecord) -> str:
    args = record.args
    if isinstance(args, tuple):
        args = tuple(map(_argument, args))
    elif args:
        args = {name: _argument(value) for name, value in args.items()}
    message = str(_argument(record.msg))
    try:
        return message % args if args else message
    except (KeyError, TypeError, ValueError):
        return "A message that cannot be put together."


def _argument(value: object) -> object:
    """Return what is shown for a part of a message: of errors of others only the kind, they quote values."""
    is_foreign = isinstance(value, BaseException) and not isinstance(value, ClickSendError)
    return type(value).__name__ if is_foreign else value


def told(error: BaseException) -> str:
    """Return where an error and those behind it happened: kinds, files and lines, no text but our own."""
    parts = []
    for one in _chain(error):
        frames = traceback.walk_tb(one.__traceback__)
        places = [f"  {frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in frames]
        text = f": {clean(str(one))}" if isinstance(one, ClickSendError) else ""
        parts.append("\n".join([*places, type(one).__name__ + text]))
    return "\nwhich led to:\n".join(reversed(parts))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def guard() -> None:
    """Put the filter before every handler that there is, and send there what Python prints itself."""
    if not logging.getLogger().handlers:
        level = os.environ.get("LOGLEVEL", "").upper()
        known = logging.getLevelNamesMapping()
        logging.basicConfig(format="%(message)s", level=known.get(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    for handler in {one for logger in loggers for one in getattr(logger, "handlers", ())}:
        handler.addFilter(Guard())
    threading.excepthook = lambda thrown: _uncaught(thrown.exc_value)
    sys.unraisablehook = lambda thrown: _uncaught(thrown.exc_value)


def _uncaught(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        logging.getLogger("clicksend").error("%s in the background.", type(error).__name__)
        logging.getLogger("clicksend").debug("Where it happened:", exc_info=error)
