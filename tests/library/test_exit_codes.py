"""How the commands end as processes: what other tests see of them in their own process is what users see."""

import json
import logging
import re
import signal
import subprocess
import sys
import time

import pytest

from clicksend import exit_codes
from tests.command import PROCESSES, environment, run_command, run_process
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, record, schema, state, stream_of

SENT = [*stream_of("sms_messages", [{"to": "+61491570156", "body": "Hello"}]), state({"a": 1})]


@pytest.fixture
def folder(box, tmp_path):
    config = {"api_url": box.api_url, "max_retries": 0, **CREDENTIALS}
    (tmp_path / "tap.json").write_text(json.dumps(config))
    config["ledger_url"] = "sqlite:///l.db"
    (tmp_path / "target.json").write_text(json.dumps(config))
    return tmp_path


def seen(done):
    """Return what was seen of an end, under the name of the script, without numbers and the run's id."""
    shown = done.stderr.decode().replace("Usage: -c ", "Usage: clicksend ")
    shown = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\d.,]+", "9", shown)
    return done.returncode, done.stdout, shown.splitlines()


@pytest.mark.parametrize(
    ("code", "command", "lines"),
    [
        (0, ["tap-clicksend", "--config", "tap.json", "--discover"], []),
        (1, ["target-clicksend", "--config", "target.json"], [record("unheard_of", {})]),
        (2, ["target-clicksend", "--config", "target.json"], [schema("unheard_of", ["id"])]),
        (3, ["target-clicksend", "--config", "target.json"], SENT),
        (2, ["clicksend", "ledger", "show", "--no-such-option"], []),
    ],
)
def test_a_process_ends_as_its_tests_say(box, folder, code, command, lines):
    ends = []
    for run in (run_process, run_command):
        for file in folder.glob("l.db*"):
            file.unlink()
        box.control("POST", "reset")
        if code == 3:
            box.control("POST", "faults", {"method": "POST", "path": "/sms/send", "kind": "reset_after"})
        ends.append(run(*command, stdin=b"".join(map(line_of, lines)), folder=folder))
    assert [done.returncode for done in ends] == [code, code], ends
    for process, here in zip(*map(seen, ends), strict=True):
        assert process == here


def test_threads_that_wait_do_not_hold_up_the_end(tmp_path):
    code = (
        "import logging, threading; from clicksend import exit_codes\n"
        "def command(): print('done'); threading.Thread(target=threading.Event().wait).start()\n"
        "exit_codes.run_command(command, logging.getLogger('clicksend'))"
    )
    done = subprocess.run(
        [PROCESSES["clicksend"][0], "-c", code],
        capture_output=True,
        timeout=30,
        check=False,
        env=environment(),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done\n", b"")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "signum"),
    [
        ("tap-clicksend", signal.SIGINT),
        ("target-clicksend", signal.SIGINT),
        ("target-clicksend", signal.SIGTERM),
    ],
)
def test_a_signal_ends_a_whole_process(box, folder, name, signum):
    box.control("POST", "faults", {"path": "/account", "kind": "delay", "seconds": 1, "times": -1})
    command = [*PROCESSES[name], "--config", name.partition("-")[0] + ".json"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment(),
    ) as process:
        try:
            process.stdin.write(b"".join(map(line_of, SENT[:-1])))
            process.stdin.flush()
            while not box.requests():
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signum)
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 128 + signum
    assert b"Traceback" not in stderr
    assert b"RECORD" not in stdout


def test_output_that_nobody_got_is_no_success(monkeypatch):
    class Gone:
        def flush(self):
            raise BrokenPipeError

    for command, code in ((lambda: 0, 1), (lambda: 3, 3)):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Gone())
            found = exit_codes.exit_code_of(command, logging.getLogger("tap-clicksend"))
        assert found == code
