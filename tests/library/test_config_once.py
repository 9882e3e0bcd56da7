"""A config that can be read once only (``--config <(...)``, /dev/stdin) works for each command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from contextlib import contextmanager

import pytest

from tests.command import PROCESSES, environment, run_command
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, stream_of

COMMANDS = {
    "tap": ["tap-clicksend", "--test"],
    "discover": ["tap-clicksend", "--discover"],
    "target": ["target-clicksend", "--input", "rows.jsonl"],
    "doctor": ["clicksend", "doctor"],
    "verify": ["clicksend", "verify", "send", "0491 570 156"],
    "ledger list": ["clicksend", "ledger", "list"],
    "ledger show": ["clicksend", "ledger", "show", "k"],
    "ledger retry": ["clicksend", "ledger", "retry", "--outcome", "rejected"],
    "ledger reconcile": ["clicksend", "ledger", "reconcile"],
    "ledger baseline": ["clicksend", "ledger", "baseline", "--input", "rows.jsonl", "--yes"],
    "ledger rebuild": ["clicksend", "ledger", "rebuild", "--since", "2026-10-01"],
}


@pytest.fixture
def folder(box, tmp_path):
    """Return a folder with rows, a config and a ledger that another run has made."""
    rows = [{"to": "+61491570156", "body": "Hello"}]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(map(line_of, stream_of("sms_messages", rows))))
    tap = {"api_url": box.api_url, **CREDENTIALS}
    configs = {
        "tap": tap,
        "discover": tap,
        "target": {**tap, "ledger_url": f"sqlite:///{tmp_path}/l.db"},
        "verify": {"hub_url": box.url, "api_key": "sandbox-key", "default_country": "AU"},
    }
    for name, config in configs.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
    return tmp_path


@contextmanager
def piped(content, *, as_stdin):
    """Yield the path of a pipe that holds this and has ended; it can be this process's stdin."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    if not as_stdin:
        yield f"/dev/fd/{reading}"
    else:
        stdin = os.dup(0)
        os.dup2(reading, 0)
        try:
            yield "/dev/stdin"
        finally:
            os.dup2(stdin, 0)
            os.close(stdin)
    os.close(reading)


def run(folder, name, way, file):
    if way == "file":
        return run_command(*COMMANDS[name], "--config", file, folder=folder)
    with piped((folder / file).read_bytes(), as_stdin=way == "/dev/stdin") as path:
        return run_command(*COMMANDS[name], "--config", path, folder=folder)


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_does_with_it_what_it_does_with_a_file(folder, name):
    file = f"{name}.json" if name in ("tap", "discover", "verify") else "target.json"
    if name.startswith("ledger"):
        assert run(folder, "target", "file", file).returncode == 0
    for way in ("file", "/dev/stdin", "pipe"):
        done = run(folder, name, way, file)
        assert done.returncode == (1 if name == "ledger show" else 0), done.stdout + done.stderr
        assert name != "ledger show" or b"does not know this key" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_not_a_config_is_said(folder, name):
    (folder / "bad.json").write_text('["s3cr3t"]')
    done = run(folder, name, "pipe", "bad.json")
    assert done.returncode == 2
    assert b"--config is not a valid JSON object" in done.stderr + done.stdout
    assert b"s3cr3t" not in done.stderr + done.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", ["tap", "target", "doctor"])
def test_as_a_shell_gives_it(folder, name):
    """In a process: only a shell makes what `<(...)` names."""
    file = f"{name}.json" if name == "tap" else "target.json"
    program, *arguments = COMMANDS[name]
    command = f"{shlex.join([*PROCESSES[program], *arguments])} --config <(cat {file})"
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=folder, check=False, timeout=60, env=environment()
    )
    assert done.returncode == 0
