"""kill -9 anywhere: what is resumed ends with exactly the API's rows, none twice, none marked as gone."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import psycopg
import pytest

from clicksend.sandbox import Sandbox
from tap_clicksend.streams import ALL
from tests.e2e.meltano_project import query
from tests.tap.runner import CREDENTIALS, run_tap
from tests.tap.test_history import waits

KILLS = 100
HOUR = 3600
TAP = """
from tap_clicksend import __main__
from tap_clicksend.readers import windows
windows.LARGEST_WINDOW = 60
__main__.main()
"""


class Pipeline:
    """The tap into target-postgres, with the state kept as an orchestrator keeps it."""

    def __init__(self, loader, url, folder, api_url):
        self.state: dict = {}
        self._folder = folder
        config = {
            "sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:"),
            "activate_version": True,
        }
        config |= {"default_target_schema": "killed", "use_copy": True, "validate_records": False}
        self._loader = [str(loader), "--config", self._write("loader", config)]
        tap = {"api_url": api_url, "page_size": 15, **CREDENTIALS}
        self._tap = [sys.executable, "-c", TAP, "--config", self._write("tap", tap)]

    def _write(self, name, content):
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def run(self, kill_after: int | None = None) -> int:
        """Run once, killed after so many bytes of output; return how many came."""
        command = [*self._tap, "--state", self._write("state", self.state)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tap,
            subprocess.Popen(
                self._loader, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as loader,
        ):
            output = tap.stdout.read() if kill_after is None else tap.stdout.read(kill_after)
            if kill_after is not None:
                tap.kill()
            states, errors = loader.communicate(output)
        assert loader.returncode == 0 or kill_after is not None, errors.decode()[-2000:]
        for line in states.splitlines():
            self.state = json.loads(line)
        return len(output)


@pytest.mark.long
def test_killed_anywhere_and_resumed(meltano, warehouse, tmp_path):
    loader = meltano.project / ".meltano/loaders/target-postgres/venv/bin/target-postgres"
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    with Sandbox(seed=seed, messages=700, contacts=120) as box:
        box.control("POST", "limits", {"GET /account": [1_000_000, 60]})
        whole = Pipeline(loader, warehouse, tmp_path, box.api_url).run()
        with psycopg.connect(warehouse) as connection:
            connection.execute("drop schema killed cascade")
        pipeline = Pipeline(loader, warehouse, tmp_path, box.api_url)
        for _ in range(KILLS):
            pipeline.run(kill_after=chance.randrange(whole))
            box.advance(chance.choice([0, 0, HOUR]))
        pipeline.run()
        expected = run_tap(box.api_url)
        for stream in ALL:
            if stream.selected_by_default:
                check(warehouse, stream, expected.rows(stream.name), pipeline.state, f"seed {seed}")


def check(url, stream, expected, state, note):
    keys = ", ".join(f'"{key}"::text' for key in stream.primary_keys)
    rows = query(url, f"select {keys} from killed.{stream.name} where _sdc_deleted_at is null")
    wanted = {tuple(str(row[key]) for key in stream.primary_keys) for row in expected}
    assert len(rows) == len(set(rows)), (stream.name, note)
    missing, surplus = wanted - set(rows), set(rows) - wanted
    assert not missing, (stream.name, note)
    # What the API forgets by age stays in the warehouse; nothing else may.
    assert not surplus or not stream.marks_deleted, (stream.name, note)
    if "status" in stream.columns:
        loaded = dict(query(url, f"select message_id, status from killed.{stream.name}"))
        changed = [row for row in expected if loaded[row["message_id"]] != row["status"]]
        assert not [row for row in changed if not waits(row, state, stream.name)], (stream.name, note)
