"""What `make audit` finds, and what it lets pass."""

from __future__ import annotations

import runpy
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.e2e.checkout import ROOT

AUDIT = runpy.run_path(str(ROOT / "tools" / "audit.py"))
HASH = "--hash=sha256:" + "0a" * 32


@pytest.mark.parametrize("file", sorted(ROOT.glob("requirements-*.txt")), ids=lambda file: file.stem)
def test_every_requirement_file_is_hashed(file):
    assert list(AUDIT["unpinned"](file.read_text())) == []


@pytest.mark.parametrize(
    "line",
    [
        "requests",
        "requests==2.32.0",
        f"requests>=2.32.0 {HASH}",
        f"requests==2.32.0 {HASH[:-1]}",
        "requests==2.32.0 --hash=md5:" + "0a" * 16,
        f"requests @ https://example.com/requests.whl {HASH}",
        "-r other.txt",
        "-e .",
        "--index-url https://example.com/simple",
        "git+https://example.com/requests",
    ],
)
def test_a_requirement_without_hash_is_found(line):
    text = (
        f"# made\none==1.0 \\\n    {HASH} \\\n    {HASH}\ntwo==1 ; python_version < '3.12' \\\n    {HASH}\n"
    )
    assert list(AUDIT["unpinned"](text)) == []
    assert len(list(AUDIT["unpinned"](text + line + "\n"))) == 1


@pytest.mark.parametrize(
    ("metadata", "is_allowed"),
    [
        ({"license_expression": "MIT"}, True),
        ({"license_expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, True),
        ({"license": "Apache 2.0"}, True),
        ({"license": "Apache License, Version 2.0"}, True),
        ({"license": "mit license"}, True),
        ({"license": "License :: OSI Approved :: MIT License"}, True),
        ({"license": "UNKNOWN", "classifier": ["License :: OSI Approved :: MIT License"]}, True),
        ({"license": "UNKNOWN"}, False),
        ({"license": "text\n" * 100, "classifier": ["License :: OSI Approved :: MIT License"]}, True),
        ({"classifier": ["License :: OSI Approved :: BSD License", "Topic :: Utilities"]}, True),
        ({"license_expression": "GPL-3.0-only"}, False),
        ({"license_expression": "MIT AND AGPL-3.0-only"}, False),
        ({"license": "Proprietary"}, False),
        ({"license": "text\n" * 100}, False),
        ({"classifier": ["License :: Other/Proprietary License"]}, False),
        ({}, False),
    ],
)
def test_licences(metadata, is_allowed):
    assert (AUDIT["forbidden"]({"name": "one", **metadata}) is None) is is_allowed


SECRETS = [
    "-----BEGIN RSA PRIVATE " + "KEY-----",
    "AKIA" + "ABCDEFGHIJ234567",
    "ghp_" + "a1B2" * 9,
    "xoxb-" + "1234567890-abcdefghij",
    "sk-" + "a1B2c3D4" * 3,
    "CLICKSEND_API_KEY=A1B2C3D4-" + "1111-2222-3333-444455556666",
    'api_key = "' + "a1B2c3D4" * 4 + '"',
    '"password": "' + "a1B2c3D4" * 4 + '"',
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_history_is_found_and_not_shown(secret):
    log = ["commit 0123456789abcdef", "    A message", "+++ b/a file.py", f"+x = {secret}", f"-{secret}"]
    (found,) = set(AUDIT["secrets"](log))
    assert found.endswith("in a file.py of commit 0123456789ab")
    assert secret not in found
    assert list(AUDIT["secrets"](["commit 01", f"    {secret}"]))
    assert (
        list(AUDIT["secrets"](["commit 01", "+++ b/x", f"-{secret}", f" {secret}", f"+NOTAREALKEY {secret}"]))
        == []
    )


def test_what_pip_audit_says():
    flaw = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
    report = {
        "dependencies": [
            {"name": "a", "version": "1.0", "vulns": [flaw]},
            {"name": "b", "version": "1.0", "vulns": []},
            {"name": "c", "skip_reason": "Dependency not found"},
        ]
    }
    assert AUDIT["judged"](report) == (["a 1.0: PYSEC-1, mended in ['1.1']"], 1)


def test_the_newest_sdk_may_be_a_pre_release_and_nothing_else():
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    changed = set(AUDIT["newest"](dependencies)) ^ set(dependencies)
    assert {Requirement(one).name for one in changed} == {"singer-sdk"}
    (later,) = changed - set(dependencies)
    allowed = Requirement(later).specifier
    assert all(one in allowed for one in ("0.54.9", "0.55.0b7", "0.56.0", "1.0.0a1"))
    assert "0.54.8" not in allowed
