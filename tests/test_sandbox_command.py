"""The command `clicksend sandbox`: its one line, its state file, its refusals, its end."""

import json
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner

from clicksend.sandbox.command import command

RUN = (sys.executable, "-c", "from clicksend.sandbox.command import command; command()")
SMALL = ("--port", "0", "--messages", "40", "--contacts", "20")


class Running:
    """A sandbox in a process of its own."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            (*RUN, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.line = self.process.stdout.readline()
        self.url = self.line.rpartition(" ")[2].strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def control(self, name, body=None):
        url = f"{self.url}/_sandbox/{name}"
        return (
            requests.get(url, timeout=10) if body is None else requests.post(url, json=body, timeout=10)
        ).json()

    def stop(self, number=signal.SIGTERM):
        """Stop it; return exit code, rest of stdout and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


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
            r"\(username sandbox, API key sandbox-key\), hub \1\n"
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
    with Running(*SMALL[:2], "--seed", "9", "--state", str(path)) as second:
        assert second.control("state") == state
        code, out, err = second.stop(signal.SIGINT)
    assert (code, out) == (0, "")
    assert "--seed ignored" in err
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


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
    code = (
        "import sys; sys.modules['aiohttp'] = None; from clicksend.sandbox.command import command; command()"
    )
    ended = subprocess.run(
        (sys.executable, "-c", code, *SMALL), capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Error: the sandbox needs: pip install 'singer-clicksend[sandbox]'\n"
