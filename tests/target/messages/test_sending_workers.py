"""Four processes at once on one ledger: each key is sent by one of them, once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter

import pytest

from clicksend.ledger.claims import Claims
from clicksend.ledger.ledger import Ledger
from tests.command import MAINS, Started
from tests.ledger.cases import KEY_FILE, in_new_schema
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, state, stream_of

SINK = "sms_messages"
LATE = 0.5
"""Seconds until a send is answered."""
PRICE = 0.0792
SHORT = 10
"""Seconds of a short lease: several times as long as a send takes here."""
ROWS = [{"id": number, "to": f"+6149157{number:04}", "body": f"Text {number}"} for number in range(200)]
INPUTS = {
    "the same": [ROWS] * 4,
    "overlapping": [ROWS[start : start + 110] for start in (0, 30, 60, 90)],
    "the same, backwards": [ROWS, ROWS[::-1]] * 2,
    "apart": [ROWS[start::4] for start in range(4)],
}


@pytest.fixture
def postgres_ledger(ledger_postgres, tmp_path, monkeypatch):
    """Return the URL of a ledger in PostgreSQL, what workers on several machines share."""
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "ledger.key"))
    return in_new_schema(ledger_postgres)


def with_short_leases():
    """Be the target, but for leases that soon end."""
    claim = Claims.claim_within
    Claims.claim_within = lambda *arguments, lease_seconds: claim(
        *arguments, lease_seconds=min(lease_seconds, SHORT)
    )
    MAINS["target-clicksend"]()


def begin(out, ledger_url, rows, number, batch, command="target-clicksend", **more):
    settings = {"api_url": out.api_url, "ledger_url": ledger_url, "opt_out": "ignore"}
    settings["pii_key_file"] = os.environ[KEY_FILE]
    settings["source"] = f"worker {number}"
    report = {"report_path": str(out.folder / f"report {number}.json"), "batch_size_rows": batch}
    (path := out.folder / f"{number}.json").write_text(
        json.dumps({**settings, **report, **more, **CREDENTIALS})
    )
    (lines := out.folder / f"{number}.jsonl").write_bytes(
        b"".join(map(line_of, [*stream_of(SINK, rows), state({"done": number})]))
    )
    errors = out.folder / f"errors {number}"
    return Started(command, "--config", str(path), errors=errors, stdin=lines)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "inputs", [pytest.param(name, marks=pytest.mark.long if "same" in name else ()) for name in INPUTS]
)
def test_four_workers(out, ledger_url, inputs):
    fault = "reset_after" if inputs in {"overlapping", "the same, backwards"} else None
    out.switch(throttle_seconds=0)
    out.control("POST", "limits", {"GET /account": [1000, 60]})
    if fault:
        out.fault(method="POST", path="/sms/send", kind=fault, skip=3)
    workers = [
        begin(out, ledger_url, rows, number, batch=7 + number) for number, rows in enumerate(INPUTS[inputs])
    ]
    for number, (worker, rows) in enumerate(zip(workers, INPUTS[inputs], strict=True)):
        with worker:
            states = worker.stdout.read()
            code = worker.wait(60)
        # What another one is sending is nobody's unknown; what it has lost is.
        assert code in ((0, 3) if fault else (0,)), (out.folder / f"errors {number}").read_text()
        assert json.loads(states) == {"done": number}
        report = json.loads((out.folder / f"report {number}.json").read_text())
        with Ledger.existing(ledger_url) as ledger:
            counts = ledger.outcomes.counts(report["run_id"])
        assert sum(counts.values()) == len(rows)
        assert {name: count for (_, name), count in counts.items()} == report["rows"][SINK]
    arrived = Counter(one["body"] for one in out.arrivals)
    assert arrived == {row["body"]: 1 for row in ROWS}
    with Ledger.existing(ledger_url) as ledger:
        outcomes = Counter(row["outcome"] for row in ledger.outcomes.newest())
    lost = outcomes.pop("unknown", 0)
    assert outcomes == {"sent": len(ROWS) - lost}
    assert bool(lost) == bool(fault)


def ended(worker, out, number):
    """Return exit code, states and report of a worker."""
    with worker:
        states = [json.loads(line) for line in worker.stdout]
        code = worker.wait(120)
    report = json.loads((out.folder / f"report {number}.json").read_text())
    assert code == report["exit_code"], (out.folder / f"errors {number}").read_text()
    return code, states, report


def answer_late(out):
    out.switch(throttle_seconds=0)
    out.control("POST", "limits", {"GET /account": [1000, 60]})
    out.fault(method="POST", path="/sms/send", kind="delay", seconds=LATE, times=-1)


@pytest.mark.long
@pytest.mark.parametrize("inputs", ["the same", pytest.param("apart", marks=pytest.mark.long)])
def test_late_answers_cost_no_worker_its_success_nor_its_share(out, postgres_ledger, inputs):
    answer_late(out)
    workers = [
        begin(out, postgres_ledger, rows, number, batch=5) for number, rows in enumerate(INPUTS[inputs])
    ]
    for number, worker in enumerate(workers):
        code, states, report = ended(worker, out, number)
        assert (code, states[-1], report["unknown_open"]) == (0, {"done": number}, 0)
        assert report["rows"][SINK].keys() <= {"sent", "duplicate"}
        assert report["rows"][SINK]["sent"] >= 0.15 * len(ROWS)
    assert Counter(one["body"] for one in out.arrivals) == {row["body"]: 1 for row in ROWS}


@pytest.mark.long
@pytest.mark.parametrize(
    ("inputs", "command", "code"),
    [("the same", with_short_leases, 3), ("apart", None, 0)],
)
def test_only_a_killed_worker_leaves_unknowns(out, postgres_ledger, inputs, command, code):
    """Whoever has its rows too waits until its lease is over, and then says what nobody knows."""
    answer_late(out)
    workers = [
        begin(out, postgres_ledger, rows, number, batch=5, command=command or "target-clicksend")
        for number, rows in enumerate(INPUTS[inputs])
    ]
    while not (sends := [one for one in out.requests() if one["body"] and sender_of(one) == "worker 0"]):
        assert workers[0].returncode is None
        time.sleep(0.01)
    workers[0].kill()
    assert workers[0].returncode == -signal.SIGKILL
    lost = {one["body"] for one in sends[-1]["body"]["messages"]}
    runs = set()
    for number, worker in enumerate(workers[1:], 1):
        ended_with, states, report = ended(worker, out, number)
        assert (ended_with, states[-1], report["unknown_open"]) == (
            code,
            {"done": number},
            len(lost) * bool(code),
        )
        assert report["rows"][SINK].keys() <= {"sent", "duplicate"}
        runs.add(report["run_id"])
    with Ledger.existing(postgres_ledger) as ledger:
        unknown = ledger.outcomes.newest(outcome="unknown")
    assert len(unknown) == len(lost)
    assert not {one["run_id"] for one in unknown} & runs
    arrived = Counter(one["body"] for one in out.arrivals)
    assert set(arrived.values()) == {1}
    everything = {row["body"] for number, rows in enumerate(INPUTS[inputs]) for row in rows if number}
    assert everything <= arrived.keys() | lost


def sender_of(request):
    """Return which worker made a request that sends, None for others."""
    messages = request["body"].get("messages")
    return messages[0]["source"] if messages else None


@pytest.mark.long
@pytest.mark.parametrize("inputs", ["the same", "apart"])
@pytest.mark.parametrize("cap", ["max_messages_per_run", "max_spend_per_run"])
@pytest.mark.parametrize("room", [1, 0.6])
def test_a_group_never_sends_more_than_its_cap(out, postgres_ledger, inputs, cap, room):
    out.switch(throttle_seconds=0)
    out.control("POST", "limits", {"GET /account": [1000, 60]})
    most = len(ROWS) * room * (PRICE if cap == "max_spend_per_run" else 1)
    config = {cap: round(most, 4) if cap == "max_spend_per_run" else int(most), "run_group": "night 7"}
    workers = [
        begin(out, postgres_ledger, rows, number, batch=7, **config)
        for number, rows in enumerate(INPUTS[inputs])
    ]
    codes, held = set(), 0
    for number, worker in enumerate(workers):
        code, states, report = ended(worker, out, number)
        held += report["rows"][SINK].get("held", 0)
        assert bool(states) == (code == 0)
        codes.add(code)
    arrived = Counter(one["body"] for one in out.arrivals)
    assert set(arrived.values()) <= {1}
    assert len(arrived) <= round(len(ROWS) * room)
    if room == 1:
        # Whoever gets the same rows must not count them once more.
        assert (codes, held, len(arrived)) == ({0}, 0, len(ROWS))
    else:
        assert 1 in codes
        assert held
    with Ledger.existing(postgres_ledger) as ledger:
        assert ledger.budgets.spent("night 7").messages == len(arrived)
