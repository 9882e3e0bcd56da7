"""What a person is told who lacks an extra, however this package was installed."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from clicksend import extras
from tests.e2e.checkout import ROOT

RECEIPT = '[tool]\nrequirements = [{ name = "psycopg" }, { name = "singer-clicksend", extras = ["arrow"] }]\n'
ANEW = "singer-clicksend[arrow,s3]"


class Installed:
    """What pip and its like note of a package."""

    def __init__(self, **files: str) -> None:
        self.files = files

    def read_text(self, name):
        return self.files.get(name.partition(".")[0])


@pytest.mark.parametrize(
    ("files", "noted", "sentence"),
    [
        ({}, {"INSTALLER": "pip\n"}, "install it with pip install 'singer-clicksend[s3]'"),
        ({}, {}, "install it with pip install 'singer-clicksend[s3]'"),
        ({}, {"INSTALLER": "uv\n"}, "install it with uv pip install 'singer-clicksend[s3]'"),
        (
            {"pipx_metadata.json": "{}"},
            {"INSTALLER": "pip"},
            "install it with pipx inject singer-clicksend 'singer-clicksend[s3]'",
        ),
        (
            {"uv-receipt.toml": RECEIPT},
            {"INSTALLER": "uv"},
            f"install it with uv tool install '{ANEW}'",
        ),
        (
            {"uv-receipt.toml": RECEIPT},
            {"INSTALLER": "uv", "direct_url": '{"url": "https://key@example.com/x.git"}'},
            "install it with uv tool install, from where you had singer-clicksend, now as " + ANEW,
        ),
    ],
)
def test_the_program_is_the_one_that_was_used(tmp_path, monkeypatch, files, noted, sentence):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(extras, "distribution", lambda _: Installed(**noted))
    assert extras.to_install("s3") == sentence


def test_meltano_installs_by_itself(monkeypatch):
    monkeypatch.setattr(
        sys, "prefix", str(Path("project", ".meltano", "extractors", "tap-clicksend", "venv"))
    )
    assert extras.to_install("arrow", "s3") == (
        "add [arrow,s3] to singer-clicksend in the plugin's pip_url, and run meltano install"
    )


def test_the_extras_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(get_args(extras.Extra)) == set(project["optional-dependencies"])
    assert project["name"] == extras.PACKAGE


def test_a_checkout_that_nobody_has_installed_says_it_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(extras, "PACKAGE", "nobody-has-installed-this")
    assert extras.to_install("s3") == "install it with pip install 'nobody-has-installed-this[s3]'"
