"""dbt with its adapters, in environments of their own inside the tests'."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.checkout import ROOT
from tests.e2e.kept import environment_of


def installed(name: str = "dbt-engines") -> Path:
    """Return the command dbt with the packages of a requirement file.

    Args:
        name: ``dbt-engines``, the version that users have; ``dbt-next``, the one after it, with DuckDB only.
    """
    return environment_of(ROOT / f"requirements-{name}.txt") / "dbt"
