"""`make audit`: what should not be in code, dependencies and history. Exit code 1 when something is.

It runs in an environment of its own (requirements-audit.txt), next to none of what it looks at.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob("requirements-*.txt"))
PACKAGES = ("clicksend", "tap_clicksend", "target_clicksend", "orchestrate", "docs", "tools")

LOOKED_AT = {
    (
        "B608",
        "clicksend/airflow/warehouse.py",
    ): "names of a table and a column, quoted; all else is a parameter",
    ("B108", "demo/postgres.py"): "mkdtemp makes the folder, for its owner only",
}
"""Findings of bandit (medium and above) that are none, and why."""

LICENCES = frozenset(
    {
        "0BSD",
        "AFL-2.1",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "LGPL",
        "LGPL-2.1",
        "LGPL-3.0-only",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""What a program under MIT may depend on; the weak copylefts (LGPL, MPL) because it only imports them."""
SPELLINGS = {
    "3-clause bsd license": "BSD",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd 2-clause license": "BSD",
    "bsd 3-clause license": "BSD",
    "bsd license": "BSD",
    "dual license": "Apache-2.0",
    "gnu library or lesser general public license (lgpl)": "LGPL",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "lgpl with exceptions": "LGPL",
    "mit -or- apache license 2.0": "Apache-2.0",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "new bsd": "BSD",
    "psfl": "PSF-2.0",
    "public domain": "Unlicense",
    "python software foundation license": "PSF-2.0",
}
"""Of licences in metadata, in small letters, and as SPDX has them."""
OTHERWISE = {
    "clicksend-client": "names none; only tests import it, in a process of its own",
    "pipelinewise-tap-postgres": "AGPL-3.0: a program of its own; only a test runs it",
    "strict-rfc3339": "GPL-3.0: a part of pipelinewise-tap-postgres",
    "text-unidecode": "Artistic License, or GPL: a part of Airflow, which we only import",
    "meltanolabs-tap-postgres": "Elastic-2.0: a program of its own, which Meltano installs",
}
"""Packages under other licences, and why they may be used."""

SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a key of AWS": r"\bAKIA[0-9A-Z]{16}\b",
    "a token of GitHub": r"\bgh[pousr]_[0-9A-Za-z]{36}\b",
    "a token of Slack": r"\bxox[abprs]-[0-9A-Za-z-]{20}",
    "a key of SkillBoss": r"\bsk[-_](?:live[-_])?[0-9A-Za-z]{20}",
    "a key": r"(?i)(?:api_?key|pii_?key|password|secret|token)['\"]?\s*[:=]\s*['\"]?[0-9a-z+/_-]{32,}",
}
HARMLESS = re.compile(r"NOTAREALKEY|THIS-IS-A-LIVE-API-KEY|(?i:example)")
"""What made-up secrets have in them."""
_PIN = re.compile(
    r"[A-Za-z0-9._-]+(?:\[[a-z0-9,_-]+\])?==[^\s;]+(?: ; [^\\]+)?(?: +--hash=sha256:[0-9a-f]{64})+"
)


def unpinned(text: str) -> Iterator[str]:
    """Yield a file's requirements that are not pinned to a version with hashes, or name an index."""
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        requirement = line.partition(" #")[0].strip()
        if requirement and not requirement.startswith("#") and not _PIN.fullmatch(requirement):
            yield requirement.split(" --hash")[0]


def licences(metadata: Mapping[str, Any]) -> set[str]:
    """Return the licences that a package's metadata name, as SPDX spells them."""
    named = [one for one in metadata.get("classifier", []) if one.startswith("License :: ")]
    stated = metadata.get("license_expression") or metadata.get("license") or ""
    if stated not in {"", "UNKNOWN"} and "\n" not in stated:  # some put the whole text there
        named = re.split(r" AND | OR |[()]", stated)
    found = (one.split(" :: ")[-1].strip() for one in named)
    return {SPELLINGS.get(one.lower(), one) for one in found if one}


def forbidden(metadata: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a package's licence, None when nothing is."""
    found = licences(metadata)
    if metadata["name"] in OTHERWISE or (found and found <= LICENCES):
        return None
    return f"{metadata['name']}: {', '.join(sorted(found - LICENCES)) or 'no licence'} is not allowed"


def secrets(log: Iterable[str]) -> Iterator[str]:
    """Yield where `git log -p` adds what looks like a secret; never the secret."""
    commit = file = ""
    for line in log:
        if line.startswith("commit "):
            commit = line.split()[1][:12]
            file = "its message"
        elif line.startswith("+++ "):
            file = line[6:].strip()
        elif line.startswith(("+", "    ")) and not HARMLESS.search(line):
            for name, pattern in SECRETS.items():
                if re.search(pattern, line):
                    yield f"{name} in {file} of commit {commit}"


def judged(report: Mapping[str, Any]) -> tuple[list[str], int]:
    """Return the vulnerabilities in pip-audit's report, and how many packages it knows nothing of."""
    packages = report["dependencies"]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {flaw['fix_versions']}"
        for one in packages
        for flaw in one.get("vulns", [])
    ]
    return found, sum("skip_reason" in one for one in packages)


def _json(*command: str) -> Any:
    """Run a tool and decode what it prints; None when that is not JSON."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, check=False)  # noqa: S603
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None


def _code() -> list[str]:
    report = _json("bandit", "--quiet", "-ll", "--format", "json", "--recursive", *PACKAGES)
    if report is None:
        return ["bandit did not run"]
    return [
        f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
        for one in report["results"]
        if (one["test_id"], one["filename"]) not in LOOKED_AT
    ]


def _pins() -> list[str]:
    return [f"{file.name}: {line} has no hash" for file in FILES for line in unpinned(file.read_text())]


def _licences() -> list[str]:
    """Ask the index for the metadata of all that is pinned; nothing is installed."""
    options = ("--dry-run", "--ignore-installed", "--ignore-requires-python", "--no-deps", "--require-hashes")
    wrong: set[str] = set()
    for file in FILES:
        report = _json("pip", "install", "-qqq", *options, "--report", "-", "--requirement", str(file))
        if report is None:
            wrong.add(f"{file.name}: pip cannot find its packages")
        else:
            wrong.update(filter(None, (forbidden(one["metadata"]) for one in report["install"])))
    return sorted(wrong)


def _history() -> list[str]:
    command = ["git", "log", "--all", "--patch", "--unified=0", "--no-color", "--no-ext-diff"]
    log = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    return sorted(set(secrets(log.stdout.decode(errors="replace").splitlines())))


def _vulnerabilities() -> tuple[list[str], int]:
    wrong: set[str] = set()
    unknown = 0
    for file in FILES:
        options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
        report = _json("pip_audit", *options, "--requirement", str(file))
        found, skipped = judged(report) if report else ([], file.read_text().count("=="))
        wrong.update(found)
        unknown += skipped
    return sorted(wrong), unknown


def newest(dependencies: Iterable[str]) -> list[str]:
    """Return dependencies with any later Singer SDK instead of ours, pre-releases included."""
    return [re.sub(r"^(singer-sdk)~=([\d.]+).*", r"\1>=\2.dev0", one) for one in dependencies]


def _next_sdk() -> str:
    """Start tap and target with the newest Singer SDK that there is; return what came of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with TemporaryDirectory() as folder:
        venv.create(folder)
        python = Path(folder, "bin", "python")
        install = [sys.executable, "-m", "pip", "--python", python, "install", "-qqq"]
        subprocess.run([*install, *newest(project["dependencies"])], check=True)  # noqa: S603
        subprocess.run([*install, "--no-deps", ROOT], check=True)  # noqa: S603
        for name in ("tap_clicksend", "target_clicksend"):
            about = [python, "-m", name, "--about", "--format=json"]
            done = subprocess.run(about, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                return f"{name} does not start: {done.stderr.strip().rpartition(chr(10))[2]}"
        return f"tap and target start with {json.loads(done.stdout)['sdk_version']}"


def main() -> int:
    """Print a line for each check, and each finding; return the exit code."""
    vulnerable, unknown = _vulnerabilities()
    checks = {
        "code (bandit)": _code(),
        "hashes of requirements": _pins(),
        "licences": _licences(),
        "secrets in history": _history(),
        "known vulnerabilities (pip-audit)": vulnerable,
    }
    for name, found in checks.items():
        sys.stdout.write(f"{name}: {len(found) or 'nothing'} found\n")
        sys.stdout.writelines(f"  {one}\n" for one in found)
    if unknown:
        sys.stdout.write(f"  {unknown} pins NOT JUDGED: the service does not answer, or not about them\n")
    sys.stdout.write(f"newest Singer SDK: {_next_sdk()}\n")
    return int(any(checks.values()))


if __name__ == "__main__":
    sys.exit(main())
