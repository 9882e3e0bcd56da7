"""kill -9 at every step of a send: no key's message arrives twice, and what certainly did not goes later."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, state, stream_of

ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(4, 10)]
BATCH = 2
KILLS = 100
PAGE = 30
"""Rows that are delivered at once."""

# The target, that kills itself at one step of its second batch, and whose leases soon end.
TARGET = """
import os, signal, sys
from clicksend.client import Client
from clicksend.ledger import claims
from clicksend.ledger.ledger import Ledger
from clicksend.transport import Transport
from target_clicksend import __main__

step, calls = sys.argv.pop(1), {}

def killing(kind, name, said, counts=lambda *_: True):
    original = getattr(kind, name)
    def wrapped(*arguments, **options):
        if "lease_seconds" in options:
            options["lease_seconds"] = 3
        calls[said] = calls.get(said, 0) + counts(*arguments)
        if step == f"before {said}" and calls[said] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if step == f"after {said}" and calls[said] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(kind, name, wrapped)

killing(claims.Claims, "claim_within", "claim")
killing(claims, "write_meta", "claim within its transaction")
killing(Client, "send", "send")
killing(Transport, "exchange", "request", lambda _, request, __: request.url.endswith("/sms/send"))
killing(claims.Claims, "settle", "settle")
killing(claims, "count", "settle within its transaction")
__main__.main()
"""
STEPS = {
    # What the first run leaves of the second batch: arrived, and what the second run makes of it.
    "before claim": (0, "sent"),
    "after claim within its transaction": (0, "sent"),
    "after claim": (0, "unknown"),
    "before send": (0, "unknown"),
    "before request": (0, "unknown"),
    "after request": (2, "unknown"),
    "after send": (2, "unknown"),
    "before settle": (2, "unknown"),
    "after settle within its transaction": (2, "unknown"),
    "after settle": (2, "sent"),
}

TYPICAL = "after request"


def config(out):
    settings = {"api_url": out.api_url, "ledger_url": out.ledger_url, "batch_size_rows": BATCH, **CREDENTIALS}
    path = out.folder / "config.json"
    path.write_text(json.dumps(settings | {"opt_out": "ignore"}))
    return path


def lines(rows=ROWS):
    messages = []
    for message in stream_of("sms_messages", rows):
        messages.append(message)
        if message["type"] == "RECORD":
            messages.append(state({"row": message["record"]["id"]}))
    return b"".join(map(line_of, messages))


def posts(out):
    return [one for one in out.requests() if one["path"] == "/sms/send"]


def count(out):
    return out.control("GET", "arrivals/count")["sms"]


def run(out, step="never"):
    return subprocess.run(
        [sys.executable, "-c", TARGET, step, "--config", str(config(out))],
        input=lines(),
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )


@pytest.mark.parametrize(
    "step", [TYPICAL, *(pytest.param(step, marks=pytest.mark.long) for step in STEPS if step != TYPICAL)]
)
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
    # It waits until the lease of what was being sent is over; the history of another time does not show it.
    assert again.returncode == (3 if becomes == "unknown" else 0)
    assert json.loads(again.stdout.splitlines()[-1]) == {"row": len(ROWS)}
    keys = dict(out.query("select source_key, outcome from outcomes"))
    second = {keys[f'{{"id": {number}}}'] for number in (3, 4)}
    assert second == {becomes}
    assert {keys[f'{{"id": {number}}}'] for number in (1, 2, 5, 6)} == {"sent"}
    check(out, step)


def check(out, step):
    arrived = Counter(one["custom_string"] for one in out.arrivals)
    assert not [token for token, count in arrived.items() if count > 1], step
    expected = len(ROWS) - (BATCH if STEPS.get(step) == (0, "unknown") else 0)
    assert len(arrived) == expected, step


@pytest.mark.long
@pytest.mark.parametrize("kind", ["delay", "delay_before"])
def test_killed_while_the_server_holds_the_request(out, kind):
    out.switch(throttle_seconds=0)
    out.fault(method="POST", path="/sms/send", kind=kind, seconds=20, skip=1)
    seen = len(posts(out))
    with subprocess.Popen(
        [sys.executable, "-c", TARGET, "never", "--config", str(config(out))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.stdin.write(lines())
        process.stdin.close()
        while len(posts(out)) < seen + 2:
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        assert [json.loads(line)["row"] for line in process.stdout][-1:] == [BATCH]
    arrived = BATCH if kind == "delay" else 0
    assert len(out.arrivals) == BATCH + arrived
    again = run(out)
    assert again.returncode == 3
    check(out, "after request" if arrived else "before request")


@pytest.mark.long
def test_killed_anywhere_and_delivered_again_from_its_state(out):
    """As an orchestrator does."""
    out.switch(throttle_seconds=0)
    seed = random.randrange(10**6)
    chance, kills, row = random.Random(seed), 0, 0
    rows = [{"id": n, "to": f"+6149157{n:04}", "body": f"Text {n}"} for n in range(1, PAGE + 1)]
    while row < len(rows) or kills < KILLS:
        if row == len(rows):
            # Few enough that their states fit into the pipe, which is read after the kill.
            rows += [{**one, "id": one["id"] + PAGE} for one in rows[-PAGE:]]
        with subprocess.Popen(
            [sys.executable, "-c", TARGET, "never", "--config", str(config(out))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            process.stdin.write(lines(rows[row:]))
            process.stdin.close()
            enough = count(out) + BATCH * chance.randrange(12)
            while process.poll() is None and count(out) <= enough:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
            states = [json.loads(line)["row"] for line in process.stdout]
            assert b"Traceback" not in process.stderr.read(), seed
        kills += process.returncode == -9
        row = max([row, *states])
        arrived = Counter(one["custom_string"] for one in out.arrivals)
        assert set(arrived.values()) <= {1}, seed
        final = dict(out.query("select source_key, outcome from outcomes"))
        covered = {final.get(f'{{"id": {number}}}') for number in range(1, row + 1)}
        assert covered <= {"sent", "unknown"}, (seed, row)
    sent = out.query("select custom_string from outcomes where outcome = 'sent'")
    assert {one for (one,) in sent} <= set(arrived), seed
    unknown = out.query("select custom_string from outcomes where outcome = 'unknown'")
    assert set(arrived) <= {one for (one,) in [*sent, *unknown]}, seed
    assert len(sent) + len(unknown) == len(rows), seed


@pytest.mark.long
@pytest.mark.parametrize("step", ["after claim", "after send"])
def test_when_the_lease_is_over_what_arrived_is_found(out, step):
    out.switch(throttle_seconds=0)
    run(out, step)
    # The command's clock is today's, the sandbox's is that of its world.
    past = "2020-01-01T00:00:00.000000+00:00"
    out.execute(f"update outcomes set claimed_at = '{past}', lease_until = '{past}'")
    again = run(out)
    outcomes = dict(out.query("select outcome, count(*) from outcomes group by outcome"))
    if step == "after send":
        assert (again.returncode, outcomes) == (0, {"sent": 6})
    else:
        assert (again.returncode, outcomes) == (3, {"sent": 4, "unknown": 2})
    check(out, step)
