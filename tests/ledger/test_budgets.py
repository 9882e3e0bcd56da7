"""Budgets of groups of runs: whatever happens in whatever order, no more is claimed than the caps allow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine

from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Budget, Spent
from clicksend.ledger.schema import metadata
from tests.conftest import budget as examples
from tests.ledger.cases import ACCOUNT, Clock, claim, outcome

pytestmark = pytest.mark.both_databases

SINK = "sms_messages"
GROUP = "night 7"


def take(ledger, budget, prices, run="run 1"):
    wanted = map(claim, prices)
    return ledger.claims.claim_within(budget, prices, run, SINK, wanted, lease_seconds=90)


def settle(ledger, outcomes, prices, run="run 1", group=GROUP, **about):
    answered = [outcome(key, name, SINK, **about) for key, name in outcomes.items()]
    ledger.claims.settle(run, answered, run_group=group, prices=prices)


def cents(*prices):
    """Return prices by key: "a", "b" and so on."""
    return {"abcdefgh"[at]: None if one is None else Decimal(one) / 100 for at, one in enumerate(prices)}


@pytest.mark.parametrize(
    ("budget", "prices", "over"),
    [
        ({}, cents(1, None, 3), ""),
        ({"messages": 2}, cents(1, None, 3), "c"),
        ({"messages": 0}, cents(1), "a"),
        ({"spend": Decimal("0.04")}, cents(1, 3, 1), "c"),
        # What costs less may fit where something dear did not.
        ({"spend": Decimal("0.04")}, cents(3, 2, 1, 0), "b"),
        ({"spend": Decimal("0.04")}, cents(1, None, 3), "b"),
        ({"spend": Decimal("0.04"), "messages": 1}, cents(4, 0), "b"),
    ],
)
def test_the_first_take_what_there_is(ledger, budget, prices, over):
    ours, left = take(ledger, Budget(run_group=GROUP, **budget), prices)
    assert (left, ours) == (set(over), prices.keys() - set(over))
    spent = Spent(messages=len(ours), spend=sum((prices[key] or Decimal(0) for key in ours), Decimal(0)))
    assert ledger.budgets.spent(GROUP) == spent
    # What was left is nobody's, and free for whoever has room.
    assert ledger.claims.claim("run 2", SINK, map(claim, left), lease_seconds=90) == left


def test_what_is_used_takes_nothing(ledger):
    two = Budget(run_group=GROUP, messages=2)
    take(ledger, two, cents(1))
    assert take(ledger, two, cents(1, 1), run="run 2") == ({"b"}, set())
    assert ledger.budgets.spent(GROUP).messages == 2


@pytest.mark.parametrize(
    ("name", "about", "spent"),
    [
        ("sent", {}, (2, "0.03")),
        ("sent", {"price": Decimal("0.05")}, (2, "0.07")),
        ("unknown", {}, (2, "0.03")),
        ("failed", {}, (1, "0.02")),
        ("rejected", {}, (1, "0.02")),
    ],
)
def test_what_certainly_was_not_sent_is_given_back(ledger, name, about, spent):
    prices = cents(1, 2)
    take(ledger, Budget(run_group=GROUP), prices)
    settle(ledger, {"a": name}, prices, **about)
    assert ledger.budgets.spent(GROUP) == Spent(messages=spent[0], spend=Decimal(spent[1]))
    assert ledger.budgets.spent("another") == Spent()


def test_a_group_that_has_long_spent_nothing_begins_anew(ledger, ledger_time):
    prices = cents(1, 2)
    take(ledger, Budget(run_group=GROUP), prices)
    before = ledger_time()
    ledger_time.advance(hours=1)
    take(ledger, Budget(run_group="young"), {"z": None})
    ledger.outcomes.prune(before + timedelta(minutes=1))
    assert (ledger.budgets.spent(GROUP), ledger.budgets.spent("young").messages) == (Spent(), 1)
    # What is given back to it then is not owed to it.
    settle(ledger, {"a": "failed"}, prices)
    assert ledger.budgets.spent(GROUP) == Spent()


def test_threads_never_claim_more_than_there_is(ledger):
    caps = Budget(run_group=GROUP, messages=70, spend=Decimal("1.00"))
    prices = {str(number): Decimal(number % 4) / 100 for number in range(400)}

    def work(number):
        ours = set()
        for start in range(number, 400, 40):
            some = {str(key): prices[str(key)] for key in range(start, min(start + 5, 400))}
            ours |= take(ledger, caps, some, run=f"run {number}")[0]
        return ours

    with ThreadPoolExecutor(8) as threads:
        claimed = [key for keys in threads.map(work, range(0, 40, 5)) for key in keys]
    assert len(claimed) == len(set(claimed))
    spent = ledger.budgets.spent(GROUP)
    assert spent == Spent(messages=len(claimed), spend=sum((prices[key] for key in claimed), Decimal(0)))
    assert spent.messages == 70 or spent.spend >= Decimal("0.98")
    assert spent.messages <= 70
    assert spent.spend <= 1


runs = st.sampled_from(["run 1", "run 2", "run 3"])
names = st.sampled_from(["sent", "unknown", "rejected", "failed"])


class Group(RuleBasedStateMachine):
    """Three runs of one group, which claim, are answered, die, and deliver rows again."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.time, self.opened, self.keys = url, Clock(), ExitStack(), count()
        self.under_way: dict[str, dict[str, Decimal]] = {}
        self.spent: dict[str, Decimal] = {}
        """What may have been sent, and for how much."""
        self.failed: list[str] = []

    @initialize(
        messages=st.one_of(st.none(), st.integers(0, 12)), spend=st.one_of(st.none(), st.integers(0, 30))
    )
    def begin(self, messages, spend):
        Ledger.open(self.url, **ACCOUNT).close()
        engine = create_engine(self.url)
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete().where(table.name != "meta"))
        engine.dispose()
        self.caps = Budget(
            run_group=GROUP, messages=messages, spend=None if spend is None else Decimal(spend) / 100
        )
        self.ledgers = {
            run: self.opened.enter_context(Ledger.open(self.url, **ACCOUNT, now=self.time))
            for run in ("run 1", "run 2", "run 3")
        }

    def teardown(self):
        self.opened.close()

    @rule(run=runs, prices=st.lists(st.integers(0, 5), min_size=1, max_size=5), again=st.booleans())
    def claims(self, run, prices, again):
        if self.under_way.get(run):
            return
        keys = self.failed[: len(prices)] if again else [str(next(self.keys)) for _ in prices]
        asked = {key: Decimal(price) / 100 for key, price in zip(keys, prices, strict=False)}
        ours, over = take(self.ledgers[run], self.caps, asked, run)
        assert ours | over == asked.keys()
        assert not ours & over
        for key in over:
            total = sum(self.spent.values(), Decimal(0)) + asked[key]
            is_full = self.caps.messages is not None and len(self.spent) + len(ours) >= self.caps.messages
            spends = sum((asked[one] for one in ours), Decimal(0))
            assert is_full or (self.caps.spend is not None and total + spends > self.caps.spend)
        self.failed = [key for key in self.failed if key not in ours]
        self.under_way[run] = {key: asked[key] for key in ours}
        self.spent |= self.under_way[run]

    @rule(run=runs, outcomes=st.lists(names, min_size=5, max_size=5))
    def answered(self, run, outcomes):
        asked = self.under_way.pop(run, {})
        came = dict(zip(asked, outcomes, strict=False))
        settle(self.ledgers[run], came, asked, run)
        for key, name in came.items():
            if name in {"failed", "rejected"}:
                del self.spent[key]
                self.failed.append(key)

    @rule(run=runs)
    def dies(self, run):
        """What it had claimed stays claimed, and spent."""
        self.under_way.pop(run, None)

    @invariant()
    def no_more_is_spent_than_there_is(self):
        if not hasattr(self, "ledgers"):
            return
        total = sum(self.spent.values(), Decimal(0))
        assert self.caps.messages is None or len(self.spent) <= self.caps.messages
        assert self.caps.spend is None or total <= self.caps.spend
        for ledger in self.ledgers.values():
            assert ledger.budgets.spent(GROUP) == Spent(messages=len(self.spent), spend=total)


def test_whatever_runs_do_in_whatever_order(ledger_url):
    run_state_machine_as_test(
        lambda: Group(ledger_url),
        settings=settings(
            max_examples=examples(8, 200),
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
