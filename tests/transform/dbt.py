"""dbt with its adapters for PostgreSQL and DuckDB, in an environment of its own inside the tests'."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.checkout import ROOT
from tests.e2e.kept import kept

REQUIREMENTS = ROOT / "requirements-dbt-engines.txt"


def installed() -> Path:
    """Return the command; it is installed when its requirements have changed."""
    return kept("dbt", [REQUIREMENTS], _install) / "bin" / "dbt"


def _install(folder: Path) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", folder], [*pip, "--require-hashes", "-r", REQUIREMENTS]):
        subprocess.run(command, check=True, capture_output=True)
