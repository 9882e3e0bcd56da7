"""The three commands that users run: in this process, all but its end, or in a process of their own."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO, Self

import pytest

import clicksend.cli
import tap_clicksend.__main__
import target_clicksend.__main__
from clicksend import exit_codes, logs

MAINS = {
    "clicksend": clicksend.cli.main,
    "tap-clicksend": tap_clicksend.__main__.main,
    "target-clicksend": target_clicksend.__main__.main,
}
PROCESSES = {
    "clicksend": [sys.executable, "-c", "from clicksend.cli import main; main()"],
    "tap-clicksend": [sys.executable, "-m", "tap_clicksend"],
    "target-clicksend": [sys.executable, "-m", "target_clicksend"],
}
FORKS = multiprocessing.get_context("forkserver")
# What commands import when they need it is imported once; a name that is no more costs time and nothing else.
FORKS.set_forkserver_preload(
    [
        "tests.command",
        "phonenumbers.timezone",
        "sqlalchemy.dialects.sqlite",
        "clicksend.ledger.ledger",
        "clicksend.cli.sandbox",
        "clicksend.sandbox.server.sandbox",
        "target_clicksend.contacts.write",
        "target_clicksend.messages.send",
        "target_clicksend.sinks.contacts",
        "target_clicksend.sinks.messages",
    ]
)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def environment(**more: str) -> dict[str, str]:
    """Return what a command finds in its environment: nothing of who runs the tests but this."""
    return {name: os.environ[name] for name in ("PATH", "TZ")} | more


def run_command(
    name: str,
    *arguments: str,
    stdin: bytes | IO[bytes] = b"",
    folder: str | Path = ".",
    env: Mapping[str, str] | None = None,
) -> CompletedProcess[bytes]:
    """Run a command in this process, as its `main` does, but for the end of the process.

    Args:
        name: Of `MAINS`.
        arguments: What comes after the name.
        stdin: What it reads.
        folder: Where it runs.
        env: Its variables, besides `environment()`.
    """
    source = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
    stdout, stderr, codes = io.BytesIO(), io.BytesIO(), list[int]()
    given = environment(**env or {})
    encoding = given.get("PYTHONIOENCODING", "utf-8")
    with pytest.MonkeyPatch.context() as patch, chdir(folder), _as_a_process_begins():
        for variable in set(os.environ) - set(given):
            patch.delenv(variable)
        for variable, value in given.items():
            patch.setenv(variable, value)
        patch.setattr(sys, "argv", [name, *arguments])
        # By these two click tells how it was called.
        patch.setattr(sys.modules["__main__"], "__package__", None, raising=False)
        patch.setattr(sys, "stdin", io.TextIOWrapper(source, encoding))  # type: ignore[type-var]
        patch.setattr(sys, "stdout", io.TextIOWrapper(stdout, encoding))
        patch.setattr(
            sys, "stderr", io.TextIOWrapper(stderr, encoding, "backslashreplace", write_through=True)
        )
        patch.setattr(exit_codes, "run_command", lambda *how: codes.append(exit_codes.exit_code_of(*how)))
        MAINS[name]()
        (code,) = codes
        return CompletedProcess([name, *arguments], code, stdout.getvalue(), stderr.getvalue())


def run_process(
    name: str,
    *arguments: str,
    stdin: bytes = b"",
    folder: str | Path = ".",
    env: Mapping[str, str] | None = None,
) -> CompletedProcess[bytes]:
    """Run a command as `run_command` does, but in a process of its own."""
    return subprocess.run(
        [*PROCESSES[name], *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
        cwd=folder,
        env=environment(**env or {}),
    )


class Started:
    """A command in a process of its own that can be fed, signalled and killed.

    It is forked from one that has imported all that a command needs: 20 ms instead of a second.
    """

    def __init__(
        self,
        command: str | Callable[[], object],
        *arguments: str,
        errors: Path,
        stdin: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            command: A name of `MAINS`, or what else is to run.
            arguments: What it finds in `sys.argv`.
            errors: The file for its stderr.
            stdin: What it reads; None for a pipe.
            env: Its variables, besides `environment()`.
        """
        theirs_in, ours_in = FORKS.Pipe(duplex=False)
        ours_out, theirs_out = FORKS.Pipe(duplex=False)
        given = environment(**env or {})
        errors.write_bytes(b"")
        self._process = FORKS.Process(
            target=_become,
            args=(command, arguments, given, theirs_in if stdin is None else stdin, theirs_out, errors),
        )
        self._process.start()
        self.stdin = open(os.dup(ours_in.fileno()), "wb")  # noqa: PTH123, SIM115
        self.stdout = open(os.dup(ours_out.fileno()), "rb")  # noqa: PTH123, SIM115
        for end in (theirs_in, ours_in, ours_out, theirs_out):
            end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Kill it if it runs still, and close its pipes."""
        self._process.kill()
        self._process.join()
        self.stdout.close()
        with suppress(BrokenPipeError):
            self.stdin.close()

    @property
    def returncode(self) -> int | None:
        """The exit code, minus the signal that killed it, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        assert self._process.pid
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; return the exit code."""
        self._process.join(seconds)
        assert self.returncode is not None
        return self.returncode


def _become(
    command: str | Callable[[], object],
    arguments: tuple[str, ...],
    env: dict[str, str],
    stdin: Connection | Path,
    stdout: Connection,
    errors: Path,
) -> None:
    """Be a command, in a fork."""
    source = stdin.fileno() if isinstance(stdin, Connection) else os.open(stdin, os.O_RDONLY)
    os.dup2(source, 0)
    os.dup2(stdout.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY), 2)
    stdout.close()
    if isinstance(stdin, Connection):
        stdin.close()
    for number, stream in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, stream, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [str(command), *arguments]
    main = MAINS[command] if isinstance(command, str) else command
    main()


@contextmanager
def _as_a_process_begins() -> Iterator[None]:
    """Without handlers, hooks and secrets of others; afterwards with those that there were."""
    root = logging.getLogger()
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(one, one.level, one.handlers, one.filters, one.propagate, one.disabled) for one in loggers]
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # Left for the end of a process to close.
        warnings.simplefilter("ignore", ResourceWarning)
        logging.captureWarnings(capture=False)
        for hooks, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
            patch.setattr(hooks, name, getattr(hooks, f"__{name}__"))
        patch.setattr(logs, "_secrets", set())
        logs.clean_reason.cache_clear()
        for logger in loggers:
            logger.handlers, logger.filters = [], []
        root.setLevel(logging.WARNING)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            logging.captureWarnings(capture=False)
            logs.clean_reason.cache_clear()
            for logger, *state in before:
                logger.level, logger.handlers, logger.filters, logger.propagate, logger.disabled = state
            root.manager._clear_cache()  # type: ignore[attr-defined]
            for number, handler in handlers.items():
                signal.signal(number, handler)
