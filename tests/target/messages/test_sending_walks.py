"""Whatever happens in whatever order, no key arrives twice, and nothing certain is lost: random walks.

CLICKSEND_WALKS says how many (`make test-long` asks for many, other ones each time), CLICKSEND_WALK_SEED
where they begin: the story of a walk that fails names its seed.
"""

from __future__ import annotations

import os
import random
from contextlib import closing

import pytest
from sqlalchemy import create_engine

from clicksend.sandbox import Sandbox
from tests.target.messages.sending_walk import Walk, forget
from tests.target.stepping import watch

WALKS = int(os.environ.get("CLICKSEND_WALKS", "20"))
SEED = int(os.environ.get("CLICKSEND_WALK_SEED", "0")) or (
    random.randrange(1, 10**9) if "CLICKSEND_WALKS" in os.environ else 1
)
STEPS = 8
EPOCH = 1_792_843_200
"""The day before clocks in Europe go back, 2026; those in America do so a week later."""


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=5, messages=5, contacts=5, epoch=EPOCH) as box:
        yield box


@pytest.mark.both_databases
def test_walks(box, ledger_url, monkeypatch):
    watch(monkeypatch.setattr)
    engine = create_engine(ledger_url)
    for seed in range(SEED, SEED + (WALKS + 1) // 2):
        with closing(Walk(box, ledger_url, seed)) as walk:
            with engine.begin() as connection:
                forget(connection)
            walk.walk(STEPS)
    engine.dispose()
