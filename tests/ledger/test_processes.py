"""Several processes on one ledger, and processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from clicksend.ledger import claims
from clicksend.ledger.ledger import Ledger
from tests.command import Started
from tests.ledger.cases import ACCOUNT, KEY_FILE, claim, final, outcome

pytestmark = pytest.mark.both_databases

KILLS = 100
SINK = "sms_messages"
WORKERS = 4
KEYS = 2000


def say(*words):
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def work():
    """Claim all keys in an order of its own, a hundred at a time, and settle what it got."""
    url, run = sys.argv[1:]
    keys = [str(n) for n in range(KEYS)]
    random.Random(run).shuffle(keys)
    with Ledger.open(url, **ACCOUNT, pii_key_file=os.environ[KEY_FILE]) as ledger:
        say("ready")
        sys.stdin.readline()
        for start in range(0, len(keys), 100):
            got = ledger.claims.claim(run, SINK, map(claim, keys[start : start + 100]), lease_seconds=90)
            say("sends", *got)
            ledger.claims.settle(run, [outcome(key, "sent", SINK) for key in got])
            say("settled", *got)
    say("done")


def claim_and_die():
    url, moment = sys.argv[1:]
    if moment == "before":
        claims.write_meta = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    with Ledger.open(url, **ACCOUNT, pii_key_file=os.environ[KEY_FILE]) as ledger:
        ledger.claims.claim("killed", SINK, [claim("a")], lease_seconds=90)
        os.kill(os.getpid(), signal.SIGKILL)


def begin(folder, url, run):
    env = {KEY_FILE: os.environ[KEY_FILE]}
    return Started(work, url, run, errors=folder / f"errors {run}", env=env)


def said(output, word):
    """Return the keys in all whole lines that begin with a word."""
    lines = [line.split() for line in output.splitlines(keepends=True) if line.endswith("\n")]
    return [key for line in lines if line[0] == word for key in line[1:]]


def test_workers_share_the_keys_and_none_is_sent_twice(ledger_url, tmp_path):
    with ExitStack() as running:
        # All of them find no ledger yet, and make it.
        workers = [
            running.enter_context(begin(tmp_path, ledger_url, f"run {number}")) for number in range(WORKERS)
        ]
        for worker in workers:
            assert worker.stdout.readline() == b"ready\n"
        for worker in workers:
            worker.stdin.write(b"\n")
            worker.stdin.flush()
        outputs = [worker.stdout.read().decode() for worker in workers]
        assert [worker.wait(60) for worker in workers] == [0] * WORKERS
    sent = [key for output in outputs for key in said(output, "sends")]
    assert sorted(map(int, sent)) == list(range(KEYS))
    with Ledger.existing(ledger_url) as ledger:
        counts = sum(
            (Counter(ledger.outcomes.counts(f"run {number}")) for number in range(WORKERS)), Counter()
        )
        assert counts == {(SINK, "sent"): KEYS}
        assert len(final(ledger, SINK, map(str, range(KEYS)))) == KEYS


@pytest.mark.parametrize(("moment", "left"), [("before", {}), ("after", {"a": "unknown"})])
def test_killed_before_and_after_the_claim_is_committed(ledger_url, tmp_path, moment, left):
    env = {KEY_FILE: os.environ[KEY_FILE]}
    with Started(claim_and_die, ledger_url, moment, errors=tmp_path / "errors", env=env) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        assert final(ledger, SINK, ["a"]) == left
        assert ledger.outcomes.counts("killed") == {}
        assert bool(ledger.claims.claim("next", SINK, [claim("a")], lease_seconds=90)) is not bool(left)
        assert len(ledger.outcomes.of_key("a")) == 1


@pytest.mark.long
def test_what_a_killed_run_may_have_sent_is_never_sent_again(ledger_url, tmp_path):
    sent = []
    for number in range(KILLS):
        with begin(tmp_path, ledger_url, f"run {number}") as worker:
            assert worker.stdout.readline() == b"ready\n"
            worker.stdin.write(b"\n")
            worker.stdin.flush()
            # By lines, not seconds: a fast machine must not be done before it is killed.
            lines = [worker.stdout.readline() for _ in range(random.randrange(2 * KEYS // 100))]
            time.sleep(random.uniform(0.0, 0.005))
            worker.send_signal(signal.SIGKILL)
            output = b"".join([*lines, *worker.stdout]).decode()
        sent += said(output, "sends")
        with Ledger.existing(ledger_url) as ledger:
            found = final(ledger, SINK, map(str, range(KEYS)))
            settled = said(output, "settled")
            assert {found.get(key) for key in settled} <= {"sent"}
            assert set(sent) <= found.keys()
            # What the worker had claimed but could not tell us of is unknown: never too few, at most a batch.
            assert set(found.values()) <= {"sent", "unknown"}
            assert len(found) - len(sent) <= 100 * (number + 1)
            rows = ledger.outcomes.counts(f"run {number}").get((SINK, "sent"), 0)
            assert len(settled) <= rows <= len(settled) + 100
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        left = ledger.claims.claim("last", SINK, (claim(str(n)) for n in range(KEYS)), lease_seconds=90)
    assert len(sent) == len(set(sent))
    assert not left & set(sent)


def test_threads_share_a_ledger(ledger):
    def work(number):
        run = f"run {number}"
        got = ledger.claims.claim(run, SINK, (claim(str(n)) for n in range(500)), lease_seconds=90)
        ledger.claims.settle(run, [outcome(key, "sent", SINK) for key in got])
        ledger.outcomes.record(run, [outcome(f"{number}-{n}") for n in range(50)])
        return got

    with ThreadPoolExecutor(8) as threads:
        claimed = [key for keys in threads.map(work, range(8)) for key in keys]
    assert sorted(map(int, claimed)) == list(range(500))
    assert sum(map(len, ledger.outcomes.changed_since())) == 900
