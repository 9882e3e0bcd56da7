"""The command `clicksend sandbox`: its one line, its state file, its refusals, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import requests
from click.testing import CliRunner

from clicksend.cli import sandbox
from clicksend.cli.sandbox import command
from clicksend.sandbox import Sandbox
from clicksend.sandbox.switches import Switches
from tests.command import Started

SMALL = ("--port", "0", "--messages", "40", "--contacts", "20", "--clock", "still")


class Running:
    """A sandbox in a process of its own."""

    def __init__(self, *options):
        self._folder = TemporaryDirectory()
        self._errors = Path(self._folder.name) / "errors"
        self.process = Started("clicksend", "sandbox", *options, errors=self._errors)
        self.line = self.process.stdout.readline().decode()
        self.url = self.line.rpartition(" ")[2].strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self._folder.cleanup()

    def control(self, name, body=None):
        url = f"{self.url}/_sandbox/{name}"
        return (
            requests.get(url, timeout=10) if body is None else requests.post(url, json=body, timeout=10)
        ).json()

    def api(self, method, path, body=None):
        auth = ("sandbox", "sandbox-key")
        return requests.request(method, f"{self.url}/v3{path}", json=body, auth=auth, timeout=10).json()[
            "data"
        ]

    def everything(self):
        """Return all that a restart has to bring back."""
        lists = self.api("GET", "/lists?limit=100")["data"]
        paths = [f"/lists/{row['list_id']}/contacts" for row in lists]
        paths += ["/sms/inbound", "/sms/receipts", "/sms/templates", "/sms/history?order_by=date:desc"]
        return self.control("state")["now"], lists, [self.api("GET", path) for path in paths]

    def stop(self, number=signal.SIGTERM):
        """Stop it; return exit code, rest of stdout and stderr."""
        self.process.send_signal(number)
        out = self.process.stdout.read().decode()
        return self.process.wait(20), out, self._errors.read_text()


@pytest.mark.long
def test_ready_line_state_file_and_clean_end(tmp_path):
    path = tmp_path / "with a space" / "state.json"
    options = (
        *SMALL,
        "--epoch",
        "2026-09-01T10:00:00+02:00",
        "--seed",
        "5",
        "--types",
        "legacy",
        "--state",
        str(path),
    )
    with Running(*options) as first:
        pattern = (
            r"ClickSend sandbox ready: (http://127\.0\.0\.1:\d+)/v3 "
            r"\(username sandbox, API key sandbox-key\), page \1, hub \1\n"
        )
        assert re.fullmatch(pattern, first.line)
        chosen = json.loads(path.read_text())
        assert chosen == {
            "seed": 5,
            "epoch": 1788249600,
            "messages": 40,
            "contacts": 20,
            "types": "legacy",
            "now": 1788249600,
        }
        first.control("clock", {"advance": 7200})
        assert json.loads(path.read_text()) == {**chosen, "now": 1788256800}
        state = first.control("state")
        assert first.stop() == (0, "", "")
    with Running(*SMALL[:2], *SMALL[-2:], "--seed", "9", "--state", str(path)) as second:
        assert second.control("state") == state
        code, out, err = second.stop(signal.SIGINT)
    assert (code, out) == (0, "")
    assert "--seed ignored" in err
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


def test_without_an_epoch_the_clock_starts_now():
    before = int(time.time())
    with Running(*SMALL) as new:
        assert before <= new.control("state")["now"] <= time.time()


def test_writes_survive_a_restart(tmp_path):
    """Each at its time and under the switches of its time; the made-up life goes on around them."""
    path = tmp_path / "state.json"
    options = (*SMALL, "--epoch", "2026-09-01T08:00:00Z", "--state", str(path))
    with Running(*options) as first:
        made = first.api("POST", "/lists", {"list_name": "Kept ✨"})["list_id"]
        for n in range(3):
            first.api("POST", f"/lists/{made}/contacts", {"email": f"{n}@example.com"})
        first.control("switches", {"contact_text": "trimmed", "bad_phone": "accept"})
        first.api("POST", f"/lists/{made}/contacts", {"phone_number": "  none  "})
        assert first.api("POST", f"/lists/{made}/contacts", {}).keys()  # refused, so not kept
        first.control("clock", {"advance": 7 * 86_400})
        known = first.api("GET", f"/lists/{made}/contacts")["data"]
        assert [row["phone_number"] for row in known] == ["", "", "", "none"]
        key = known[0]["contact_id"]
        first.api("PUT", f"/lists/{made}/contacts/{key}", {"phone_number": "+61411111111"})
        first.control("reply", {"from": "+61411111111", "body": "STOP"})
        first.api("PUT", "/sms/receipts-read", {"date_before": 1_788_249_600})
        first.api("DELETE", "/sms/templates/632498")
        first.control("clock", {"advance": 86_400})
        before = first.everything()
        first.process.kill()
    with path.with_name("state.json.writes").open("ab") as journal:
        journal.write(b'{"at": 1788')  # a crash
    with Running(*options) as second:
        assert second.everything() == before
        assert second.api("POST", "/lists", {"list_name": "x"})["list_id"] == made + 1
        assert second.stop() == (0, "", "")
    with Running(*options) as third:
        assert len(third.everything()[1]) == len(before[1]) + 1
        third.control("reset", {})
        assert third.stop() == (0, "", "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def messages(*bodies, **more):
    return {"messages": [{"to": "+61412345678", "body": body, **more} for body in bodies]}


def test_messages_survive_a_restart(tmp_path):
    """With what followed from them, what was ordered for them, and who sent them."""
    path = tmp_path / "state.json"
    options = (*SMALL, "--epoch", "2026-09-01T08:00:00Z", "--state", str(path))
    later = 1_788_249_600 + 30 * 86_400
    with Running(*options) as first:
        first.control("statuses", {"to": "+61412345678", "status": "INTERNAL_ERROR"})
        first.control("switches", {"answer_order": "reversed"})
        sent = first.api("POST", "/sms/send", messages(*map(str, range(50)), schedule=""))
        assert sent["messages"][-1]["status"] == "INTERNAL_ERROR"
        waiting = first.api("POST", "/sms/send", messages("a", "b", schedule=later))["messages"]
        first.api("PUT", f"/sms/{waiting[0]['message_id']}/cancel")
        first.api("POST", "/sms/price", messages("priced"))
        first.api("POST", "/uploads?convert=mms", {"content": "aGVsbG8="})
        nobody = ("nocredit", "sandbox-key")
        requests.post(f"{first.url}/v3/sms/send", json=messages("free"), auth=nobody, timeout=10)
        first.control("clock", {"advance": 600})
        first.control("balance", {"balance": "0.50"})
        first.api("POST", "/mms/send", messages("c"))
        before = first.everything(), first.control("arrivals"), first.api("GET", "/account")["balance"]
        first.process.kill()
    assert len(before[1]) == 51
    lines = path.with_name("state.json.writes").read_text().splitlines()
    assert not any("price" in line for line in lines)
    with Running(*options) as second:
        found = second.everything(), second.control("arrivals"), second.api("GET", "/account")["balance"]
        assert found == before
        second.control("clock", {"now": later + 4 * 86_400})
        assert {row["status"] for row in second.control("arrivals")} <= {
            *("Sent", "Completed", "Failed", "Cancelled"),
        }
        assert second.stop() == (0, "", "")


def test_a_new_world_has_no_writes(tmp_path):
    path = tmp_path / "state.json"
    with Running(*SMALL, "--state", str(path)) as first:
        first.api("POST", "/lists", {"list_name": "x"})
    path.unlink()
    with Running(*SMALL, "--state", str(path)) as second:
        assert second.control("state")["rows"]["lists"] == 7


@pytest.mark.parametrize(
    "line",
    [
        '{"at": 1}',
        (
            '{"at":1788249600,"method":"DELETE","route":"/lists/{list_id}","path":{"list_id":"1"},"query":{},'
            '"body":null,"switches":{}}'
        ),
        (
            '{"at":1788249600,"method":"PUT","route":"/nowhere","path":{},"query":{},"body":null,'
            '"switches":{}}'
        ),
    ],
)
def test_writes_that_cannot_be_done_again(tmp_path, line):
    path = tmp_path / "state.json"
    world = {"seed": 1, "epoch": 1788249600, "messages": 0, "contacts": 0, "types": "live"}
    path.write_text(json.dumps(world | {"now": 1788249600}))
    path.with_name("state.json.writes").write_text(line + "\n")
    result = CliRunner().invoke(command, [*SMALL, "--state", str(path)])
    assert result.exit_code == 1
    assert re.search("does not hold writes|cannot be done again", result.stderr)


def test_each_message_has_a_line_without_its_text_and_with_its_number_masked():
    with Running(*SMALL) as running:
        others = [{"to": "+61412345678", "body": "Secret"}, {"to": "Zoë O'Brien, 0412", "body": "Secret"}]
        sent = running.api(
            "POST", "/sms/send", {"messages": messages("Secret", "Secret 2")["messages"] + others}
        )
        running.api("POST", "/sms/price", messages("Secret"))
        running.api("GET", "/sms/history")
        running.control("reply", {"from": "+61 412 345 678", "body": "Secret answer"})
        code, out, err = running.stop()
    assert (code, out) == (0, "")
    first, second = (row["message_id"] for row in sent["messages"][:2])
    refused = [row["message_id"] for row in sent["messages"][2:]]
    price = sent["messages"][0]["message_price"]
    lines = err.splitlines()
    assert lines[:2] == [
        f"sms to +614123*****: SUCCESS, 1 part, {float(price):.6f}, {one}" for one in (first, second)
    ]
    assert [line.partition(",")[0] for line in lines[2:]] == [
        "sms to +614123*****: THROTTLED",
        "sms to something that is no number: INVALID_RECIPIENT",
        "sms from +614123*****: 1 part",
    ]
    assert [line.rpartition(", ")[2] for line in lines[2:4]] == refused
    for part in ("Secret", "345678", "0412", "Brien"):
        assert part not in err


def test_lines_that_nobody_reads_harm_nobody(monkeypatch):
    """As with `clicksend sandbox 2>&1 | head -1`: a message that was sent is answered."""
    reader, writer = os.pipe()
    os.close(reader)
    with Sandbox(messages=0, contacts=0) as box, os.fdopen(writer, "w", buffering=1) as gone:
        box._service._listener = sandbox._log
        monkeypatch.setattr(sys, "stderr", gone)
        answer = requests.post(
            f"{box.api_url}/sms/send", json=messages("x"), auth=("sandbox", "sandbox-key"), timeout=10
        )
        monkeypatch.undo()
        with suppress(BrokenPipeError):
            gone.close()
        assert answer.json()["data"]["messages"][0]["status"] == "SUCCESS"


@pytest.mark.long
def test_its_clock_runs_unless_it_stands():
    with Running(*SMALL[:-2], "--epoch", "2026-09-01T08:00:00Z") as live:
        begun, started = live.control("health")["now"], time.monotonic()
        assert live.control("")["clock"] == "live"
        while live.control("health")["now"] == begun:
            assert time.monotonic() - started < 30
        turned = live.control("clock", {"advance": 86_400})["now"]
        assert turned >= begun + 86_400
        while (now := live.control("health")["now"]) == turned:
            assert time.monotonic() - started < 60
        assert now - begun <= 86_400 + time.monotonic() - started + 1
    with Running(*SMALL, "--epoch", "2026-09-01T08:00:00Z") as still:
        assert still.control("")["clock"] == "still"
        assert still.control("health")["now"] == 1_788_249_600


def test_the_switches_are_listed():
    done = CliRunner().invoke(command, ["--switches"])
    assert done.exit_code == 0
    for name, default in msgspec.to_builtins(Switches()).items():
        (line,) = [one for one in done.stdout.splitlines() if one.startswith(f"{name} = ")]
        assert json.loads(line.partition(" = ")[2].partition(" (or")[0]) == default
    assert 'past_last_page = "empty" (or clamp, repeat)\n    a page past the end: empty with' in done.stdout
    assert "throttle_seconds = 10\n    how long the same body" in done.stdout


def test_a_taken_port_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(command, [*SMALL[2:], "--port", str(port)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: port {port} of 127.0.0.1 is taken;"
        " choose another with --port, or any free one with --port 0\n"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--host", "0.0.0.0"), "this machine only"),
        (("--host", "example.com"), "this machine only"),
        (("--epoch", "yesterday"), "ISO 8601"),
        (("--messages", "-1"), "not in the range"),
        (("--types", "modern"), "modern"),
        (("--clock", "backwards"), "backwards"),
    ],
)
def test_wrong_options(options, sentence):
    result = CliRunner().invoke(command, [*SMALL, *options])
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_a_file_that_is_no_state_is_left_alone(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text('{"seed": "one"}')
    result = CliRunner().invoke(command, [*SMALL, "--state", str(path)])
    assert result.exit_code == 1
    assert "is not a state file of the sandbox" in result.stderr
    assert path.read_text() == '{"seed": "one"}'


def test_without_the_extra_it_says_what_to_install():
    code = "import sys; sys.modules['aiohttp'] = None; from clicksend.cli.sandbox import command; command()"
    ended = subprocess.run(
        (sys.executable, "-c", code, *SMALL), capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: aiohttp is missing: install it with ")
    assert ended.stderr.endswith("pip install 'singer-clicksend[sandbox]'\n")
