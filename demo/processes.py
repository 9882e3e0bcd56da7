"""Starting other programs, and stopping exactly those again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

PATIENCE = 20.0


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def python(entry: str) -> list[str]:
    """Return the command of a Python entry point, ``package.module:function``.

    Not its script: that one names the virtual environment's path, which ends when the folder is moved.
    """
    module, _, function = entry.partition(":")
    return [sys.executable, "-c", f"from {module} import {function} as main; main()"]


def start(
    command: Sequence[str],
    log: IO[bytes],
    *,
    stdout: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own: Ctrl-C reaches the demo only, which stops it in order."""
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=log if stdout is None else stdout,
        stderr=log,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], *requests: signal.Signals) -> None:
    """Stop a program and what it started, with the requests in turn and at last without asking."""
    for request in (*(requests or (signal.SIGTERM,)), signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, request)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def tail(log: Path, lines: int = 10) -> str:
    """Return the end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
