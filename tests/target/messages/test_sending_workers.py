"""Four processes at once on one ledger: each key is sent by one of them, once."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest

from clicksend.ledger.ledger import Ledger
from tests.command import Started
from tests.ledger.cases import KEY_FILE
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, state, stream_of

SINK = "sms_messages"
ROWS = [{"id": number, "to": f"+6149157{number:04}", "body": f"Text {number}"} for number in range(200)]
INPUTS = {
    "the same": [ROWS] * 4,
    "overlapping": [ROWS[start : start + 110] for start in (0, 30, 60, 90)],
    "the same, backwards": [ROWS, ROWS[::-1]] * 2,
    "apart": [ROWS[start::4] for start in range(4)],
}


def begin(out, ledger_url, rows, number, batch):
    settings = {"api_url": out.api_url, "ledger_url": ledger_url, "opt_out": "ignore"}
    settings["pii_key_file"] = os.environ[KEY_FILE]
    report = {"report_path": str(out.folder / f"report {number}.json"), "batch_size_rows": batch}
    (path := out.folder / f"{number}.json").write_text(json.dumps({**settings, **report, **CREDENTIALS}))
    (lines := out.folder / f"{number}.jsonl").write_bytes(
        b"".join(map(line_of, [*stream_of(SINK, rows), state({"done": number})]))
    )
    errors = out.folder / f"errors {number}"
    return Started("target-clicksend", "--config", str(path), errors=errors, stdin=lines)


@pytest.mark.both_databases
@pytest.mark.parametrize("inputs", INPUTS)
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
