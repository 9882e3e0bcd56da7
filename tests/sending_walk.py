"""A random walk through everything that may happen to messages, and what must hold after each step.

Runs with overlapping and changed inputs meet faults at random requests; they are killed or stopped at
random steps, alone or four at once; clocks are turned, people release keys, histories lag. The model counts
how often a key may have arrived: once, and once more for each release.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Thread
from typing import Any

from stepping import Worker
from tap_runner import CREDENTIALS

from clicksend.errors import ClickSendError, LedgerError
from clicksend.ledger import Ledger, outcome_id
from target_clicksend.repairing import look_up, opened

SINKS = {"sms_messages": "sms", "voice_messages": "voice", "mms_messages": "mms"}
OWN = {
    "sms_messages": {},
    "voice_messages": {"voice": "female", "lang": "en-au"},
    "mms_messages": {"subject": "News"},
}
"""What rows of a sink need beside the common columns."""
KEYS = [f"key {number}" for number in range(8)]
NUMBERS = [f"+6149157015{number}" for number in range(4, 8)]
FAULTS: list[dict[str, Any]] = [
    *({"kind": kind} for kind in ("reset_before", "reset_after", "half_body", "html", "html_after")),
    *({"kind": "status_after", "status": status} for status in (302, 408, 500, 502)),
    *({"kind": "status", "status": status} for status in (302, 400, 401, 402, 403, 404, 405, 409, 500, 503)),
    *({"kind": "status", "status": 429, **after} for after in ({}, {"retry_after": 5}, {"retry_after": 600})),
    *({"kind": "body_after", "body": body} for body in ("", {}, {"http_code": 500}, {"data": None})),
    {"kind": "row_missing"},
]
STATUSES = ["THROTTLED", "INSUFFICIENT_CREDIT", "INTERNAL_ERROR", "BAD_REQUEST", "COUNTRY_NOT_ENABLED"]
SWITCHES: dict[str, list[Any]] = {
    "history_lag": [0, 600, 90_000],
    "answer_order": ["as_sent", "reversed", "shuffled"],
    "answer_rows": ["all", "all", "one_missing"],
}
JUDGED = {"sent", "unknown", "rejected"}
"""Outcomes after which a row need not come again."""


class Walk:
    """One walk; every step ends with a look at what must hold."""

    def __init__(self, box: Any, ledger_url: str, seed: int) -> None:
        self.box, self.ledger_url, self.chance = box, ledger_url, Random(seed)
        self.told = [f"seed {seed}"]
        """What happened, for whoever has to find out why."""
        self.releases: Counter[tuple[str, str]] = Counter()
        self.runs: Counter[str] = Counter()
        box.control("POST", "reset")
        box.control("POST", "limits", dict.fromkeys(["GET /account", "POST /sms/send", "*"], (10**6, 60)))
        box.control("POST", "switches", {"throttle_seconds": 0})
        self.now = datetime.fromtimestamp(box.state()["now"], UTC)
        account = {"api_url": box.api_url, "user_id": "672721"}
        self.ledger = Ledger.open(ledger_url, **account, now=lambda: self.now)

    def close(self) -> None:
        self.ledger.close()

    def walk(self, steps: int) -> None:
        """Take steps, then let everything that can go out go out."""
        kinds = ["runs"] * 6 + ["workers"] * 2 + ["time", "time", "switch", "release", "look_up"]
        for _ in range(steps):
            getattr(self, f"_{self.chance.choice(kinds)}")()
            self.check()
        self._finish()

    # Steps

    def _runs(self) -> None:
        self._disturb()
        worker = self._worker()
        self._tell("run", worker)
        worker.run()
        self._check_run(worker)
        self._check_state(worker)

    def _workers(self) -> None:
        self._disturb()
        workers = [self._worker() for _ in range(4)]
        threads = [Thread(target=worker.run) for worker in workers]
        for worker, thread in zip(workers, threads, strict=True):
            self._tell("one of four", worker)
            thread.start()
        for thread in threads:
            thread.join()
        for worker in workers:
            self._check_run(worker, alone=False)

    def _time(self) -> None:
        self._turn(self.chance.choice([30, 400, 7200, 90_000, 260_000]))

    def _switch(self) -> None:
        name = self.chance.choice(list(SWITCHES))
        self._control("switches", {name: self.chance.choice(SWITCHES[name])})

    def _release(self) -> None:
        force = self.chance.random() < 0.5
        keys = self.chance.sample(KEYS, 3)
        unknown = {(row["sink"], row["key"]) for row in self.ledger.outcomes(outcome="unknown")}
        try:
            released = set(self.ledger.release(keys, force=force))
        except LedgerError:
            return
        self.releases.update(one for one in unknown if one[1] in released)
        self.told.append(f"released {sorted(released)}, force={force}")

    def _look_up(self) -> None:
        with opened(self._config(), new=True) as run:
            run.now = lambda: self.now
            found = list(look_up(run))
        self.told.append(f"looked up: {found}")

    def _finish(self) -> None:
        """Whatever can go out goes out when nothing is in the way; only what never arrived stays unknown."""
        self.box.control("DELETE", "faults")
        self.box.control("DELETE", "statuses")
        self._control("switches", {name: values[0] for name, values in SWITCHES.items()})
        self._turn(200_000)
        for _ in range(2):
            for sink in SINKS:
                rows = [self._row(sink, key) for key in KEYS]
                worker = Worker(rows, sink, self._config(), None, lambda: self.now)
                self._tell("last", worker)
                worker.run()
                assert worker.error is None, self.story()
                assert worker.states[-1:] == [len(KEYS)], self.story()
        self.check()
        arrived = self._arrived()
        for (sink, key), outcome in self._outcomes().items():
            assert outcome in ("sent", "unknown"), (sink, key, outcome, self.story())
            if outcome == "unknown" and not self.releases[sink, key]:
                assert not arrived[sink, key], (sink, key, "is in the history", self.story())

    # What must hold

    def check(self) -> None:
        """No key arrived too often; what is said to be sent has arrived; what arrived may not go again."""
        arrived, outcomes = self._arrived(), self._outcomes()
        for one, count in arrived.items():
            assert count <= 1 + self.releases[one], (one, count, self.story())
            final = outcomes.get(one) in ("sent", "unknown")
            assert final or self.releases[one], (one, outcomes, self.story())
        for one, outcome in outcomes.items():
            assert outcome != "sent" or arrived[one], (one, "never arrived", self.story())

    def _check_run(self, worker: Worker, *, alone: bool = True) -> None:
        """Every row that a run finished is counted, in its report and in the ledger."""
        self.runs["killed" if worker.code is None else str(worker.code)] += 1
        self.told.append(f"ended with {worker.code}: {dict(worker.target.run.report.rows)}, {worker.error!r}")
        assert worker.error is None or isinstance(worker.error, ClickSendError), self.story()
        if worker.code is None or worker.error is not None:
            return
        run = worker.target.run
        counts = self.ledger.counts(run.id)
        assert counts == dict(run.report.rows), (counts, self.story())
        assert sum(counts.values()) == run.report.finished, self.story()
        if not run.stopped:
            assert run.report.finished == run.rows == len(worker.rows), self.story()
        if worker.code == 0 and alone:
            unknown = [one for one, outcome in self._outcomes().items() if outcome == "unknown"]
            assert worker.sink not in {sink for sink, _ in unknown}, self.story()

    def _check_state(self, worker: Worker) -> None:
        """A state covers only rows that need not come again."""
        covered = max(worker.states, default=0)
        assert worker.states == sorted(worker.states), self.story()
        outcomes = self._outcomes()
        coming = {row["idempotency_key"] for row in worker.rows[covered:]}
        for row in worker.rows[:covered]:
            # A key that comes once more may have got another outcome by its later row.
            if row["idempotency_key"] in coming:
                continue
            assert outcomes.get((worker.sink, row["idempotency_key"])) in JUDGED, (row, covered, self.story())

    def story(self) -> str:
        return "\n".join(["", *self.told])

    # Ways and means

    def _worker(self) -> Worker:
        chance = self.chance
        sink = chance.choices(list(SINKS), [4, 1, 1])[0]
        rows = [self._row(sink, chance.choice(KEYS)) for _ in range(chance.randint(1, 10))]
        config = self._config(batch_size_rows=chance.randint(1, 4), max_retries=1)
        if chance.random() < 0.2:
            config["max_messages_per_run"] = chance.randint(1, 5)
        if chance.random() < 0.2:
            config["messages_per_minute"] = chance.randint(1, 5)
        ends = [None, (chance.randrange(60), "kill"), (chance.randrange(60), "stop")]
        return Worker(rows, sink, config, chance.choices(ends, [2, 2, 1])[0], lambda: self.now)

    def _row(self, sink: str, key: str) -> dict[str, Any]:
        chance = self.chance
        row = {"idempotency_key": key, "body": f"{key} in version {chance.randrange(3)}"}
        row["to"] = chance.choice(NUMBERS)
        if sink == "mms_messages":
            row["media_file"] = f"https://example.com/{chance.randrange(2)}.jpg"
        elif chance.random() < 0.4:
            # Not of pictures: the history shows too little to tell those apart that share one.
            row["custom_string"] = chance.choice(["promo", "news"])
        return row | OWN[sink]

    def _disturb(self) -> None:
        """Order what goes wrong in the next run."""
        chance = self.chance
        self.box.control("DELETE", "faults")
        self.box.control("DELETE", "statuses")
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            often = {"times": chance.choice([1, 1, 2, -1]), "skip": chance.randrange(3)}
            self._control("faults", {"method": "POST", "path": "/*/send", **often, **chance.choice(FAULTS)})
        if chance.random() < 0.2:
            self._control("faults", {"path": "/*/history", "kind": "status", "status": 500, "times": 9})
        if chance.random() < 0.3:
            to, status = chance.choice(NUMBERS), chance.choice(STATUSES)
            self._control("statuses", {"to": to, "status": status, "times": chance.choice([1, 2])})

    def _control(self, name: str, body: dict[str, Any]) -> None:
        self.told.append(f"{name} {body}")
        self.box.control("POST", name, body)

    def _turn(self, seconds: int) -> None:
        self.box.advance(seconds)
        self.now += timedelta(seconds=seconds)
        self.told.append(f"{seconds} s later")

    def _tell(self, what: str, worker: Worker) -> None:
        self.told.append(f"{what}: {worker.sink} {worker.rows} {worker.config} ends {worker.end}")

    def _config(self, **more: Any) -> dict[str, Any]:
        common = {"api_url": self.box.api_url, "ledger_url": self.ledger_url, "opt_out": "ignore"}
        return {**common, **CREDENTIALS, **more}

    def _outcomes(self) -> dict[tuple[str, str], str]:
        found = {(row["sink"], row["key"]): row["outcome"] for row in self.ledger.outcomes()}
        known = {outcome_id(*one) for one in found}
        assert len(known) == len(found), self.story()
        return found

    def _arrived(self) -> Counter[tuple[str, str]]:
        sinks = {channel: sink for sink, channel in SINKS.items()}
        arrivals = self.box.control("GET", "arrivals")
        return Counter((sinks[one["channel"]], one["body"].partition(" in ")[0]) for one in arrivals)
