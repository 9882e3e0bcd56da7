"""dbt with both engines, the loader, and a world whose data both engines hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.e2e.checkout import ROOT
from tests.e2e.kept import kept
from tests.e2e.meltano_project import plugins  # noqa: F401, fixture
from tests.transform.engines import Loader

REQUIREMENTS = ROOT / "requirements-dbt-engines.txt"


@pytest.fixture(scope="session")
def dbt():
    """Return the command dbt, with its adapters for PostgreSQL and DuckDB."""

    def make(folder):
        run = [sys.executable, "-m", "venv", folder]
        pip = [
            *(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "-r", REQUIREMENTS),
        ]
        for command in (run, pip):
            subprocess.run(command, check=True, capture_output=True)

    return kept("dbt", [REQUIREMENTS], make) / "bin" / "dbt"


@pytest.fixture(scope="session")
def loader(plugins) -> Loader:  # noqa: F811
    """Return the loader that meltano.yml names."""
    return Loader(plugins / ".meltano/loaders/target-postgres/venv/bin/target-postgres")
