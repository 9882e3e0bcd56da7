"""The requirement files hold what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CORE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
FILES = {
    "demo": [*CORE, *EXTRAS["postgres"], *EXTRAS["sandbox"]],
    "test": [*CORE, *EXTRAS["postgres"], *EXTRAS["sandbox"], *EXTRAS["arrow"]],
    "airflow": [*CORE, *EXTRAS["postgres"], *EXTRAS["airflow"]],
    "audit": [],
    "loader": [],
    "loader-files": [],
    "s3": [*CORE, *EXTRAS["arrow"], *EXTRAS["postgres"], *EXTRAS["s3"]],
    "spark": [*CORE, *EXTRAS["sandbox"], *EXTRAS["spark"]],
    "extractor": [],
    "clicksend-client": [],
    "tap-csv": [],
    "tap-pipelinewise": [],
    "tap-spreadsheets": [],
}


def group(name: str) -> list[str]:
    found = []
    for entry in PROJECT["dependency-groups"][name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_pinned_within_its_specifier(name):
    text = (ROOT / f"requirements-{name}.txt").read_text()
    pins = {
        canonicalize_name(pin): version
        for pin, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    }
    for requirement in map(Requirement, [*FILES[name], *group(name)]):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
