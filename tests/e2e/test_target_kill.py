"""kill -9 anywhere: the next run ends in the same account, no contact is doubled, no state was ahead."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from threading import Thread

import pytest
import requests

from clicksend.sandbox import Sandbox
from tests.sandbox.runner import walk
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, record, schema, state

KILLS = 100
EVERY = 10
"""Rows between two states."""
TARGET = "from target_clicksend import run, __main__; run.COMMIT_ROWS = 20; __main__.main()"
NEW_LISTS = ("New list", "Newer list")
FIELDS = ("phone_number", "first_name", "email", "custom_1")


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=3, messages=20, contacts=200) as box:
        yield box


def account(box):
    """Return the contacts of all lists, as (list name, field, ...)."""
    with requests.Session() as session:
        session.auth, session.trust_env = tuple(CREDENTIALS.values()), False
        return sorted(
            (one["list_name"], *(str(contact[name] or "") for name in FIELDS))
            for one in walk(session, box, "/lists")
            for contact in walk(session, box, f"/lists/{one['list_id']}/contacts")
        )


def rows(box, chance):
    """Return rows that create, change, delete and repeat contacts, in lists old and new."""
    persons = Counter(one[:2] for one in account(box))
    # Whom a list has twice, a phone number does not tell apart.
    there = [one for one, times in persons.items() if one[0] != "Opt-Out List" and one[1] and times == 1]
    made = []
    for number in range(400):
        if chance.random() < 0.5:
            person = {"phone_number": f"+1415555{chance.randrange(300):04}"}
            person["list_name"] = chance.choice(NEW_LISTS)
        else:
            known = chance.choice(there)
            person = {"list_name": known[0], "phone_number": known[1]}
        gone = {"_sdc_deleted_at": "2026-01-01T00:00:00Z"} if chance.random() < 0.1 else {}
        made.append({**person, "first_name": f"Name{number}", "custom_1": str(chance.randrange(3)), **gone})
    return made


class Upstream:
    """Delivers what the state does not cover, as an orchestrator does, and keeps the state."""

    def __init__(self, box, rows, folder):
        self._box, self._rows, self._folder = box, rows, folder
        self.row = 0
        config = {
            "api_url": box.api_url,
            "ledger_url": f"sqlite:///{folder}/l.db",
            "create_missing_lists": True,
            **CREDENTIALS,
        }
        (folder / "config.json").write_text(json.dumps(config))

    def run(self, kill_after: int | None = None, pause: float = 0.0) -> int:
        """Run once, killed after so many requests; return how many there were."""
        messages = [schema("contacts", ["id", *FIELDS, "list_name", "_sdc_deleted_at"])]
        for number, row in enumerate(self._rows[self.row :], self.row + 1):
            messages.append(record("contacts", {"id": number, **row}))
            if number % EVERY == 0:
                messages.append(state({"row": number}))
        before = len(self._box.requests())
        (self._folder / "input").write_bytes(b"".join(map(line_of, messages)))
        with (
            (self._folder / "input").open("rb") as stdin,
            subprocess.Popen(
                [sys.executable, "-c", TARGET, "--config", str(self._folder / "config.json")],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as process,
        ):
            reader = Thread(target=self._keep_state, args=(process.stdout,))
            reader.start()
            if kill_after is not None:
                while process.poll() is None and len(self._box.requests()) - before < kill_after:
                    time.sleep(0.002)
                time.sleep(pause)
                process.kill()
            errors = process.stderr.read().decode()
            reader.join()
        assert process.returncode == (0 if kill_after is None else process.returncode), errors
        assert "Traceback" not in errors
        return len(self._box.requests()) - before

    def _keep_state(self, lines):
        for line in lines:
            self.row = json.loads(line)["row"]

    def check_state(self, note):
        """All persons whose last row the state covers are as that row says."""
        there = {(one[0], one[1]): one for one in account(self._box)}
        for number, row in enumerate(self._rows[: self.row], 1):
            person = row["list_name"], row["phone_number"]
            later = [one for one in self._rows[number:] if (one["list_name"], one["phone_number"]) == person]
            if not later:
                found = there.get(person)
                wanted = None if "_sdc_deleted_at" in row else row["first_name"]
                assert (found and found[2]) == wanted, (note, number, self.row)


@pytest.mark.long
def test_killed_anywhere_and_run_again(box, tmp_path):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    box.control("POST", "limits", {"GET /account": [1_000_000, 60]})
    wanted = rows(box, chance)
    (tmp_path / "whole").mkdir()
    whole = Upstream(box, wanted, tmp_path / "whole")
    requested = whole.run()
    assert whole.row == len(wanted)
    whole.check_state(seed)
    expected = account(box)
    persons = [one[:2] for one in expected if one[0] in NEW_LISTS]
    assert len(persons) == len(set(persons)) > 100

    box.control("POST", "reset")
    box.control("POST", "limits", {"GET /account": [1_000_000, 60]})
    done = 0
    while done < KILLS:
        (folder := tmp_path / str(done)).mkdir()
        upstream = Upstream(box, wanted, folder)
        # Until one run goes through; then from the start again, with an account of its own.
        for _ in range(KILLS - done):
            done += 1
            upstream.run(kill_after=chance.randrange(requested), pause=chance.uniform(0, 0.02))
            upstream.check_state(seed)
            if upstream.row == len(wanted):
                break
        upstream.run()
        assert upstream.row == len(wanted), seed
        assert account(box) == expected, seed
        box.control("POST", "reset")
        box.control("POST", "limits", {"GET /account": [1_000_000, 60]})
