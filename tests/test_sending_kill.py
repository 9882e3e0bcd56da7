"""kill -9 at every step of a send: no key's message arrives twice, and what certainly did not goes later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from tap_runner import CREDENTIALS
from target_runner import line_of, state, stream_of

pytest_plugins = ["message_fixtures"]

ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(4, 10)]
BATCH = 2

# The target, that kills itself at one step of its second batch.
TARGET = """
import os, signal, sys
from clicksend.client import Client
from clicksend.ledger import Ledger
from target_clicksend import __main__

step, calls = sys.argv.pop(1), {}

def killing(kind, name):
    original = getattr(kind, name)
    def wrapped(*arguments, **options):
        calls[name] = calls.get(name, 0) + 1
        if step == f"before {name}" and calls[name] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if step == f"after {name}" and calls[name] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(kind, name, wrapped)

for kind, name in ((Ledger, "claim"), (Client, "send"), (Ledger, "settle"), (Ledger, "record")):
    killing(kind, name)
__main__.main()
"""
STEPS = {
    # What the first run leaves of the second batch: arrived, and what the second run makes of it.
    "before claim": (0, "sent"),
    "after claim": (0, "unknown"),
    "before send": (0, "unknown"),
    "after send": (2, "unknown"),
    "before settle": (2, "unknown"),
    "after settle": (2, "sent"),
}


def run(out, step="never"):
    config = {"api_url": out.api_url, "ledger_url": out.ledger_url, "batch_size_rows": BATCH, **CREDENTIALS}
    path = out.folder / "config.json"
    path.write_text(json.dumps(config | {"opt_out": "ignore"}))
    lines = []
    for message in stream_of("sms_messages", ROWS):
        lines.append(message)
        if message["type"] == "RECORD":
            lines.append(state({"row": message["record"]["id"]}))
    return subprocess.run(
        [sys.executable, "-c", TARGET, step, "--config", str(path)],
        input=b"".join(map(line_of, lines)),
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_run_again(out, step):
    out.switch(throttle_seconds=0)
    arrived, becomes = STEPS[step]
    killed = run(out, step)
    assert killed.returncode == -9
    assert len(out.arrivals) == BATCH + arrived
    done = [json.loads(line)["row"] for line in killed.stdout.splitlines()]
    assert max(done, default=0) <= (2 * BATCH if step == "after settle" else BATCH)

    again = run(out)
    assert b"Traceback" not in again.stderr
    assert again.returncode == (3 if becomes == "unknown" else 0)
    keys = dict(out.query("select source_key, outcome from outcomes"))
    second = {keys[f'{{"id": {number}}}'] for number in (3, 4)}
    assert second == {becomes}
    assert {keys[f'{{"id": {number}}}'] for number in (1, 2, 5, 6)} == {"sent"}
    check(out, step)


def check(out, step):
    arrived = Counter(one["custom_string"] for one in out.arrivals)
    assert not [token for token, count in arrived.items() if count > 1], step
    expected = len(ROWS) - (BATCH if step in ("after claim", "before send") else 0)
    assert len(arrived) == expected, step


@pytest.mark.parametrize("step", ["after claim", "after send"])
def test_when_the_lease_is_over_what_arrived_is_found(out, step):
    out.switch(throttle_seconds=0)
    run(out, step)
    # The command's clock is today's, the sandbox's is that of its world.
    past = "2020-01-01T00:00:00.000000+00:00"
    out.execute(f"update claims set claimed_at = '{past}', lease_until = '{past}'")
    again = run(out)
    outcomes = dict(out.query("select outcome, count(*) from outcomes group by outcome"))
    if step == "after send":
        assert (again.returncode, outcomes) == (0, {"sent": 6})
    else:
        assert (again.returncode, outcomes) == (3, {"sent": 4, "unknown": 2})
    check(out, step)
