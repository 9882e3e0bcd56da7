"""``meltano run`` on the demo's ClickSend and warehouse, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from demo.messages import DEDUPE_WINDOW_HOURS, QUIET_HOURS
from demo.processes import DemoError, python, start, stop

SENDING = ("messages-to-clicksend", "customers-to-clicksend")
ANSWERING = ("clicksend-to-answers",)
PINS = (
    "meltano.yml",
    "plugins/extractors/tap-clicksend--singer-clicksend.lock",
    "plugins/loaders/target-clicksend--singer-clicksend.lock",
    "pyproject.toml",
    *(
        "requirements-demo.txt",
        "requirements-extractor.txt",
        "requirements-loader.txt",
        "requirements-dbt.txt",
    ),
)
PLUGINS = ("extractors", "loaders", "utilities")
USEFUL = 12
# Whatever else is set might be a real account, a real database or another Meltano project.
FOREIGN = ("TAP_", "TARGET_", "CLICKSEND_", "SKILLBOSS_", "MELTANO_", "SINGER_", "DBT_", "PG", "LOGLEVEL")


def forget_environment() -> None:
    """Drop every variable that could lead the demo, or a program it starts, to anything real."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))


def with_host_and_password(url: str) -> str:
    """Return the URL of a local database with what tap-postgres insists on, and nobody uses."""
    return url.replace("//postgres@/", "//postgres:none@localhost/")


class Pipeline:
    """The project's own Meltano jobs, with their state and the target's ledger in the demo's folder."""

    def __init__(self, project: Path, directory: Path) -> None:
        """Remember the project (where meltano.yml is) and the demo's folder."""
        self.project = project
        self.log = directory / "meltano.log"
        self._directory = directory
        self._report = directory / "customers.json"

    def run(self, jobs: Sequence[str], api_url: str, warehouse: str) -> None:
        """Run jobs of meltano.yml.

        Args:
            jobs: Their names.
            api_url: Where the v3 API is.
            warehouse: URL of the database.

        Raises:
            DemoError: Meltano failed; the message ends with the lines that tell why.
        """
        self._renew_plugins()
        self._directory.joinpath("dbt").mkdir(exist_ok=True)
        command = [*python("meltano.cli:main"), "--env-file", os.devnull, "--log-format", "json"]
        with self.log.open("wb") as log:
            # By force: a run that was killed counts as running for minutes, and ours is the only one
            env = self.environment(api_url, warehouse)
            meltano = start([*command, "run", "--force", *jobs], log, cwd=self.project, env=env)
            try:
                failed = meltano.wait()
            finally:
                stop(meltano)
        if failed:
            raise DemoError(
                f"meltano run {' '.join(jobs)} failed; from {self.log}:\n" + "\n".join(self._reasons())
            )

    def environment(self, api_url: str, warehouse: str) -> dict[str, str]:
        """Return the variables that lead Meltano and its plugins to the demo's ClickSend and files.

        Args:
            api_url: Where the v3 API is.
            warehouse: URL of the database.
        """
        ledger = f"sqlite:///{self._directory / 'ledger.db'}"
        place = urlsplit(warehouse)
        return {
            "MELTANO_ENVIRONMENT": "sandbox",
            "MELTANO_DATABASE_URI": f"sqlite:///{self._directory / 'meltano.db'}",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "TAP_CLICKSEND_API_URL": f"{api_url}/v3",
            "TARGET_CLICKSEND_API_URL": f"{api_url}/v3",
            "TARGET_CLICKSEND_LEDGER_URL": ledger,
            "TAP_CLICKSEND_LEDGER_URL": ledger,
            "TARGET_CLICKSEND_REPORT_PATH": str(self._report),
            "TARGET_CLICKSEND_CLEAR_KEYS": '["campaign"]',
            "TARGET_CLICKSEND_QUIET_HOURS": json.dumps(QUIET_HOURS),
            "TARGET_CLICKSEND_DEDUPE_WINDOW_HOURS": str(DEDUPE_WINDOW_HOURS),
            "TAP_POSTGRES_SQLALCHEMY_URL": with_host_and_password(warehouse),
            "TARGET_POSTGRES_SQLALCHEMY_URL": warehouse.replace("postgresql://", "postgresql+psycopg://"),
            "DBT_POSTGRES_HOST": parse_qs(place.query)["host"][0],
            "DBT_POSTGRES_USER": place.username or "",
            "DBT_POSTGRES_DBNAME": place.path.lstrip("/"),
            "DBT_TARGET_PATH": str(self._directory / "dbt"),
            "DBT_LOG_PATH": str(self._directory / "dbt"),
        }

    def report(self) -> dict[str, Any]:
        """Return the target's own report on the customers."""
        return dict(json.loads(self._report.read_text()))

    def left_out(self) -> set[str]:
        """Return the streams that the project file does not select."""
        project = yaml.safe_load((self.project / "meltano.yml").read_text())
        extractors = {plugin["name"]: plugin for plugin in project["plugins"]["extractors"]}
        patterns = extractors["tap-clicksend"]["select"]
        return {pattern[1:].partition(".")[0] for pattern in patterns if pattern.startswith("!")}

    def seconds(self) -> dict[str, float]:
        """Return how long each stream took, by the tap's own account."""
        points = (entry.get("metric_info", {}) for entry in self._entries())
        return {
            point["tags"]["stream"]: point["value"]
            for point in points
            if point.get("metric") == "sync_duration"
        }

    def _renew_plugins(self) -> None:
        """Have Meltano install its plugins again when they, or the folder, are no longer the same.

        Meltano itself looks at the words in meltano.yml only, not into the requirement files they name.
        """
        content = b"".join((self.project / name).read_bytes() for name in PINS)
        wanted = hashlib.sha256(os.fsencode(self.project) + content).hexdigest()
        meltano = self.project / ".meltano"
        stamp = meltano / "clicksend-demo.stamp"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for kind in PLUGINS:
            shutil.rmtree(meltano / kind, ignore_errors=True)
        meltano.mkdir(exist_ok=True)
        stamp.write_text(wanted)

    def _entries(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"event": line, "level": "error"}  # not by a logger: a traceback, say
            yield entry

    def _reasons(self) -> list[str]:
        entries = [entry for entry in self._entries() if str(entry.get("event", "")).strip()]
        serious = [entry for entry in entries if entry.get("level") not in ("info", "debug")]
        return [f"  {entry['event']}" for entry in (serious or entries)[-USEFUL:]]
