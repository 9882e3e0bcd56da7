"""The command: what it says, asks and writes; nothing private, no traceback, an exit code to match."""

import io
import json
import re
import shlex
import signal

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.cli import probe as command
from clicksend.client import Client
from clicksend.probe.points import POINTS
from clicksend.sandbox import API_KEY, Sandbox
from clicksend.sandbox.switches import Switches, dialect
from tests.cli.probe_cases import TO, WorldClock, call, let_scheduled_go, remains
from tests.command import Started, run_command
from tests.pages import block_of, filled_in
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS

CANARY = "Qanary"
KEY_CANARY = "qanary-s3cr3t-key"


@pytest.fixture(scope="module")
def small():
    with Sandbox(messages=60, contacts=20, epoch=EPOCH) as box:
        yield box


@pytest.fixture
def world(small):
    small.control("POST", "reset")
    return small


@pytest.fixture
def probe(world, tmp_path, monkeypatch):
    """Return a function that runs the command; it gives exit code and output."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(command, "clock", WorldClock(world))
    path = tmp_path / "config.json"

    def probe(*arguments, config=None, answers=None, env=None):
        path.write_text(json.dumps(config or {"api_url": world.api_url, **CREDENTIALS}))
        ran = CliRunner().invoke(main, ["probe", "--config", str(path), *arguments], input=answers, env=env)
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        return ran.exit_code, ran.output

    return probe


class Terminal(io.BytesIO):
    def isatty(self):
        return True


def test_reading_asks_nobody_and_fits_a_terminal(probe):
    code, output = probe()
    assert code == 0
    assert max(map(len, output.splitlines())) < 80
    for point in POINTS:
        (line,) = (line for line in output.splitlines() if line[2:].split(" ")[0] == point.name)
        assert line[0] in "✓!?-"
    assert "not tried: needs --write" in re.sub(r"\s+", " ", output)
    assert "Go on?" not in output


def test_everything_fits_a_terminal_too(probe, world):
    world.control(
        "POST",
        "switches",
        {
            "q_terms": "several",
            "date_filter": "exclusive",
            "legacy_paths": "served",
            "null_clears": "ignored",
        },
    )
    code, output = probe("--write", "--to", TO, "--mark-read", "--yes")
    assert code == 0
    assert max(map(len, output.splitlines())) < 80
    lines = output.splitlines()
    assert "! q_terms              one              several" in lines
    place = lines.index("! null_clears          clears           ignored")
    assert lines[place + 1].startswith("    Fields that became empty upstream")
    place = lines.index("! date_filter          inclusive        exclusive")
    assert lines[place + 1].startswith("    Changes nothing where they exclude it")
    assert lines[-2] == "All that was made is removed."
    assert re.fullmatch(r"\d+ as assumed, \d different, \d the account cannot tell\.", lines[-1])


@pytest.mark.parametrize(
    "arguments", [("--write",), ("--mark-read",), ("--write", "--to", TO, "--mark-read")]
)
def test_without_a_terminal_somebody_must_have_agreed(probe, world, arguments):
    expected = remains(world)
    code, output = probe(*arguments)
    assert (code, "say --yes" in output) == (2, True)
    assert not [seen for seen in world.requests() if seen["method"] != "GET"]
    assert remains(world) == expected


@pytest.mark.parametrize(("answer", "expected"), [("n\n", 2), ("\n", 2), ("", 2), ("y\n", 0)])
def test_at_a_terminal_it_asks(probe, world, answer, expected):
    code, output = probe("--write", answers=Terminal(answer.encode()))
    assert code == expected
    assert "Go on? [y/N]" in output
    assert output.index("contact lists") < output.index("Go on?")
    made = [seen for seen in world.requests() if seen["method"] == "POST" and seen["path"] == "/lists"]
    assert bool(made) == (expected == 0)


def test_what_it_says_beforehand_is_what_it_does_at_most(probe, world):
    let_scheduled_go(world)
    before = len(world.requests())
    code, output = probe("--write", "--to", TO, "--yes")
    assert code == 0
    seen = world.requests()[before:]
    made = [(one["method"], re.sub(r"/\d+", "/{id}", one["path"])) for one in seen]
    numbers = [int(number) for number in re.findall(r"up to (\d+)", output)]
    sent = [one["body"]["messages"] for one in seen if one["path"] == "/sms/send"]
    to_tests = sum(message["to"] != TO for messages in sent for message in messages)
    assert made.count(("POST", "/lists")) <= numbers[0]
    assert made.count(("POST", "/lists/{id}/contacts")) <= numbers[1]
    assert to_tests <= numbers[2]
    assert sum(message["to"] == TO for messages in sent for message in messages) == 4
    assert made.count(("POST", "/email/addresses")) == 1
    assert TO not in output
    assert "+165025*****" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", TO), "--to needs --write"),
        (("--write", "--to", "1"), "--to "),
        (("--write", "--to", "+61411111111"), "of your own"),
        (("--json", "/nowhere/at/all.json"), "or does not exist"),
    ],
)
def test_wrong_options(probe, world, arguments, said):
    code, output = probe(*arguments)
    assert (code, said in output) == (2, True)
    assert not world.requests()


def test_a_folder_that_cannot_be_written_is_said_before(probe, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    code, output = probe("--write", "--yes")
    assert (code, "set XDG_STATE_HOME" in output) == (2, True)
    assert probe()[0] == 0


def test_wrong_keys_and_settings(probe, world):
    code, output = probe(config={"api_url": world.api_url, **CREDENTIALS, "api_key": KEY_CANARY})
    assert code == 1
    assert "answered 401" in output
    assert KEY_CANARY not in output
    assert len(world.requests()) <= 2
    assert probe(config={"api_url": "x"})[0] == 2


def test_what_could_not_be_asked_is_named(probe, world):
    fault = {"kind": "status", "method": "GET", "path": "/numbers", "status": 500, "times": -1}
    world.control("POST", "faults", fault)
    code, output = probe()
    assert code == 1
    (line,) = (line for line in output.splitlines() if line.startswith("✗"))
    assert line.split()[1] == "dedicated_numbers"


def test_through_the_hub(probe, world, tmp_path):
    world.control("POST", "switches", {"hub_envelope": True})
    file = tmp_path / "probe.json"
    code, output = probe(
        *("--write", "--yes", "--mark-read", "--json", str(file)),
        config={"hub_url": world.url},
        env={"SKILLBOSS_API_KEY": API_KEY},
    )
    assert code == 0
    assert "! hub_envelope         no               yes" in output
    assert json.loads(file.read_text())["access"] == "hub"
    assert dialect(str(file)) == Switches(hub_envelope=True)


def test_a_file_that_cannot_be_written_after_all_is_said(probe, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "probe.json")

    monkeypatch.setattr(command, "write_private", full)
    code, output = probe("--json", str(tmp_path / "probe.json"))
    assert code == 1
    assert "probe.json cannot be written: No space left on device." in output


@pytest.mark.long
def test_the_lines_of_the_page(probe, tmp_path, monkeypatch):
    """Asked of an account, and a sandbox that is made to behave as it does."""
    monkeypatch.chdir(tmp_path)
    for line in block_of("probe.md", "clicksend probe").splitlines():
        _, _, *words = shlex.split(line, comments=True)
        code, output = probe(*words, "--yes")
        assert code == 0, output
    there = {"probe.json": str(tmp_path / "probe.json")}
    _, *words = shlex.split(filled_in(block_of("probe.md", "--dialect"), there))
    with Started("clicksend", *words, "--port=0", errors=tmp_path / "log") as sandbox:
        assert b"ready" in sandbox.stdout.readline(), (tmp_path / "log").read_text()


@pytest.mark.parametrize("types", ["live", "legacy"])
def test_neither_output_nor_file_nor_note_is_private(tmp_path, monkeypatch, types):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = tmp_path / "probe.json"
    notes = []
    original = Client.delete

    def delete(self, path):
        notes.extend(note.read_text() for note in (tmp_path / "state" / "clicksend").glob("*.json"))
        return original(self, path)

    monkeypatch.setattr(Client, "delete", delete)
    with Sandbox(messages=60, contacts=20, epoch=EPOCH, types=types) as box:
        monkeypatch.setattr(command, "clock", WorldClock(box))
        let_scheduled_go(box)
        call(box, "POST", "/lists", json={"list_name": f"{CANARY} list"})
        row = {"list_id": 1, "list_name": CANARY, f"{CANARY}": 1, "+61411222333": CANARY, f"_{CANARY}": 2}
        body = {"http_code": 200, "response_code": "SUCCESS", "data": {"total": 1, "data": [row]}}
        for path in ("/sms/templates", "/delivery-issues", "/subaccounts"):
            box.control("POST", "faults", {"kind": "body", "path": path, "body": body, "times": -1})
        refused = {
            "http_code": 400,
            "response_code": CANARY * 20,
            "response_msg": CANARY,
            "data": {CANARY: [CANARY]},
        }
        fault = {"kind": "status", "path": "/numbers", "status": 400, "body": refused, "times": -1}
        box.control("POST", "faults", fault)
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"api_url": box.api_url, **CREDENTIALS}))
        arguments = ["--write", "--to", TO, "--mark-read", "--yes", "--json", str(file)]
        ran = CliRunner().invoke(main, ["probe", "--config", str(config), *arguments])
        history = call(box, "GET", "/sms/history", params={"limit": 100})["data"]
        rows = call(box, "GET", "/lists", params={"limit": 100})["data"]
    assert notes
    private = {CANARY, TO, CREDENTIALS["api_key"], "ACME", "user@example.com", "+61411222333"}
    private |= {str(row[name]) for row in history for name in ("message_id", "body", "to") if row[name]}
    private |= {str(row["list_id"]) for row in rows} | {row["list_name"] for row in rows}
    private = {one for one in private if len(one) > 2} - {"+61411111111"}  # a reply may be "1"
    for text in (file.read_text(), ran.output, *notes):
        assert not [value for value in private if value in text]
    assert file.stat().st_mode & 0o777 == 0o600
    shown = json.loads(file.read_text())
    assert shown["types"]["GET /sms/history"]["to"] == ["text"]
    assert shown["limits"]["GET /sms/history"] == 6000
    assert shown["endpoints"]["GET /numbers"].startswith("400")
    assert {point["point"] for point in shown["points"]} == {point.name for point in POINTS}


@pytest.mark.long
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_end_from_outside_removes_everything(probe, world, monkeypatch, signum):
    expected = remains(world)
    original = Client.post

    def post(self, path, *arguments, **options):
        if path.endswith("/contacts"):
            signal.raise_signal(signum)
        return original(self, path, *arguments, **options)

    monkeypatch.setattr(Client, "post", post)
    code, output = probe("--write", "--yes")
    assert code == 1
    assert "All that was made is removed." in output
    assert remains(world) == expected


def test_what_cannot_be_removed_is_said_and_is_for_the_next_start(probe, world):
    expected = remains(world)
    world.control("POST", "faults", {"kind": "status", "method": "DELETE", "status": 500, "times": -1})
    code, output = probe("--write", "--yes")
    assert code == 1
    assert "Not all that was made could be removed: DELETE /lists/" in output
    world.control("DELETE", "faults")
    code, output = probe()
    assert code == 0
    assert "An earlier probe was interrupted." in output
    assert remains(world) == expected


def test_any_terminal_can_show_it(world, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_url": world.api_url, **CREDENTIALS}))
    env = {"PYTHONIOENCODING": "ascii", "HOME": str(tmp_path), "PATH": ""}
    ran = run_command("clicksend", "probe", "--config", str(config), env=env)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"= small_limits         clamp            clamp" in ran.stdout.splitlines()
