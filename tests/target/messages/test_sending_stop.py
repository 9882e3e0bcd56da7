"""Stop means stop: the request under way is awaited and noted, nothing new is sent, the state says so."""

from __future__ import annotations

import io
import json
import signal
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest

from clicksend.client import Client
from clicksend.settings import Settings
from target_clicksend.target import TargetClickSend
from tests.command import Started
from tests.conftest import FakeClock
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, state, stream_of
from tests.target.stepping import Worker, current, watch

SIGNALS = pytest.mark.parametrize(
    "signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(4, 10)]
SINK = "sms_messages"
TALK = {
    SINK: {"to": "+61491570154", "body": "Hello"},
    "voice_messages": {"to": "+61491570154", "body": "Hello", "voice": "female", "lang": "en-au"},
}


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


def lines(rows=ROWS):
    messages = []
    for message in stream_of(SINK, rows):
        messages.append(message)
        if message["type"] == "RECORD":
            messages.append(state({"row": message["record"]["id"]}))
    return messages


def config(out, **more):
    common = {"api_url": out.api_url, "ledger_url": out.ledger_url, "opt_out": "ignore", "batch_size_rows": 2}
    return {**common, **CREDENTIALS, "report_path": str(out.folder / "report.json"), **more}


def wait_for_words(out, words):
    for _ in range(1000):
        if words in (out.folder / "errors").read_text():
            return
        time.sleep(0.02)
    pytest.fail("it never said so")


@contextmanager
def started(out, **more):
    path = out.folder / "config.json"
    path.write_text(json.dumps(config(out, **more)))
    with Started("target-clicksend", "--config", str(path), errors=out.folder / "errors") as process:
        process.stdin.write(b"".join(map(line_of, lines())))
        process.stdin.flush()
        yield process


def requests_of(out, path):
    return len([one for one in out.requests() if one["path"] == path])


def wait_for(out, path, count=1):
    for _ in range(1000):
        if requests_of(out, path) >= count:
            return
        time.sleep(0.02)
    pytest.fail("it never came")


def stopped(out, process, signum, seconds=20):
    """Stop a target; return the last state and its rows by outcome.

    It takes a second at most: a busy machine gets more, but less than what a target might wait for.
    """
    before = time.monotonic()
    process.send_signal(signum)
    states = [json.loads(line)["row"] for line in process.stdout]
    assert process.wait(seconds) == 128 + signum
    assert time.monotonic() - before < seconds
    log = (out.folder / "errors").read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log
    report = json.loads((out.folder / "report.json").read_text())
    assert sum(report["rows"].get(SINK, {}).values()) + report["rows_unfinished"] == report["rows_read"]
    return states[-1:], report["rows"].get(SINK, {})


def goes_on(out, sent, state):
    """Deliver again what the state does not cover; everything goes once."""
    assert len(out.arrivals) == sent
    again = out.run([message for message in lines() if message.get("record", {"id": 99})["id"] > state])
    assert again.code == 0
    assert again.states[-1:] == [{"row": 6}]
    assert sorted(one["body"] for one in out.arrivals) == [row["body"] for row in ROWS]


@SIGNALS
def test_while_a_message_is_sent(out, signum):
    out.fault(method="POST", path="/sms/send", kind="delay", seconds=1, skip=1)
    with started(out) as process:
        wait_for(out, "/sms/send", 2)
        # The state of row 4 waits in the input still.
        assert stopped(out, process, signum) == ([3], {"sent": 4})
    goes_on(out, sent=4, state=3)


@pytest.mark.long
def test_while_an_answer_is_awaited_that_never_comes(out):
    out.fault(method="POST", path="/sms/send", kind="delay", seconds=90)
    with started(out, timeout=1) as process:
        wait_for(out, "/sms/send")
        assert stopped(out, process, signal.SIGTERM) == ([1], {"unknown": 2})
    assert len(out.arrivals) == 2


@pytest.mark.long
def test_while_one_more_attempt_is_waited_for(out):
    out.fault(method="POST", path="/sms/send", kind="status", status=429, retry_after=50, skip=1)
    with started(out) as process:
        wait_for_words(out, "Trying again in 50")
        assert stopped(out, process, signal.SIGTERM) == ([2], {"sent": 2, "failed": 2})
    goes_on(out, sent=2, state=2)


@pytest.mark.long
@SIGNALS
def test_while_the_minute_is_waited_for(out, signum):
    with started(out, messages_per_minute=2) as process:
        wait_for(out, "/sms/send")
        time.sleep(0.2)
        assert stopped(out, process, signum) == ([2], {"sent": 2})
    goes_on(out, sent=2, state=2)


@pytest.mark.long
def test_while_prices_are_asked_for(out):
    out.fault(method="POST", path="/sms/price", kind="delay", seconds=1, skip=1)
    with started(out, max_spend_per_run=100) as process:
        process.stdin.close()
        wait_for(out, "/sms/price", 2)
        assert stopped(out, process, signal.SIGTERM) == ([], {})
    goes_on(out, sent=0, state=0)


@pytest.mark.long
def test_while_a_capped_run_sends(out):
    out.fault(method="POST", path="/sms/send", kind="delay", seconds=1, skip=1)
    with started(out, max_messages_per_run=100) as process:
        process.stdin.close()
        wait_for(out, "/sms/send", 2)
        assert stopped(out, process, signal.SIGTERM) == ([4], {"sent": 4})
    goes_on(out, sent=4, state=4)


@pytest.mark.long
def test_while_the_history_is_looked_through(out):
    out.fault(method="POST", path="/sms/send", kind="reset_after")
    out.run(lines()[:3], batch_size_rows=1)
    out.execute("update outcomes set outcome = 'unknown', message_id = null")
    out.fault(method="GET", path="/sms/history", kind="delay", seconds=1, times=-1)
    before = requests_of(out, "/sms/history")
    with started(out) as process:
        wait_for(out, "/sms/history", before + 1)
        assert stopped(out, process, signal.SIGTERM)[0] == []
    assert len(out.arrivals) == 1


def test_when_nobody_reads_its_states_any_more(out):
    with started(out) as process:
        process.stdout.close()
        process.stdin.close()
        assert process.wait(20) == 128 + signal.SIGPIPE
    assert "Traceback" not in (out.folder / "errors").read_text()
    sent = len(out.arrivals)
    assert sent < len(ROWS)
    goes_on(out, sent=sent, state=0)


@pytest.mark.parametrize("cap", [{}, {"max_messages_per_run": 100}])
@pytest.mark.parametrize("step", range(0, 60, 3))
def test_at_any_step(out, monkeypatch, cap, step):
    """The state never covers a row that was not sent, and the next run sends exactly the others."""
    watch(monkeypatch.setattr)
    target = TargetClickSend(config=config(out, **cap))
    target.run.client = Client(Settings.from_config(target.config, env={}), FakeClock())
    states, steps = [], iter(range(10**6))
    monkeypatch.setattr(target.run._states, "_write", lambda text: states.append(json.loads(text)["row"]))
    monkeypatch.setattr(
        current, "hook", lambda _: next(steps) == step and target.run.stop(signal.SIGTERM), raising=False
    )
    with suppress(SystemExit):
        target.listen(io.BytesIO(b"".join(map(line_of, lines()))))
    covered, sent = max(states, default=0), {one["body"] for one in out.arrivals}
    assert {row["body"] for row in ROWS[:covered]} <= sent
    current.hook = None
    goes_on(out, sent=len(sent), state=covered)


@pytest.mark.parametrize("step", range(0, 60, 3))
def test_whenever_it_is_stopped_nothing_of_everything_is_left_unsaid(out, monkeypatch, step):
    """What is to be cancelled is, by this run or the next; of half of it the run may say that it is not."""
    later = {"schedule": out.at + 86_400}
    for sink in ("sms_messages", "voice_messages"):
        assert out.run(stream_of(sink, [TALK[sink] | later])).rows(sink) == {"sent": 1}
    watch(monkeypatch.setattr)
    rows = [(SINK, {"id": 1, **ROWS[0], **later}), ("cancellations", {"id": 2, "custom_string": "*"})]

    def run(rows, end=None):
        worker = Worker(rows, config(out, key_namespace="second"), end, lambda: datetime.now(UTC))
        worker.run()
        return worker

    stopped = run(rows, (step, "stop"))
    again = run(rows[max(stopped.states, default=0) :])
    assert (again.code, again.error) == (0, None)
    said = [str(one.target.run.report.error) for one in (stopped, again)]
    left = [one for one in out.arrivals if one["status"] == "Scheduled"]
    half = ["voice"] if "not everything was cancelled" in said[0] else []
    assert [one["channel"] for one in left] in ([], half), (left, stopped.outcomes, said)
