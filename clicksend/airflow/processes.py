"""A pipe of processes that is read, and stopped, as a whole."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

PATIENCE = 60.0
"""Seconds that a stopped process has: the target waits for the answer to the request that is under way."""
PAUSE = 0.05
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl."""
KEPT_BACK = ("AIRFLOW_", "_AIRFLOW", "CLICKSEND_", "SKILLBOSS_")
"""How variables begin that no child gets: Airflow's own secrets, and keys of other accounts."""


class Pipe:
    """Running processes, the output of each the input of the next: ``with Pipe([tap, target], ...) as pipe``.

    They are one process group. On Linux they are asked to stop when the process that started them dies.
    """

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        *,
        env: Mapping[str, str],
        folder: Path | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        """Start them.

        Args:
            commands: Programs with their arguments.
            env: All that they find in their environment.
            folder: Where they run.
            output: Where the last one writes; None: among the lines.

        Raises:
            OSError: One cannot be started; none runs any more.
        """
        reading, writing = os.pipe()
        self._text = open(reading, encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
        self._processes: list[subprocess.Popen[bytes]] = []
        self._group = 0
        source: IO[bytes] | None = None
        try:
            for command in commands:
                is_last = command is commands[-1]
                process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=source or subprocess.DEVNULL,
                    stdout=(output or writing) if is_last else subprocess.PIPE,
                    stderr=writing,
                    cwd=folder,
                    env=env,
                    process_group=self._group,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
                )
                self._group = self._group or process.pid
                self._processes.append(process)
                if source:
                    source.close()
                source = process.stdout
        except OSError:
            if source:
                source.close()
            self.stop()
            self._text.close()
            raise
        finally:
            os.close(writing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop whatever still runs."""
        self.stop()
        self._text.close()

    def lines(self) -> Iterator[str]:
        """Yield what they say, line by line, until all have ended."""
        for line in self._text:
            yield line.rstrip()

    def codes(self) -> list[int]:
        """Wait for their ends; return the exit codes, as a shell has them: 143 for one that SIGTERM ended."""
        while any(process.poll() is None for process in self._processes):
            time.sleep(PAUSE)
        return [128 - code if (code := process.returncode) < 0 else code for process in self._processes]

    def stop(self, patience: float = PATIENCE) -> None:
        """Ask all of them, and what they have started, to stop; wait; end what is left.

        It may be called from a signal handler while ``lines`` or ``codes`` wait.
        """
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + patience
            self._signal(number)
            while not self._is_gone():
                if time.monotonic() > deadline:
                    break
                time.sleep(PAUSE)

    def _signal(self, number: int) -> None:
        if not self._is_gone():
            with suppress(ProcessLookupError):
                os.killpg(self._group, number)

    def _is_gone(self) -> bool:
        for process in self._processes:
            process.poll()  # else it stays in its group
        if not self._group:
            return True
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return True
        return False


def without_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """Return what a child may have of an environment."""
    return {name: value for name, value in env.items() if not name.startswith(KEPT_BACK)}


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent dies: nobody else could stop us then."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
