"""The world's clock runs with the wall clock, or stands still; either way it can be turned."""

from __future__ import annotations

import json

import pytest

from clicksend.sandbox import Sandbox
from clicksend.sandbox.server.service import Service
from clicksend.sandbox.server.state import State, StateFile
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.stream import Plan
from tests.sandbox.runner import DAY, EPOCH

WALL = 5_000_000_000.75


class Wall:
    """A clock on the wall."""

    def __init__(self):
        self.seconds = WALL

    def __call__(self):
        return self.seconds


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def live(wall):
    """Return a service whose clock runs."""
    return Service(Simulation(Plan(1, EPOCH, 300, 20)), wall_clock=wall)


def test_it_runs_as_fast_as_the_clock_on_the_wall(live, wall):
    live.run_on()
    assert live.sim.now == EPOCH
    wall.seconds += 0.9
    live.run_on()
    assert live.sim.now == EPOCH
    wall.seconds += 0.2
    live.run_on()
    assert live.sim.now == EPOCH + 1
    before = live.sim.happened
    wall.seconds += 5 * DAY
    live.run_on()
    assert live.sim.now == EPOCH + 1 + 5 * DAY
    assert live.sim.happened > before + 5


def test_it_never_goes_back(live, wall):
    wall.seconds -= 3600
    live.run_on()
    assert live.sim.now == EPOCH
    wall.seconds += 3601
    live.run_on()
    assert live.sim.now == EPOCH + 1


def test_turned_it_runs_on_from_there(live, wall):
    wall.seconds += 10
    live.run_on()
    live.turn(EPOCH + DAY)
    live.run_on()
    assert live.sim.now == EPOCH + DAY
    wall.seconds += 3
    live.run_on()
    assert live.sim.now == EPOCH + DAY + 3


def test_a_reset_begins_anew(live, wall):
    wall.seconds += DAY
    live.run_on()
    live.reset()
    live.run_on()
    assert live.sim.now == EPOCH
    wall.seconds += 2
    live.run_on()
    assert live.sim.now == EPOCH + 2


def test_time_that_passes_does_not_pass_twice_for_limits(live, wall, monkeypatch):
    """They count real time already; only what the clock was turned comes on top."""
    turned = []
    monkeypatch.setattr(live.limiter, "turn", turned.append)
    wall.seconds += 100
    live.run_on()
    assert turned == []
    live.turn(live.sim.now + 50)
    assert turned == [50]


def test_it_stands_still_without_one():
    still = Service(Simulation(Plan(1, EPOCH, 0, 0)))
    still.run_on()
    assert still.sim.now == EPOCH
    assert not still.is_live


def test_where_it_was_is_kept(wall, tmp_path):
    file = StateFile(tmp_path / "state.json")
    sim = Simulation(Plan(1, EPOCH, 0, 0))
    service = Service(sim, file, wall)
    wall.seconds += 42
    service.run_on()
    assert json.loads(file.path.read_text())["now"] == EPOCH + 42
    state = file.load()
    assert state == State.of(sim)


@pytest.mark.parametrize("path", ["/v3/countries", "/_sandbox/health", "/"])
def test_every_request_finds_it_where_it_is(wall, session, path):
    with Sandbox(messages=0, contacts=0, epoch=EPOCH) as box:
        box._service._wall_clock, box._service.is_live = wall, True
        box._service._ahead = EPOCH - wall()
        wall.seconds += 77
        session.get(box.url + path, timeout=10)
        assert box._service.sim.now == EPOCH + 77
        assert box.control("GET", "threads")["clock"] == box.state()["clock"] == "live"
