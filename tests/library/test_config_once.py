"""A config that can be read once only (``--config <(...)``, /dev/stdin) works for each command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, stream_of

COMMANDS = {
    "tap": ["tap_clicksend", "--test"],
    "discover": ["tap_clicksend", "--discover"],
    "target": ["target_clicksend", "--input", "rows.jsonl"],
    "doctor": ["clicksend.cli", "doctor"],
    "verify": ["clicksend.cli", "verify", "send", "0491 570 156"],
    "ledger list": ["clicksend.cli", "ledger", "list"],
    "ledger show": ["clicksend.cli", "ledger", "show", "k"],
    "ledger retry": ["clicksend.cli", "ledger", "retry", "--outcome", "rejected"],
    "ledger reconcile": ["clicksend.cli", "ledger", "reconcile"],
    "ledger baseline": ["clicksend.cli", "ledger", "baseline", "--input", "rows.jsonl", "--yes"],
    "ledger rebuild": ["clicksend.cli", "ledger", "rebuild", "--since", "2026-10-01"],
}
RUN = (
    "import sys; from importlib import import_module; name = sys.argv.pop(1);"
    " import_module(name if name == 'clicksend.cli' else name + '.__main__').main()"
)


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


def run(folder, name, way, file):
    command = [sys.executable, "-c", RUN, *COMMANDS[name], "--config"]
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:  # noqa: PTH123, it has no name
        pipe.write((folder / file).read_bytes())
    path = {"file": str(folder / file), "pipe": f"/dev/fd/{reading}", "/dev/stdin": "/dev/stdin"}[way]
    with open(reading, "rb") as pipe:  # noqa: PTH123, it has no name
        return subprocess.run(
            [*command, path],
            cwd=folder,
            stdin=pipe if way == "/dev/stdin" else subprocess.DEVNULL,
            pass_fds=[reading],
            capture_output=True,
            check=False,
            timeout=60,
            env={"PATH": os.environ["PATH"]},
        )


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
