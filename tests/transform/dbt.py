"""dbt with its adapters, in environments of their own inside the tests'."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.e2e.checkout import ROOT
from tests.e2e.kept import kept


def installed(name: str = "dbt-engines") -> Path:
    """Return the command dbt with the packages of a requirement file; it is installed when that has changed.

    Args:
        name: ``dbt-engines``, the version that users have; ``dbt-next``, the one after it, with DuckDB only.
    """
    requirements = ROOT / f"requirements-{name}.txt"
    return kept(name, [requirements], partial(_install, requirements)) / "bin" / "dbt"


def _install(requirements: Path, folder: Path) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The file is complete, but for what is left out of it on purpose.
    options = ["--no-deps", "--require-hashes", "-r", requirements]
    for command in ([sys.executable, "-m", "venv", folder], [*pip, *options]):
        subprocess.run(command, check=True, capture_output=True)
