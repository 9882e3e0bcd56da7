"""Dialects of the sandbox: which switches belong together, by name or out of a file."""

import json

import msgspec
import pytest
import requests
from click.testing import CliRunner

from clicksend.cli.sandbox import command
from clicksend.sandbox import Sandbox
from clicksend.sandbox.switches import DIALECTS, Switches, dialect
from clicksend.sandbox.world.seed_data import NEWSLETTER
from tests.sandbox.runner import EPOCH


def positions(box):
    return box.state()["switches"]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_sandbox_speaks_a_dialect_until_it_is_told_otherwise(name):
    with Sandbox(messages=0, contacts=0, epoch=EPOCH, dialect=name) as box:
        assert positions(box) == msgspec.to_builtins(DIALECTS[name])
        box.control("POST", "switches", {"history_lag": 7})
        box.control("POST", "reset")
        assert positions(box) == msgspec.to_builtins(DIALECTS[name])


def test_official_is_the_default_and_no_two_are_alike():
    assert DIALECTS["official"] == Switches()
    assert len({msgspec.json.encode(one) for one in DIALECTS.values()}) == len(DIALECTS)


def test_a_file_says_which_positions_are_not_official(tmp_path):
    path = tmp_path / "probe.json"
    path.write_text(json.dumps({"points": [{"point": "x"}], "switches": {"q_terms": "several"}}))
    assert dialect(str(path)) == Switches(q_terms="several")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"switches": {"q_terms": "two"}}', '{"switches": {"x": 1}}']
)
def test_another_file_is_not_a_dialect(tmp_path, content):
    path = tmp_path / "probe.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="does not hold switches"):
        dialect(str(path))
    ran = CliRunner().invoke(command, ["--dialect", str(path)])
    assert (ran.exit_code, "does not hold switches" in ran.output) == (2, True)


def test_a_name_that_is_not_a_dialect():
    ran = CliRunner().invoke(command, ["--dialect", "oficial"])
    assert ran.exit_code == 2
    assert "is not a dialect (official, documented, recorded)" in ran.output


LEGACY = [
    ("GET", "/mms/receipts"),
    ("PUT", "/mms/receipts-read"),
    ("PUT", "/voice/receipts-read"),
    ("PUT", "/mms/cancel-all"),
]


@pytest.mark.parametrize(("method", "path"), LEGACY)
def test_what_only_the_older_documentation_has(box, session, method, path):
    for position, status in (("gone", 404), ("served", 200)):
        box.control("POST", "switches", {"legacy_paths": position})
        assert session.request(method, box.api_url + path, timeout=10).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_writes_may_be_answered_without_a_body(box, session, method):
    box.control("POST", "switches", {"empty_writes": True})
    path = f"{box.api_url}/lists/{NEWSLETTER}"
    answer = session.request(method, path, json={"list_name": "New"}, timeout=10)
    assert (answer.status_code, answer.content) == (204, b"")
    wrong = requests.request(method, path, json={"list_name": "New"}, timeout=10)
    assert wrong.status_code == 401
