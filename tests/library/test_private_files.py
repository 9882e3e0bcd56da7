"""Every file that the product makes is its owner's only, whatever the umask and whatever lay there before."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from clicksend.private_files import opened
from tests.command import run_command
from tests.tap.runner import CREDENTIALS, catalog_of
from tests.target.runner import line_of, stream_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("clicksend", "tap_clicksend", "target_clicksend")
UMASKS = [0o000, 0o022, 0o077]
ROW = {"id": 1, "to": "+61411222333", "body": "Hello"}
FORMATS = [("jsonl", "gzip"), ("jsonl", "none"), ("parquet", "gzip"), ("parquet", "none")]


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def modes(folder):
    return {str(path.relative_to(folder)): mode(path) for path in folder.rglob("*") if path.is_file()}


@contextmanager
def masked(umask):
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def run(folder, umask, *command, stdin=b""):
    with masked(umask):
        done = run_command(*command, stdin=stdin, folder=folder)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def settings(box, tmp_path):
    """Return a function that writes a config file and returns its path; the folder `made` stays empty."""
    (tmp_path / "made").mkdir()

    def settings(**more):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"api_url": box.api_url, "max_retries": 0, **CREDENTIALS, **more}))
        return str(path)

    return settings


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize("dry_run", [True, False])
def test_what_the_target_makes(settings, tmp_path, umask, dry_run):
    made = tmp_path / "made"
    rows = b"".join(map(line_of, stream_of("sms_messages", [ROW])))
    config = settings(
        ledger_url=f"sqlite:///{made}/ledger.db",
        report_path=f"{made}/report.json",
        dry_run=dry_run,
        opt_out="ignore",
    )
    run(made, umask, "target-clicksend", "--config", config, stdin=rows)
    assert modes(made) == {"ledger.db": 0o600, "ledger.db.key": 0o600, "report.json": 0o600}


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize("form", FORMATS, ids="-".join)
def test_what_the_tap_makes(settings, tmp_path, umask, form):
    made = tmp_path / "made"
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(catalog_of("sms_history")))
    encoding = dict(zip(("format", "compression"), form, strict=True))
    config = settings(batch_config={"encoding": encoding, "storage": {"root": f"file://{made}/new folder"}})
    run(made, umask, "tap-clicksend", "--config", config, "--catalog", str(catalog))
    found = modes(made)
    assert found
    assert set(found.values()) == {0o600}


@pytest.mark.parametrize("root", ["{}", "file://{}", "local://{}"])
def test_a_folder_of_batches_in_all_its_spellings(settings, tmp_path, root):
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(catalog_of("lists")))
    storage = {"root": root.format(tmp_path / "made"), "prefix": "x-"}
    config = settings(batch_config={"encoding": {"format": "jsonl"}, "storage": storage})
    run(tmp_path, 0, "tap-clicksend", "--config", config, "--catalog", str(catalog))
    found = modes(tmp_path / "made")
    assert [name.startswith("x-lists-") for name in found] == [True]
    assert set(found.values()) == {0o600}


@pytest.mark.long
@pytest.mark.parametrize("umask", UMASKS)
def test_what_the_sandbox_makes(tmp_path, umask):
    command = (sys.executable, "-c", "from clicksend.cli.sandbox import command; command()")
    options = (
        "--port",
        "0",
        "--messages",
        "20",
        "--contacts",
        "10",
        "--state",
        f"{tmp_path}/made/state.json",
    )
    with subprocess.Popen((*command, *options), stdout=subprocess.PIPE, text=True, umask=umask) as process:
        try:
            url = process.stdout.readline().rpartition(" ")[2].strip()
            auth = tuple(CREDENTIALS.values())
            message = {"to": "+61411222333", "body": "Hello"}
            requests.post(f"{url}/v3/sms/send", json={"messages": [message]}, auth=auth, timeout=10)
            answer = requests.post(f"{url}/_sandbox/clock", json={"advance": 1}, timeout=10)
            assert answer.status_code == 200
            assert modes(tmp_path / "made") == {"state.json": 0o600, "state.json.writes": 0o600}
        finally:
            process.terminate()


@pytest.mark.long
def test_the_demo_makes_nothing_for_others(tmp_path):
    """Its logs, its state, the database and Meltano's run folder, with keys in it, inherit its umask."""
    code = (
        "import os, sys; from demo import __main__ as demo;"
        "demo._demo = lambda options, _: (options.directory / 'new').write_text('') and 0;"
        f"sys.argv[1:] = ['--directory', {str(tmp_path / 'made')!r}]; demo.main()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, umask=0, cwd=ROOT)
    assert modes(tmp_path / "made") == {"new": 0o600}
    assert mode(tmp_path / "made") == 0o700


@pytest.mark.parametrize("others", [0o640, 0o660, 0o604, 0o602, 0o601, 0o610, 0o666])
def test_a_file_that_others_can_use_is_closed_to_them_before_anything_is_written(tmp_path, others):
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(others)
    with opened(path, "wb"):
        assert (mode(path), path.read_text()) == (0o600, "")


def test_what_is_no_plain_file_keeps_its_mode(tmp_path):
    """A report may go to a pipe or a device; what a link names is somebody's own decision."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").chmod(0o644)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o644)
    (tmp_path / "link").symlink_to("real")
    device = mode(Path("/dev/null"))
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/null")):
        with opened(path, "wb") as file:
            file.write(b"new")
    os.close(reader)
    assert (mode(tmp_path / "pipe"), mode(tmp_path / "real")) == (0o644, 0o644)
    assert mode(Path("/dev/null")) == device
    assert (tmp_path / "real").read_text() == "new"


def _writes(tree):
    """Yield the lines that open a file for writing, or change a mode."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        given = [
            one.value
            for one in [*node.args, *(k.value for k in node.keywords)]
            if isinstance(one, ast.Constant)
        ]
        if name in {
            "write_text",
            "write_bytes",
            "chmod",
            "fchmod",
            "touch",
            "mkstemp",
            "NamedTemporaryFile",
        } or (name == "open" and any(re.fullmatch("[wax][bt+]*|r[bt]*[+][bt]*", str(one)) for one in given)):
            yield node.lineno


def test_no_other_code_of_the_product_makes_files():
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.relative_to(ROOT).parts[:2] != ("clicksend", "demo") and path.name != "private_files.py"
        for line in _writes(ast.parse(path.read_text(encoding="utf-8")))
    }
    # Python makes a temporary file private by itself.
    assert [place.partition(":")[0] for place in found] == ["clicksend/airflow/hook.py"], found
