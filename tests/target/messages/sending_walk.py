"""A random walk through everything that may happen to messages, and what must hold after each step.

Runs with overlapping and changed inputs (messages, cancellations, templates, deleted rows) meet faults at
random requests, slow answers and people who opt out meanwhile; they are killed or stopped at random steps,
alone or four at once; clocks are turned, people release keys, histories lag. What must hold for the people
is in ``walk_people``; here is what must hold for the keys: the model counts how often one may have arrived,
once, and once more for each release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random
from threading import Lock, Thread
from typing import Any

import requests

from clicksend.errors import ClickSendError, LedgerError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import outcome_id
from clicksend.ledger.schema import metadata
from clicksend.sandbox.world.countries import millionths, price
from target_clicksend.ledger_tools import honour_opt_outs, look_up, opened
from tests.conftest import FakeClock
from tests.tap.runner import CREDENTIALS
from tests.target.messages.walk_people import (
    Delivery,
    People,
    deliveries,
    left_scheduled,
    repeated,
    sent_before,
    wrongs,
)
from tests.target.messages.walk_rows import NUMBERS, SINKS, TEMPLATES, Rows
from tests.target.stepping import Sinks, Worker

FAULTS: list[dict[str, Any]] = [
    *({"kind": kind} for kind in ("reset_before", "reset_after", "half_body", "html", "html_after")),
    *({"kind": "status_after", "status": status} for status in (302, 408, 500, 502)),
    *({"kind": "status", "status": status} for status in (302, 400, 401, 402, 403, 404, 405, 409, 500, 503)),
    *({"kind": "status", "status": 429, **after} for after in ({}, {"retry_after": 5}, {"retry_after": 600})),
    *({"kind": "body_after", "body": body} for body in ("", {}, {"http_code": 500}, {"data": None})),
    {"kind": "row_missing"},
]
OTHER_FAULTS = [
    {"path": "/*/history"},
    {"path": "/lists*", "method": "GET"},
    {"path": "/*/cancel*", "method": "PUT"},
    {"path": "/sms/templates*"},
    {"path": "/*/price", "method": "POST"},
]
OTHER_KINDS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status_after", "status": 500},
    {"kind": "reset_after"},
    {"kind": "status", "status": 429, "retry_after": 400},
]
STATUSES = ["THROTTLED", "INSUFFICIENT_CREDIT", "INTERNAL_ERROR", "BAD_REQUEST", "COUNTRY_NOT_ENABLED"]
SWITCHES: dict[str, list[Any]] = {
    "history_lag": [0, 600, 90_000],
    "answer_order": ["as_sent", "reversed", "shuffled"],
    "answer_rows": ["all", "all", "one_missing"],
}
FINAL = {"sent", "unknown", "cancelled"}
"""Outcomes of a key that is used."""
JUDGED = {*FINAL, "rejected", "suppressed"}
"""Outcomes after which a row need not come again."""
AGAIN = {"held", "failed"}
OPT_OUTS = "/lists/3555277/contacts"


def forget(connection: Any) -> None:
    """Empty a ledger, but for what it is bound to: what was read of opt-outs belongs to another world."""
    for table in reversed(metadata.sorted_tables):
        kept = table.delete().where(table.c.name.startswith("cursor:")) if table.name == "meta" else None
        connection.execute(table.delete() if kept is None else kept)


class WalkClock:
    """The walk's time, as the client of a run sees it: whoever waits, waits in it."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def monotonic(self) -> float:
        return self._walk.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self._walk.turn(ceil(seconds))


class Walk:
    """One walk; every step ends with a look at what must hold."""

    def __init__(self, box: Any, ledger_url: str, seed: int) -> None:
        self.box, self.ledger_url, self.chance = box, ledger_url, Random(seed)
        self.told = [f"seed {seed}"]
        """What happened, for whoever has to find out why."""
        self.releases: Counter[tuple[str, str]] = Counter()
        self.runs: Counter[str] = Counter()
        self.met: set[str] = set()
        """Outcomes of rows, alone and with the settings of gates that their runs had."""
        self._lock = Lock()
        box.control("POST", "reset")
        box.control("POST", "limits", dict.fromkeys(["GET /account", "POST /sms/send", "*"], (10**6, 60)))
        box.control("POST", "switches", {"throttle_seconds": 0})
        self.now = datetime.fromtimestamp(box.state()["now"], UTC)
        account = {"api_url": box.api_url, "user_id": "672721"}
        self.ledger = Ledger.open(ledger_url, **account, now=lambda: self.now)
        # No STOP is promised to be seen that shows in the history an hour late, or later.
        self._lags_far = self.chance.random() < 0.3
        self.lag = 0
        self.people = People()
        self._contacts: dict[str, int] = {}
        self._rows = Rows(self.chance, lambda: self.now)
        self._delivered: dict[str, Delivery] = {}
        self._checked: set[str] = set()
        self._asked: set[str] = set()
        """Ids of cancellations that a run may have carried out: the next runs cancel their own only."""
        self._alone = True
        for name in TEMPLATES:
            self._list_call("POST", "/sms/templates", {"template_name": name, "body": "{name} in template 9"})

    def close(self) -> None:
        self.ledger.close()

    def walk(self, steps: int) -> None:
        """Take steps, then let everything that can go out go out."""
        kinds = ["runs"] * 8 + ["workers"]
        kinds += ["time", "time", "switch", "release", "look_up", "opt_out"]
        for _ in range(steps):
            getattr(self, f"_{self.chance.choice(kinds)}")()
            self.check()
        self._finish()

    # Steps

    def _runs(self) -> None:
        templates = self._templates()
        before = self._outcomes()
        calm = self._disturb()
        worker = self._worker(templates, WalkClock(self))
        slow, leaving = self.chance.choice([0, 0, 1, 30, 30, 100, 1000]), self.chance.random() < 0.4
        worker.answered = lambda request: self._happen(worker, request, slow, leaving=leaving)
        self._tell("run", worker)
        began = self.now
        self._alone = True
        worker.run()
        self._check_run(worker)
        self._check_state(worker)
        self._check_left(worker, before, began, calm=calm)
        self._note_asked(worker)
        covered = max(worker.states, default=0)
        self._rows.again(0 if self.chance.random() < 0.25 else covered)

    def _workers(self) -> None:
        templates = self._templates()
        self._disturb()
        workers = [self._worker(templates, FakeClock(), alone=False) for _ in range(4)]
        threads = [Thread(target=worker.run) for worker in workers]
        self._alone = False
        for worker, thread in zip(workers, threads, strict=True):
            self._tell("one of four", worker)
            thread.start()
        for thread in threads:
            thread.join()
        for worker in workers:
            self._check_run(worker, alone=False)
            self._note_asked(worker)

    def _time(self) -> None:
        self.turn(self.chance.choice([30, 400, 7200, 30_000, 90_000, 260_000]))

    def _switch(self) -> None:
        name = self.chance.choice(list(SWITCHES))
        value = self.chance.choice(SWITCHES[name][: None if self._lags_far else 2 + (name != "history_lag")])
        if name == "history_lag":
            self.lag = value
            self.people.lag = max(self.people.lag, timedelta(seconds=value))
        self._control("switches", {name: value})

    def _release(self) -> None:
        force = self.chance.random() < 0.5
        unknown = {(row["sink"], row["key"]) for row in self.ledger.outcomes.newest(outcome="unknown")}
        keys = [key for _, key in sorted(unknown)][: self.chance.randint(0, 3)]
        try:
            released = set(self.ledger.claims.release(keys, force=force))
        except LedgerError:
            return
        self.releases.update(one for one in unknown if one[1] in released)
        self.told.append(f"released {sorted(released)}, force={force}")

    def _look_up(self) -> None:
        self._calm()
        with opened(self._config(), new=True) as run:
            run.now = lambda: self.now
            ledger = run.ledger
            for part in (ledger.outcomes, ledger.claims, ledger.reconciliation, ledger.memory):
                part._now = run.now
            found = list(look_up(run))
            cancelled = honour_opt_outs(run)
        self.told.append(f"looked up: {found}, {cancelled} cancelled")

    def _opt_out(self, numbers: Sequence[str] = ()) -> None:
        """Let somebody reply STOP, or put somebody on the Opt-Out List, or take somebody off it."""
        waiting = [arrival["to"] for _, arrival in self._found() if arrival["status"] == "Scheduled"]
        number = self.chance.choice(numbers or [*NUMBERS, *waiting])
        if number in self._contacts:
            self._list_call("DELETE", f"{OPT_OUTS}/{self._contacts.pop(number)}")
            since, _ = self.people.listed[number].pop()
            self.people.listed[number].append((since, self.now))
            self.told.append(f"{number} is off the list")
        elif self._lags_far or self.chance.random() < 0.5:
            made = self._list_call("POST", OPT_OUTS, {"phone_number": number})
            self._contacts[number] = made["contact_id"]
            self.people.listed.setdefault(number, []).append((self.now, None))
            self.told.append(f"{number} is on the list")
        else:
            body = self.chance.choice(["STOP", "stop it please", "Unsubscribe"])
            self._control("reply", {"from": number, "body": body})
            self.people.stops.setdefault(number, self.now)

    def _finish(self) -> None:
        """Whatever can go out goes out when nothing is in the way; only what never arrived stays unknown."""
        self._calm()
        self.lag = 0
        self._control("switches", {name: values[0] for name, values in SWITCHES.items()})
        self.turn(300_000)
        for _ in range(2):
            rows = [(sink, self._rows.of(sink, key)) for sink, key in self._rows.keys]
            config = self._config(opt_out="ignore", resend_under_new_keys=True)
            worker = Worker(rows, config, None, lambda: self.now)
            self._deliver(worker, {})
            self._tell("last", worker)
            worker.run()
            assert worker.error is None, self.story()
            assert worker.states[-1:] == ([len(rows)] if rows else []), self.story()
        self.check()
        arrived = self._arrived()
        for (sink, key), outcome in self._outcomes().items():
            assert outcome in FINAL, (sink, key, outcome, self.story())
            if outcome == "unknown" and not self.releases[sink, key]:
                assert not arrived[sink, key], (sink, key, "is in the history", self.story())

    # What must hold

    def check(self) -> None:
        """No key arrived too often; what is said to be sent has arrived; what arrived may not go again."""
        arrived, outcomes = self._arrived(), self._outcomes()
        for one, count in arrived.items():
            assert count <= 1 + self.releases[one], (one, count, self.story())
            assert outcomes.get(one) in FINAL or self.releases[one], (one, outcomes, self.story())
        for one, outcome in outcomes.items():
            assert outcome != "sent" or arrived[one], (one, "never arrived", self.story())
        found = self._found()
        for one, arrival in found:
            said = outcomes.get((one.sink, one.row["idempotency_key"]))
            if said == "cancelled" and not self._is_released(one):
                assert arrival["status"] == "Cancelled", (arrival, "is said to be cancelled", self.story())
        self._check_people(found)

    def _is_released(self, one: Delivery) -> bool:
        return bool(self.releases[one.sink, one.row["idempotency_key"]])

    def _check_people(self, found: list[tuple[Delivery, dict[str, Any]]]) -> None:
        """Nothing came to anybody that should not have."""
        counts: Counter[int] = Counter()
        spent: Counter[int] = Counter()
        for number, (one, arrival) in enumerate(found):
            counts[id(one.worker)] += 1
            spent[id(one.worker)] += millionths(price(arrival["channel"], "AU", 1))
            most, config = one.worker.config.get("max_messages_per_run"), one.worker.config
            assert most is None or counts[id(one.worker)] <= most, (config, self.story())
            budget = config.get("max_spend_per_run")
            assert budget is None or spent[id(one.worker)] <= budget * 10**6, (config, self.story())
            if arrival["message_id"] in self._checked:
                continue
            self._checked.add(arrival["message_id"])
            wrong = list(wrongs(one, arrival, self.people))
            if self._alone:
                # Who released a message wants it sent again, whatever the window.
                wrong += repeated(one, arrival, [a for a in found[:number] if not self._is_released(a[0])])
            assert not wrong, (arrival, one.row, one.number, wrong, self.story())

    def _check_run(self, worker: Worker, *, alone: bool = True) -> None:
        """Every row that a run finished is counted, in its report and in the ledger."""
        self.runs["killed" if worker.code is None else str(worker.code)] += 1
        run = worker.target.run
        self.told.append(f"ended with {worker.code} at {self.now}: {dict(worker.outcomes)}, {worker.error!r}")
        assert worker.error is None or isinstance(worker.error, ClickSendError), self.story()
        assert all(len(found) == 1 for found in worker.outcomes.values()), self.story()
        self._note_met(worker)
        if worker.code is None or worker.error is not None:
            return
        counts = self.ledger.outcomes.counts(run.id)
        assert counts == dict(run.report.rows), (counts, self.story())
        rows = sum(count for (sink, _), count in counts.items() if sink != "scheduled")
        assert rows == run.report.finished == len(worker.outcomes), self.story()
        if not run.stopped:
            assert run.report.finished == run.rows == len(worker.rows), self.story()
        if worker.code == 0 and alone:
            # What was killed just before is under its lease still.
            assert not any(self.ledger.claims.unknown(sink).count for sink in worker.sinks), self.story()

    def _note_asked(self, worker: Worker) -> None:
        for number, (sink, row) in enumerate(worker.rows, 1):
            if sink == "cancellations" and worker.outcomes.get(number, ["unknown"])[0] in (
                "cancelled",
                "unknown",
            ):
                self._asked.add(row["id"])

    def _note_met(self, worker: Worker) -> None:
        came, config = {name for found in worker.outcomes.values() for name in found}, worker.config
        caps = {"max_messages_per_run", "max_spend_per_run"}
        gates = {config["opt_out"], *config.keys() & {"quiet_hours", "dedupe_window_hours"}}
        gates |= {"capped"} if caps & config.keys() else set()
        self.met |= came | {f"{gate} and {outcome}" for gate in gates for outcome in came}

    def _check_state(self, worker: Worker) -> None:
        """A state covers only rows that need not come again."""
        covered = max(worker.states, default=0)
        assert worker.states == sorted(worker.states), self.story()
        outcomes = self._outcomes()
        coming = {(sink, row.get("idempotency_key")) for sink, row in worker.rows[covered:]}
        for number, (sink, row) in enumerate(worker.rows[:covered], 1):
            assert not {*worker.outcomes[number]} & AGAIN, (number, covered, self.story())
            assert worker.outcomes[number], (number, covered, self.story())
            # A key that comes once more may have got another outcome by its later row.
            if sink not in SINKS or (sink, row["idempotency_key"]) in coming:
                continue
            assert outcomes.get((sink, row["idempotency_key"])) in JUDGED, (row, covered, self.story())

    def _check_left(
        self, worker: Worker, before: dict[tuple[str, str], str], began: datetime, *, calm: bool
    ) -> None:
        """What a run should have cancelled is cancelled."""
        outcomes, found = self._outcomes(), self._found()

        def is_known(one: Delivery) -> bool:
            """Return whether the run could know that a message had been sent."""
            if self._is_released(one):
                return False
            if one.worker is worker and worker.outcomes.get(one.number) == ["sent"]:
                return True
            seen = before.get((one.sink, one.row["idempotency_key"])) == "sent"
            return seen or (calm and not self.lag)

        known = [(one, arrival) for one, arrival in found if is_known(one)]
        for number in range(1, len(worker.rows) + 1):
            if number not in worker.outcomes:
                continue
            there = [(one, arrival) for one, arrival in known if sent_before(worker, number, one, arrival)]
            if worker.rows[number - 1][1].get("id") in self._asked:
                there = [(one, arrival) for one, arrival in there if one.worker is worker]
            left = [arrival for _, arrival in left_scheduled(worker, number, there)]
            assert not left, (number, left, self.story())
        done = worker.error is None and worker.code in (0, 3) and worker.sinks & SINKS.keys()
        if not done or worker.config["opt_out"] != "enforce":
            return
        age = timedelta() if calm else timedelta(hours=worker.config["opt_out_max_age"])
        for one, arrival in found:
            ours = outcomes.get((one.sink, one.row["idempotency_key"])) == "sent"
            ours &= not self._is_released(one)
            waits = arrival["status"] == "Scheduled" and arrival["schedule"] > self.now.timestamp()
            if ours and waits and self.people.have_opted_out(arrival["to"], began - age, self.now):
                raise AssertionError((arrival, "waits though the recipient opted out", self.story()))

    def story(self) -> str:
        return "\n".join(["", *self.told])

    # Ways and means

    def _worker(self, templates: dict[str, str], clock: Any, *, alone: bool = True) -> Worker:
        chance = self.chance
        rows: Sinks = self._rows.draw(self._waiting(), templates=alone)
        config = self._config(batch_size_rows=chance.choice([1, 1, 2, 4]), max_retries=1)
        config["opt_out"] = chance.choices(["enforce", "column", "ignore"], [6, 1, 1])[0]
        config["opt_out_max_age"] = chance.choice([0.01, 0.01, 0.05, 0.25, 1, 24])
        config["resend_under_new_keys"] = True
        config["cancel_deleted"] = chance.random() < 0.6
        if chance.random() < 0.4:
            start = self.now + timedelta(minutes=chance.choice([-400, -60, 1, 5, 90]))
            end = start + timedelta(minutes=chance.choice([30, 480]))
            policy = chance.choice(["schedule", "hold"])
            config["quiet_hours"] = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "policy": policy}
        if chance.random() < 0.25:
            config["dedupe_window_hours"] = chance.choice([1, 24, 100])
        if chance.random() < 0.2:
            config["max_messages_per_run"] = chance.randint(1, 6)
        if chance.random() < 0.1:
            config["max_spend_per_run"] = chance.choice([0.1, 10])
        if chance.random() < 0.2:
            config["messages_per_minute"] = chance.randint(1, 5)
        ends = [None, (chance.randrange(120), "kill"), (chance.randrange(120), "stop")]
        end = chance.choices(ends, [6, 2, 1])[0]
        worker = Worker(rows, config, end, lambda: self.now, clock)
        self._deliver(worker, templates)
        return worker

    def _deliver(self, worker: Worker, templates: dict[str, str]) -> None:
        self._delivered.update((one.row["from"], one) for one in deliveries(worker, templates))

    def _happen(self, worker: Worker, request: Any, slow: int, *, leaving: bool) -> None:
        """Let time pass while a request is under way, and one of the recipients opt out."""
        if leaving and self.chance.random() < 0.1:
            self._opt_out([row["to"] for _, row in worker.rows if "to" in row])
        if slow and self.chance.random() < (0.9 if request.url.endswith("/send") else 0.1):
            self.turn(slow)

    def _disturb(self) -> bool:
        """Order what goes wrong in the next run; return whether nothing does."""
        chance = self.chance
        self._calm()
        count = len(self.told)
        for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
            often = {"times": chance.choice([1, 1, 2, -1]), "skip": chance.randrange(3)}
            self._control("faults", {"method": "POST", "path": "/*/send", **often, **chance.choice(FAULTS)})
        for where in OTHER_FAULTS:
            if chance.random() < 0.1:
                often = {"times": chance.choice([1, 3, -1]), "skip": chance.randrange(3)}
                self._control("faults", {**where, **often, **chance.choice(OTHER_KINDS)})
        for to in NUMBERS:
            if chance.random() < 0.1:
                status = chance.choice(["THROTTLED", "THROTTLED", *STATUSES])
                self._control("statuses", {"to": to, "status": status, "times": chance.choice([1, 2])})
        return count == len(self.told) and self.box.control("POST", "switches", {})["answer_rows"] == "all"

    def _calm(self) -> None:
        self.box.control("DELETE", "faults")
        self.box.control("DELETE", "statuses")

    def _control(self, name: str, body: dict[str, Any]) -> None:
        self.told.append(f"{name} {body}")
        self.box.control("POST", name, body)

    def _list_call(self, method: str, path: str, body: Any = None) -> Any:
        auth = tuple(CREDENTIALS.values())
        answer = requests.request(method, self.box.api_url + path, json=body, auth=auth, timeout=10)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def _templates(self) -> dict[str, str]:
        """Return the account's templates, as they are."""
        self._calm()
        page = self._list_call("GET", "/sms/templates?limit=100")
        return {one["template_name"]: one["body"] for one in page["data"]}

    def turn(self, seconds: int) -> None:
        with self._lock:
            self.box.advance(seconds)
            self.now += timedelta(seconds=seconds)
            self.told.append(f"{seconds} s later")

    def _tell(self, what: str, worker: Worker) -> None:
        self.told.append(f"{what} at {self.now}: {worker.config} ends {worker.end}")
        self.told.extend(f"  {number} {sink} {row}" for number, (sink, row) in enumerate(worker.rows, 1))

    def _config(self, **more: Any) -> dict[str, Any]:
        own = {"api_url": self.box.api_url, "ledger_url": self.ledger_url, "clear_keys": ["idempotency_key"]}
        return own | CREDENTIALS | more

    def _outcomes(self) -> dict[tuple[str, str], str]:
        rows = [row for row in self.ledger.outcomes.newest() if row["sink"] in SINKS]
        found = {(row["sink"], row["key"]): row["outcome"] for row in rows}
        known = {outcome_id(*one) for one in found}
        assert len(known) == len(found), self.story()
        return found

    def _found(self) -> list[tuple[Delivery, dict[str, Any]]]:
        """Return what arrived, each with the row that it was."""
        return [(self._delivered[one["from"]], one) for one in self.box.control("GET", "arrivals")]

    def _waiting(self) -> list[str]:
        return [one["message_id"] for _, one in self._found() if one["status"] == "Scheduled"]

    def _arrived(self) -> Counter[tuple[str, str]]:
        return Counter((one.sink, one.row["idempotency_key"]) for one, _ in self._found())
