"""Reports of tap and target: one shape, whatever the run comes to."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

import clicksend
from clicksend.client import Client
from clicksend.settings import Settings
from tests.command import Started, run_command
from tests.conftest import FakeClock
from tests.tap.runner import CREDENTIALS, catalog_of
from tests.target.runner import line_of, state, stream_of

SHAPE = {
    "plugin": str,
    "version": str,
    "run_id": str,
    "started_at": str,
    "ended_at": str,
    "exit_code": int,
    "rows": dict,
    "requests": int,
    "rate_limited": int,
    "waited_seconds": float,
    "re_reads": int,
    "spend": dict | None,
    "unknown_open": int,
    "error": str | None,
    "next": str | None,
}
TAP, TARGET = "tap-clicksend", "target-clicksend"
SINK = "sms_messages"
ROWS = [{"to": f"+6149157015{number}", "body": "Hi"} for number in range(3)]


PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")


def test_the_page_has_all_its_keys(commands):
    documented = re.findall("`(\\w+)`", "".join(line for line in PAGE.splitlines() if line.startswith("| `")))
    assert SHAPE.keys() <= set(documented)
    _, report, _ = commands.run(TARGET)
    assert {name for name in report if f"`{name}`" not in PAGE} == set()


def checked(report, plugin, code):
    """Return a report that has the shape."""
    assert list(report)[: len(SHAPE)] == list(SHAPE)
    for name, kind in SHAPE.items():
        assert isinstance(report[name], kind), name
    assert (report["plugin"], report["exit_code"]) == (plugin, code)
    assert report["version"] == clicksend.__version__
    assert datetime.fromisoformat(report["started_at"]) <= datetime.fromisoformat(report["ended_at"])
    assert all(isinstance(n, int) for counts in report["rows"].values() for n in counts.values())
    assert (report["error"] is None) == (code == 0)
    return report


class Commands:
    """Tap and target against a sandbox, each with a report beside the other's."""

    def __init__(self, box, folder):
        self.box, self.folder = box, folder
        self.path = folder / "report.json"
        self.lines = [*stream_of(SINK, ROWS), state({"done": True})]

    def arguments(self, plugin, **more):
        settings = {
            "api_url": self.box.api_url,
            "max_retries": 0,
            "report_path": str(self.path),
            **CREDENTIALS,
        }
        if plugin == TARGET:
            settings |= {"ledger_url": f"sqlite:///{self.folder}/l.db", "opt_out": "ignore"}
        (config := self.folder / "config.json").write_text(json.dumps(settings | more))
        if plugin == TARGET:
            return "--config", str(config)
        (catalog := self.folder / "catalog.json").write_text(json.dumps(catalog_of("sms_history", "lists")))
        return "--config", str(config), "--catalog", str(catalog)

    def run(self, plugin, **more):
        """Run a command; return how it ended, its report and its log."""
        stdin = b"".join(map(line_of, self.lines)) if plugin == TARGET else b""
        done = run_command(plugin, *self.arguments(plugin, **more), stdin=stdin, folder=self.folder)
        log = done.stderr.decode()
        report = json.loads(self.path.read_text()) if self.path.exists() else None
        return done.returncode, report, log

    def fault(self, **fault):
        self.box.control("POST", "faults", fault)


@pytest.fixture
def commands(box, tmp_path):
    return Commands(box, tmp_path)


BOTH = pytest.mark.parametrize("plugin", [TAP, TARGET])


@BOTH
def test_done(commands, plugin):
    code, report, _ = commands.run(plugin)
    checked(report, plugin, 0)
    assert (code, report["next"], report["unknown_open"]) == (0, None, 0)
    assert report["requests"] == len(
        [one for one in commands.box.requests() if "_sandbox" not in one["path"]]
    )
    if plugin == TARGET:
        assert report["rows"] == {SINK: {"sent": 3}}
        assert report["spend"] == {"currency": "USD", "amount": "0.2376"}
    else:
        assert report["rows"].keys() == {"sms_history", "lists"}
        assert all(counts.keys() == {"read"} and counts["read"] for counts in report["rows"].values())
        assert report["spend"] is None


@BOTH
@pytest.mark.parametrize("status", [401, 500])
def test_an_error_is_the_very_sentence_of_the_log(commands, plugin, status):
    commands.fault(kind="status", status=status, times=-1)
    code, report, log = commands.run(plugin)
    checked(report, plugin, 1)
    assert code == 1
    assert report["error"] in log


@BOTH
def test_unexpected_errors_show_no_value(commands, plugin, monkeypatch):
    def breaks(*_, **__):
        raise ValueError("+61491570156")

    monkeypatch.setattr(Client, "request", breaks)
    code, report, log = commands.run(plugin)
    checked(report, plugin, 1)
    assert code == 1
    assert report["error"].startswith("ValueError. This should not happen") == (plugin == TARGET)
    assert report["error"] in log
    assert "491570156" not in json.dumps(report)


def test_rows_that_failed(commands):
    commands.box.control("POST", "statuses", {"to": ROWS[0]["to"], "status": "THROTTLED", "times": 1})
    code, report, log = commands.run(TARGET)
    checked(report, TARGET, 1)
    assert (code, report["rows"]) == (1, {SINK: {"failed": 1, "sent": 2}})
    assert report["error"].startswith(f"{SINK}: 1 failed: ")
    assert report["error"] in log


def test_what_nobody_knows(commands):
    commands.box.control("POST", "switches", {"history_lag": 10_000})
    commands.fault(method="POST", kind="reset_after", path="/sms/send")
    code, report, log = commands.run(TARGET)
    checked(report, TARGET, 3)
    assert (code, report["unknown_open"], report["next"]) == (3, 3, "clicksend ledger reconcile")
    assert report["error"] == log.splitlines()[-1][log.splitlines()[-1].index(report["error"][:20]) :]


@BOTH
@pytest.mark.parametrize(
    "wrong", [{"max_retries": -1}, {"no_such": 1}, {"timeout": "soon"}, {"api_key": ""}], ids=str
)
def test_wrong_settings(commands, plugin, wrong):
    code, report, log = commands.run(plugin, **wrong)
    checked(report, plugin, 2)
    assert (code, report["rows"], report["requests"]) == (2, {}, 0)
    assert report["error"] in log


def test_settings_that_are_found_to_be_wrong_later(commands):
    commands.lines = stream_of("no_such_sink", ROWS)
    code, report, log = commands.run(TARGET)
    checked(report, TARGET, 2)
    assert code == 2
    assert report["error"] in log


@BOTH
def test_a_variable_that_did_not_arrive(commands, plugin):
    variable = f"{plugin.upper().replace('-', '_')}_TIMEOUT"
    done = run_command(plugin, *commands.arguments(plugin), folder=commands.folder, env={variable: "7"})
    checked(json.loads(commands.path.read_text()), plugin, 2)
    assert done.returncode == 2


@BOTH
@pytest.mark.parametrize("kind", ["no folder", "a folder", "not writable"])
def test_where_none_can_be_written_nothing_is_read_or_sent(commands, plugin, kind, tmp_path):
    path = {"no folder": tmp_path / "x" / "y", "a folder": tmp_path, "not writable": "/proc/report.json"}[
        kind
    ]
    before = len(commands.box.requests())
    code, _, log = commands.run(plugin, report_path=str(path))
    assert (code, len(commands.box.requests()) - before) == (2, 0)
    assert "Setting report_path names a f" in log.splitlines()[-1]
    assert {one.name for one in tmp_path.iterdir()} <= {"config.json", "catalog.json"}


@BOTH
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop(commands, plugin, signum, tmp_path):
    commands.fault(kind="delay", seconds=20, path="/sms/*", times=-1)
    (lines := tmp_path / "lines").write_bytes(b"".join(map(line_of, commands.lines)))
    arguments = commands.arguments(plugin, timeout=1, max_retries=2)
    with Started(plugin, *arguments, errors=tmp_path / "errors", stdin=lines) as process:
        while not [one for one in commands.box.requests() if one["path"].startswith("/sms/")]:
            time.sleep(0.05)
        process.send_signal(signum)
        assert process.wait(60) == 128 + signum
    report = checked(json.loads(commands.path.read_text()), plugin, 128 + signum)
    assert report["error"].startswith(f"Stopped by {signum.name}: ")
    assert report["error"] in (tmp_path / "errors").read_text()


@BOTH
@pytest.mark.parametrize("wrong", [{}, {"max_retries": -1}])
def test_a_line_on_stderr(commands, plugin, wrong):
    code, _, log = commands.run(plugin, report_path="-", **wrong)
    (line,) = [one for one in log.splitlines() if one.startswith("{")]
    checked(json.loads(line), plugin, code)
    assert not commands.path.exists()


def test_the_line_of_a_dry_run_has_no_texts(commands):
    _, report, _ = commands.run(TARGET, dry_run=True)
    assert "Hi" in json.dumps(report["samples"])
    commands.path.unlink()
    _, _, log = commands.run(TARGET, dry_run=True, report_path="-")
    (line,) = [one for one in log.splitlines() if one.startswith("{")]
    assert json.loads(line)["samples"] == []


@BOTH
def test_it_is_whole_private_and_follows_a_link(commands, plugin, tmp_path):
    (place := tmp_path / "elsewhere").mkdir()
    (place / "it.json").write_text("{}")
    (place / "it.json").chmod(0o644)
    commands.path.symlink_to(place / "it.json")
    commands.run(plugin)
    assert commands.path.is_symlink()
    assert (place / "it.json").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in place.iterdir()] == ["it.json"]


@BOTH
def test_a_pipe_gets_it(commands, plugin, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()), daemon=True)
    reader.start()
    commands.run(plugin, report_path=str(tmp_path / "pipe"))
    reader.join(20)
    checked(json.loads(read[0]), plugin, 0)


@pytest.mark.parametrize("option", ["--version", "--help", "--about"])
@BOTH
def test_what_is_no_run_has_none(commands, plugin, option):
    done = run_command(plugin, *commands.arguments(plugin), option, folder=commands.folder)
    assert (done.returncode, commands.path.exists()) == (0, False)


def test_waits_and_limits_are_counted(box):
    clock = FakeClock()
    settings = Settings.from_config({"api_url": box.api_url, **CREDENTIALS}, env={})
    box.control("POST", "faults", {"kind": "status", "status": 429, "retry_after": 7, "times": 2})
    client = Client(settings, clock)
    client.get("/account")
    traffic = client.traffic
    client.close()
    assert (traffic.requests, traffic.rate_limited, traffic.waited_seconds) == (3, 2, 14.0)
    assert sum(clock.slept) == traffic.waited_seconds
