"""Wheel and sdist: what is in them installs and runs, on every Python of this machine that it is for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import uv

from tests.e2e.checkout import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SINGER = ("tap-clicksend", "target-clicksend")


def works(python: str) -> str | None:
    """Return its version, unless it is too old, or one of pyenv's names that lead nowhere."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def pythons() -> dict[str, str]:
    """Return the Pythons that are there, by version."""
    names = [f"python3.{minor}" for minor in range(11, 20)]
    homes = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))
    found = filter(None, [sys.executable, *map(shutil.which, names), *map(str, homes)])
    versions = {works(python): python for python in found}
    return {
        version: python
        for version, python in sorted(versions.items(), key=str)
        if version and int(version.partition(".")[2]) >= 11
    }


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    options = ["--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder]
    subprocess.run([uv.find_uv_bin(), "build", *options, ROOT], check=True, capture_output=True)
    return {kind: next(folder.glob(f"*{kind}")) for kind in (".whl", ".tar.gz")}


def test_every_package_says_that_it_is_typed():
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").is_file()] == []


def test_the_changes_begin_with_this_version():
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == PROJECT["version"]


@pytest.mark.long
def test_wheel_and_sdist_hold_the_product_and_nothing_else(dist):
    files = zipfile.ZipFile(dist[".whl"]).namelist()
    assert {f"{name}/py.typed" for name in PACKAGES} < set(files)
    about = f"singer_clicksend-{PROJECT['version']}.dist-info"
    assert {name.partition("/")[0] for name in files} == {*PACKAGES, about}
    with tarfile.open(dist[".tar.gz"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        *(f"{name}/py.typed" for name in PACKAGES),
    } < names
    assert not [name for name in names if name.startswith((".venv", "tests/", "docs/gallery"))]


@pytest.mark.long
@pytest.mark.parametrize("kind", [".whl", ".tar.gz"])
@pytest.mark.parametrize("version", pythons())
def test_they_install_and_run(dist, tmp_path, version, kind):
    def run(*command: object) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(uv.find_uv_bin(), "venv", "--quiet", "--python", pythons()[version], "fresh")
    pins = ROOT / "requirements-demo.txt"
    options = ("--quiet", "--python", "fresh", "--constraint", pins, "--build-constraint", pins)
    run(uv.find_uv_bin(), "pip", "install", *options, dist[kind])
    programs = tmp_path / "fresh" / "bin"
    assert (
        run(programs / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() == version
    )
    for name in ("clicksend", *SINGER):
        assert PROJECT["version"] in run(programs / name, "--version")
    for name in SINGER:
        assert json.loads(run(programs / name, "--about", "--format=json"))["version"] == PROJECT["version"]
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"username": "sandbox", "api_key": "sandbox-key"}))
    catalog = json.loads(run(programs / "tap-clicksend", "--config", config, "--discover"))
    assert "sms_history" in {stream["stream"] for stream in catalog["streams"]}


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("dependabot.yml", "dependabot"),
        ("workflows/test.yml", "github-workflows"),
        ("workflows/release.yml", "github-workflows"),
    ],
)
def test_the_forge_understands_its_files(file, schema):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*check, ROOT / ".github" / file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
