"""Each control stands in docs/sandbox.md with a line for curl, and each line works."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from clicksend.cli.sandbox import PORT, command
from clicksend.sandbox.server.control import CONTROLS
from clicksend.sandbox.server.faults import Fault, Kind

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
LINES = re.findall(r"`(curl [^`]+)`", TEXT)
LINES += [line.replace("\\\n", " ") for line in re.findall(r"^(curl (?:.*\\\n)*.*)$", TEXT, re.MULTILINE)]
BASE = f"http://127.0.0.1:{PORT}"
curl = shutil.which("curl")


def asked(line):
    """Return method and path of a line."""
    words = shlex.split(line)
    (url,) = [word for word in words if word.startswith(BASE)]
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
    return method, url.removeprefix(BASE).partition("?")[0]


def test_every_control_has_a_line():
    controls = {asked(line) for line in LINES}
    names = {(method, f"/_sandbox/{name}".rstrip("/")) for method, name in CONTROLS}
    assert controls == names - {("GET", "/_sandbox/state")} | {("POST", "/v3/sms/send")}


@pytest.mark.skipif(curl is None, reason="curl is not installed")
@pytest.mark.parametrize("line", LINES)
def test_the_line_works(box, send, line):
    send()
    words = [word.replace(BASE, box.url) for word in shlex.split(line)]
    words[1:1] = ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "20"]
    done = subprocess.run([str(curl), *words[1:]], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    if "arrivals?to" in line or "number=" in line:
        assert said, "the line finds nothing"


def test_the_page_names_what_there_is():
    for kind in get_args(Kind):
        assert f"`{kind}`" in TEXT, kind
    for field in Fault.__struct_fields__:
        assert f"`{field}`" in TEXT or field in {"kind", "content_type"}, field
    for option in re.findall(r"`(--[a-z]+)", TEXT):
        assert any(option in parameter.opts for parameter in command.params), option
