"""ClickSend's own SDK for Python, `clicksend-client`: a client that nobody here wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

FOLDER = Path(sys.prefix) / "clicksend-client"
"""Where `make` installs it: its package is called `clicksend`, as ours is."""


class OfficialClient:
    """The SDK in a process of its own, started with the first question (it takes two seconds to import)."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process:
            self._process.communicate()

    def start(self) -> None:
        """Let it import itself while others work."""
        if not self._process:
            assert FOLDER.is_dir(), f"{FOLDER} is missing: run make .venv/test.stamp"
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-S", Path(__file__).with_name("official_process.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"PYTHONPATH": str(FOLDER)},
                text=True,
            )

    def ask(self, do: str, **arguments: Any) -> Any:
        """Let a function of `official_process` answer."""
        self.start()
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the SDK's process has ended; its error is above"
        return json.loads(answer)


@pytest.fixture(scope="session")
def official() -> Iterator[OfficialClient]:
    """Return ClickSend's own SDK."""
    with OfficialClient() as sdk:
        yield sdk
