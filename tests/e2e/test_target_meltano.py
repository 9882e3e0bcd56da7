"""The target under Meltano: the state it saves is the last safe one, and the next run ends right."""

import json
import shlex
import sys

import pytest

from tests.e2e.checkout import ROOT, run
from tests.e2e.meltano_project import MELTANO
from tests.sandbox.runner import walk
from tests.tap.runner import CREDENTIALS
from tests.target.runner import schema

pytestmark = pytest.mark.long
JOB = "upstream-to-target-clicksend"
PROJECT = f"""
send_anonymous_usage_stats: false
default_environment: test
environments:
- name: test
plugins:
  extractors:
  - name: upstream
    namespace: upstream
    executable: ./upstream
    capabilities: [state]
    settings:
    - name: file
      value: rows.jsonl
  loaders:
  - name: target-clicksend
    namespace: target_clicksend
    executable: ./target
    capabilities: [about]
    settings:
    - name: api_url
    - name: username
    - name: api_key
      sensitive: true
    - name: max_retries
      kind: integer
      value: 0
    - name: report_path
      value: report.json
jobs:
- name: {JOB}
  tasks: [upstream target-clicksend]
"""
UPSTREAM = """
import json, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
done = 0
if "--state" in options:
    done = json.load(open(options["--state"])).get("bookmarks", {}).get("contacts", {}).get("row", 0)
print(open("schema.json").read())
for number, line in enumerate(open("rows.jsonl"), 1):
    if number > done:
        print(json.dumps({"type": "RECORD", "stream": "contacts", "record": json.loads(line)}))
        print(json.dumps({"type": "STATE", "value": {"bookmarks": {"contacts": {"row": number}}}}))
"""
TARGET = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from target_clicksend.__main__ import main; main()"


@pytest.fixture
def project(box, hub, tmp_path):
    """Return a function that runs Meltano in a project whose upstream is a file, and gives its exit code."""
    for name, code in {"upstream": UPSTREAM, "target": TARGET}.items():
        (tmp_path / f"{name}.py").write_text(code)
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(tmp_path / name))}.py "$@"\n'
        )
        program.chmod(0o755)
    (tmp_path / "meltano.yml").write_text(PROJECT)
    env = {f"TARGET_CLICKSEND_{name.upper()}": value for name, value in CREDENTIALS.items()}

    def meltano(*arguments):
        return run(
            tmp_path,
            *("-c", MELTANO, *arguments),
            MELTANO_HUB_URL=hub.url,
            TARGET_CLICKSEND_API_URL=box.api_url,
            **env,
        )

    meltano.path = tmp_path
    return meltano


def test_a_row_that_fails_in_the_middle_comes_again(box, session, project):
    lists = {one["list_id"]: one for one in walk(session, box, "/lists")}
    list_id = max(lists, key=lambda one: len(walk(session, box, f"/lists/{one}/contacts")))
    contacts = [int(one["contact_id"]) for one in walk(session, box, f"/lists/{list_id}/contacts")][:12]
    rows = [
        {"id": number, "list_id": list_id, "contact_id": one, "last_name": f"Changed{number}"}
        for number, one in enumerate(contacts, 1)
    ]
    (project.path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (project.path / "schema.json").write_text(json.dumps(schema("contacts", rows[0])))

    def saved():
        done = project("state", "get", f"test:{JOB}")
        return json.loads(done.stdout)["singer_state"]["bookmarks"]["contacts"]["row"]

    def written():
        return [
            one["last_name"]
            for one in walk(session, box, f"/lists/{list_id}/contacts")
            if int(one["contact_id"]) in contacts
        ]

    fault = {"kind": "status", "method": "PUT", "path": f"/lists/*/contacts/{contacts[4]}", "times": -1}
    box.control("POST", "faults", fault)
    failed = project("run", JOB)
    assert failed.returncode == 1
    assert "1 failed" in failed.stdout + failed.stderr
    assert saved() == 4
    assert sum(name.startswith("Changed") for name in written()) == 11

    box.control("DELETE", "faults")
    again = project("run", JOB)
    assert again.returncode == 0, again.stderr
    assert saved() == 12
    report = json.loads((project.path / "report.json").read_text())
    assert (report["rows"], report["rows_read"]) == ({"contacts": {"unchanged": 7, "updated": 1}}, 8)
    assert sorted(written()) == sorted(row["last_name"] for row in rows)

    assert project("run", JOB).returncode == 0
    assert saved() == 12
