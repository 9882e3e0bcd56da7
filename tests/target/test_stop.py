"""Stop means stop: what is under way ends and is noted, nothing new starts, the state says so."""

import fcntl
import json
import re
import signal
import sys
import termios
import time
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from clicksend.ledger.ledger import Ledger
from target_clicksend.target import TargetClickSend
from tests.command import Started
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, record, schema, state

SIGNALS = pytest.mark.parametrize(
    "signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
HEAD = schema("contacts", ["id", "phone_number"])
POSTS = {"method": "POST", "path": "/lists/*/contacts"}
MORE_THAN_A_PIPE_HOLDS = 5000


def pair(number):
    row = {"id": number, "phone_number": f"+1415{number:07}"}
    return line_of(record("contacts", row)) + line_of(state({"row": number}))


@pytest.fixture
def start(box, tmp_path):
    """Return a function that starts the target, and ends it when the test has ended."""

    @contextmanager
    def start(**config):
        settings = {
            "api_url": box.api_url,
            "ledger_url": f"sqlite:///{tmp_path}/l.db",
            "list_name": "Synced",
            "create_missing_lists": True,
            "report_path": str(tmp_path / "report.json"),
            **CREDENTIALS,
            **config,
        }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(settings))
        with Started("target-clicksend", "--config", str(path), errors=tmp_path / "errors") as process:
            yield process

    return start


@pytest.fixture
def wait_for(box, tmp_path):
    """Return a function that waits for some requests, or for words in the log."""

    def wait_for(method=None, path="", count=1, words=None):
        for _ in range(600):
            seen = [r for r in box.requests() if r["method"] == method and re.search(path, r["path"])]
            if words and words in (tmp_path / "errors").read_text():
                return
            if method and len(seen) >= count:
                return
            time.sleep(0.05)
        pytest.fail("it never came")

    return wait_for


def posts(box):
    return [r for r in box.requests() if r["method"] == "POST" and r["path"].endswith("/contacts")]


def stopped(process, signum, seconds=20):
    """Stop a target; return the states that it wrote.

    It takes less than a second: a busy machine gets more, but less than what a target might wait for.
    """
    before = time.monotonic()
    process.send_signal(signum)
    # Its input stays open: only the signal can end it.
    output = process.stdout.read()
    process.wait(seconds)
    assert time.monotonic() - before < seconds
    assert process.returncode == 128 + signum
    return [json.loads(line) for line in output.splitlines()]


def check_log(tmp_path, signum):
    log = (tmp_path / "errors").read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
    assert f"Stopped by {signal.Signals(signum).name}" in log
    return json.loads((tmp_path / "report.json").read_text())


@SIGNALS
def test_while_it_waits_for_input(box, start, wait_for, tmp_path, signum):
    with start() as process:
        process.stdin.write(line_of(HEAD) + line_of(state({"row": 0})) + b"".join(map(pair, range(1, 6))))
        process.stdin.flush()
        wait_for("GET", "/account")
        # It asks the pipe for more when it has read the rows that came before.
        process.stdin.write(b"\n")
        process.stdin.flush()
        while int.from_bytes(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)), sys.byteorder):
            time.sleep(0.01)
        assert stopped(process, signum) == [{"row": 0}]
    assert posts(box) == []
    report = check_log(tmp_path, signum)
    assert (report["rows"], report["rows_read"], report["rows_unfinished"]) == ({}, 5, 5)


@pytest.mark.long
@SIGNALS
def test_while_input_never_ends(box, start, wait_for, tmp_path, signum):
    flowing = Event()

    def feed(pipe):
        number = 0
        try:
            while True:
                number += 1
                pipe.write(pair(number))
                if number == MORE_THAN_A_PIPE_HOLDS:
                    flowing.set()
        except (BrokenPipeError, ValueError):
            pass

    with start() as process:
        process.stdin.write(line_of(HEAD))
        feeder = Thread(target=feed, args=(process.stdin,), daemon=True)
        feeder.start()
        wait_for("GET", "/account")
        assert flowing.wait(30)
        assert stopped(process, signum) == []
        feeder.join(5)
        with suppress(BrokenPipeError):
            process.stdin.close()
    assert posts(box) == []
    check_log(tmp_path, signum)


@SIGNALS
def test_while_contacts_are_written(box, start, wait_for, tmp_path, signum):
    """The POSTs under way are awaited and noted, no other one starts, the state covers exactly them."""
    box.control("POST", "faults", {**POSTS, "kind": "delay", "seconds": 2, "times": -1})
    with start(max_concurrency=3) as process:
        process.stdin.write(line_of(HEAD) + b"".join(map(pair, range(1, 51))))
        process.stdin.close()
        wait_for("POST", "/contacts$", count=3)
        assert stopped(process, signum) == [{"row": 3}]
    assert len(posts(box)) == 3
    report = check_log(tmp_path, signum)
    assert report["rows"]["contacts"]["created"] == 3
    with Ledger.existing(f"sqlite:///{tmp_path}/l.db") as ledger:
        assert len(ledger.outcomes.newest(outcome="created")) == 3

    box.control("DELETE", "faults")
    with start() as process:
        process.stdin.write(line_of(HEAD) + b"".join(map(pair, range(1, 51))))
        process.stdin.close()
        assert json.loads(process.stdout.read().splitlines()[-1]) == {"row": 50}
        assert process.wait(10) == 0
    assert len(posts(box)) == 50


@pytest.mark.long
def test_while_a_list_is_read(box, start, wait_for, tmp_path):
    box.control("POST", "faults", {"kind": "delay", "path": "/lists", "seconds": 1, "times": -1})
    with start() as process:
        process.stdin.write(line_of(HEAD) + pair(1))
        process.stdin.close()
        wait_for("GET", "/lists$")
        assert stopped(process, signal.SIGTERM) == []
    assert {r["method"] for r in box.requests()} == {"GET"}
    check_log(tmp_path, signal.SIGTERM)


@pytest.mark.parametrize(
    ("fault", "config"),
    [
        pytest.param({"kind": "status", "status": 429, "retry_after": 600}, {}, id="Retry-After"),
        pytest.param(None, {"requests_per_minute": 6}, id="requests_per_minute"),
    ],
)
def test_waits_for_the_rate_limit_end(box, start, wait_for, tmp_path, fault, config):
    if fault:
        box.control("POST", "faults", {**POSTS, **fault, "times": -1})
    with start(**config) as process:
        process.stdin.write(line_of(HEAD) + b"".join(map(pair, range(1, 51))))
        process.stdin.close()
        if config:
            wait_for("GET", "/account")
        else:
            wait_for(words="Trying again in 600")
        before = len(box.requests())
        assert stopped(process, signal.SIGTERM) == []
        assert len(box.requests()) - before <= 1
    report = check_log(tmp_path, signal.SIGTERM)
    assert report["rows"].get("contacts", {}).keys() <= {"failed"}


def test_waits_for_a_dead_server_end(start, wait_for, tmp_path):
    """The reader itself is the one that waits here."""
    with start(api_url="http://127.0.0.1:9/v3") as process:
        process.stdin.write(line_of(HEAD) + pair(1))
        process.stdin.close()
        wait_for(words="Trying again")
        assert stopped(process, signal.SIGTERM) == []
    check_log(tmp_path, signal.SIGTERM)


@pytest.mark.long
def test_twice_is_once(box, start, wait_for, tmp_path):
    box.control("POST", "faults", {**POSTS, "kind": "delay", "seconds": 1, "times": -1})
    with start(max_concurrency=1) as process:
        process.stdin.write(line_of(HEAD) + b"".join(map(pair, range(1, 9))))
        process.stdin.close()
        wait_for("POST", "/contacts$")
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        assert process.wait(10) == 130
    assert json.loads(output) == {"row": 1}
    check_log(tmp_path, signal.SIGINT)


def test_before_there_is_a_run(monkeypatch):
    target = TargetClickSend(validate_config=False)
    del target.__dict__["run"]
    with pytest.raises(SystemExit) as stop:
        target._handle_termination(signal.SIGTERM, None)
    assert stop.value.code == 143


@SIGNALS
def test_at_any_time_of_the_start(start, wait_for, tmp_path, signum):
    """The interpreter's own start is not ours; from the first lines of the log on, there is no traceback."""
    for wait in (0.0, 0.01, 0.03, 0.1):
        with start() as process:
            wait_for(words="Meltano SDK")
            time.sleep(wait)
            process.send_signal(signum)
            code = process.wait(10)
        log = (tmp_path / "errors").read_text()
        assert code in (128 + signum, -signum)
        assert "Traceback" not in log
        assert "should not happen" not in log
