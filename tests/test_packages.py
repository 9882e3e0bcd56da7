"""Wheel and sdist: what is in them installs and runs, on every Python of this machine that it is for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import requests
import uv

from tests.conftest import FULL
from tests.e2e.checkout import PACKAGES, ROOT
from tests.target.runner import line_of, state, stream_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SINGER = ("tap-clicksend", "target-clicksend")
EXTRAS = "arrow,postgres,sandbox"
ROWS = [{"id": 1, "to": "+61411222333", "body": "Hello"}]


def works(python: str) -> str | None:
    """Return its version, unless it is too old, or one of pyenv's names that lead nowhere."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def pythons() -> dict[str, str]:
    """Return the Pythons that are there, by version; none in a quick run: finding them takes seconds."""
    if not FULL:
        return {}
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


class Installation:
    """The package in a fresh environment, and what can be done with it there."""

    def __init__(self, folder: Path, python: str, package: str, *options: object) -> None:
        self.folder = folder
        self.programs = folder / "fresh" / "bin"
        self.run(uv.find_uv_bin(), "venv", "--quiet", "--python", python, "fresh")
        self.run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", "fresh", *options, package)

    def run(self, *command: object, stdin: bytes = b"") -> bytes:
        """Return what a command prints; it has to end well."""
        done = subprocess.run(
            command, cwd=self.folder, input=stdin, capture_output=True, check=False, timeout=600
        )
        assert done.returncode == 0, (done.stdout[-2000:] + done.stderr).decode()
        return done.stdout

    def works(self) -> None:
        """Do what everybody does: say the version and the settings, read, and write."""
        for name in ("clicksend", *SINGER):
            assert PROJECT["version"].encode() in self.run(self.programs / name, "--version")
        for name in SINGER:
            about = json.loads(self.run(self.programs / name, "--about", "--format=json"))
            assert about["version"] == PROJECT["version"]
        command = [self.programs / "clicksend", "sandbox", "--port=0", "--messages=50", "--contacts=20"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
            try:
                (url,) = re.findall(r"ready: (\S+)", sandbox.stdout.readline())
                self.reads_and_writes(url)
            finally:
                sandbox.terminate()

    def reads_and_writes(self, url: str) -> None:
        config = self.folder / "config.json"
        settings = {"username": "sandbox", "api_key": "sandbox-key", "api_url": url}
        config.write_text(json.dumps(settings))
        read = self.run(self.programs / "tap-clicksend", "--config", config).splitlines()
        counts = Counter(line["stream"] for line in map(json.loads, read) if line["type"] == "RECORD")
        with requests.Session() as session:
            session.trust_env = False
            held = session.get(url.replace("/v3", "/_sandbox/state"), timeout=60).json()["rows"]
        assert (counts["contacts"], counts["sms_history"]) == (held["contacts"], held["sms_history"])
        rows = [*stream_of("sms_messages", ROWS), state({"done": True})]
        ledger = f"sqlite:///{self.folder}/ledger.db"
        config.write_text(json.dumps(settings | {"ledger_url": ledger}))
        target = [self.programs / "target-clicksend", "--config", config]
        assert self.run(*target, stdin=b"".join(map(line_of, rows))) == b'{"done":true}\n'
        command = [self.programs / "clicksend", "ledger", "list", "--format=json", "--ledger-url", ledger]
        listed = json.loads(self.run(*command))
        assert [one["outcome"] for one in listed] == ["sent"]
        code = f"import clicksend; print(len(clicksend.read('countries', api_url='{url}').to_pandas()))"
        credentials = {"CLICKSEND_USERNAME": "sandbox", "CLICKSEND_API_KEY": "sandbox-key"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in credentials.items():
                patch.setenv(name, value)
            assert int(self.run(self.programs / "python", "-c", code)) > 200


@pytest.mark.long
@pytest.mark.parametrize("kind", [".whl", ".tar.gz"])
@pytest.mark.parametrize("version", pythons())
def test_they_install_and_run(dist, tmp_path, version, kind):
    pins = ROOT / "requirements-test.txt"
    package = f"{PROJECT['name']}[{EXTRAS}] @ {dist[kind].as_uri()}"
    options = ("--constraint", pins, "--build-constraint", ROOT / "requirements-demo.txt")
    fresh = Installation(tmp_path, pythons()[version], package, *options)
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    assert fresh.run(fresh.programs / "python", "-c", code).decode().strip() == version
    fresh.works()


@pytest.mark.long
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
@pytest.mark.parametrize("version", pythons())
def test_they_run_with_all_that_they_allow(dist, tmp_path, version, resolution):
    package = f"{PROJECT['name']}[{EXTRAS}] @ {dist['.whl'].as_uri()}"
    Installation(tmp_path, pythons()[version], package, "--resolution", resolution).works()


@pytest.mark.long
def test_what_it_says_to_install_is_enough(dist, tmp_path):
    """Wheels that are on no index, as nobody may have published us there."""
    package = f"{PROJECT['name']} @ {dist['.whl'].as_uri()}"
    fresh = Installation(tmp_path, sys.executable, package)
    sandbox = [fresh.programs / "clicksend", "sandbox", "--port=0"]
    done = subprocess.run(sandbox, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (advice,) = re.findall(r"aiohttp is missing: install it with (uv pip .*)\n", done.stderr)
    environment = {"VIRTUAL_ENV": str(fresh.programs.parent), "PATH": f"{Path(uv.find_uv_bin()).parent}:/bin"}
    subprocess.run(advice, shell=True, check=True, env=os.environ | environment, cwd=tmp_path, timeout=600)
    with subprocess.Popen(sandbox, stdout=subprocess.PIPE, text=True) as running:
        assert "ready" in running.stdout.readline()
        running.terminate()


@pytest.mark.long
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
