"""A copy of the project with its Meltano plugins, a warehouse and a hub, for the tests of the whole way."""

from tests.e2e.meltano_project import hub, link_plugins, meltano, plugins, warehouse  # noqa: F401, fixtures
from tests.e2e.object_store import _moto, loader, programs, s3  # noqa: F401, fixtures
