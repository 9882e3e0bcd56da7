"""dbt, and the loader that fills its warehouse."""

from __future__ import annotations

import pytest

from tests.e2e.meltano_project import plugins  # noqa: F401, fixture
from tests.transform.dbt import installed
from tests.transform.engines import Loader


@pytest.fixture(scope="session")
def dbt():
    """Return the command dbt."""
    return installed()


@pytest.fixture(scope="session")
def loader(plugins) -> Loader:  # noqa: F811
    """Return the loader that meltano.yml names."""
    return Loader(plugins / ".meltano/loaders/target-postgres/venv/bin/target-postgres")
