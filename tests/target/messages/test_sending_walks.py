"""Whatever happens in whatever order, no key arrives twice, and nothing certain is lost: random walks.

`make test-long` takes many, other ones each time. CLICKSEND_WALK_SEED says where they begin: the story of a
walk that fails names its seed.
"""

from __future__ import annotations

import os
import random
from contextlib import closing

import pytest
from sqlalchemy import create_engine

from clicksend.sandbox import Sandbox
from tests.conftest import FULL, budget
from tests.target.messages.sending_walk import Walk, forget
from tests.target.stepping import watch

WALKS = budget(1, 250)
"""On each of the two databases."""
SEED = int(os.environ.get("CLICKSEND_WALK_SEED", "0")) or (random.randrange(1, 10**9) if FULL else 1)
STEPS = 8
GATED = {
    "enforce and suppressed",
    "quiet_hours and held",
    "dedupe_window_hours and suppressed",
    "capped and held",
}
"""Settings of runs, and what came of a row in one: many walks meet all of these."""
EPOCH = 1_792_843_200
"""The day before clocks in Europe go back, 2026; those in America do so a week later."""


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=5, messages=5, contacts=5, epoch=EPOCH) as box:
        yield box


@pytest.mark.both_databases
def test_walks(box, ledger_url, monkeypatch):
    watch(monkeypatch.setattr)
    engine, met = create_engine(ledger_url), set()
    first = SEED + WALKS * ledger_url.startswith("postgresql")
    for seed in range(first, first + WALKS):
        with closing(Walk(box, ledger_url, seed)) as walk:
            with engine.begin() as connection:
                forget(connection)
            walk.walk(STEPS)
            met |= walk.met
    engine.dispose()
    assert "sent" in met
    assert met >= GATED or not FULL
