"""A copy of the project, as somebody else's checkout: what a test makes in it stays out of the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("clicksend", "tap_clicksend", "target_clicksend")
MELTANO = ("meltano.yml", "files.meltano.yml")
PARTS = (
    *(*PACKAGES, *MELTANO, "plugins", "demo", "orchestrate", "transform"),
    *("pyproject.toml", "README.md", "LICENSE", "Makefile"),
)


def check_out(parent: Path) -> Path:
    """Copy what Meltano and the demo use, to a path with spaces and more than a socket's path may have."""
    target = parent / ("a long path with spaces " * 5).strip()
    target.mkdir()
    for path in (*map(ROOT.joinpath, PARTS), *ROOT.glob("requirements-*.txt")):
        if path.is_dir():
            shutil.copytree(path, target / path.name)
        else:
            shutil.copy(path, target)
    return target


def run(project: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module or program in the copy, with the copy's code."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, "MELTANO_CLI_DISABLE_VERSION_CHECK": "1", **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
