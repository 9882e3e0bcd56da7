"""A copy of the project with its Meltano plugins, a warehouse and a hub, for the tests of the whole way."""

from tests.e2e.meltano_project import hub, link_plugins, meltano, plugins, warehouse  # noqa: F401, fixtures
