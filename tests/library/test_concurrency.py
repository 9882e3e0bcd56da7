"""How many requests at once an endpoint gets, against servers of every kind; their time is simulated."""

import heapq
import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pytest

from clicksend.client import Client
from clicksend.concurrency import FIRST, LEAST, Concurrency
from clicksend.settings import Settings
from tests.library.hostile_server import ok, serving
from tests.tap.runner import CREDENTIALS


@dataclass
class Reading:
    """What a reading took: seconds, requests refused, the most under way, and the levels on the way."""

    seconds: float
    refused: int
    most: int
    levels: list[int]

    @property
    def level(self):
        """The usual level, once it was found."""
        found = self.levels[len(self.levels) // 3 :]
        return sum(found) / len(found)


def read(server, pages=4000, *, ceiling=64, noise=0.2, handshake=0.0, fixed=None, seed=0):
    """Read pages, as many at once as the level says.

    ``server(under_way, now)`` returns the seconds until it answers, None to refuse.
    """
    chance, concurrency = random.Random(seed), Concurrency(ceiling)
    now, under_way, begun, done, refused, most, connections = 0.0, [], 0, 0, 0, 0, 0
    levels = []
    while done < pages:
        while begun < pages and len(under_way) < (fixed or concurrency.level):
            begun += 1
            seconds = server(len(under_way) + 1, now)
            took = 0.01 if seconds is None else seconds * (1 + noise * chance.random())
            if len(under_way) >= connections:
                connections, took = connections + 1, took + handshake
            heapq.heappush(under_way, (now + took, now, seconds is None))
            most = max(most, len(under_way))
        concurrency.wanted = begun < pages
        now, began, is_refused = heapq.heappop(under_way)
        if is_refused:
            concurrency.refused(began, now)
            begun, refused = begun - 1, refused + 1
        else:
            concurrency.answered(began, now)
            done += 1
        levels.append(concurrency.level)
    return Reading(now, refused, most, levels)


def steady(seconds):
    """A server that answers any number at once in the same time."""
    return lambda _under_way, _now: seconds


def workers(count, seconds):
    """A server that works at so many requests at once, and lets the others wait."""
    free = [0.0] * count

    def answer(_, now):
        ends = max(heapq.heappop(free), now) + seconds
        heapq.heappush(free, ends)
        return ends - now

    return answer


def thrashing(best, seconds):
    """A server that gets slower the more it has to do, beyond its best number out of all proportion."""
    return lambda under_way, _now: seconds * (1 + (under_way / best) ** 2)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("handshake", [0, 0.7])
@pytest.mark.parametrize(("pages", "share"), [(1000, 0.85), (10_000, 0.97)])
def test_latency_alone_is_met_with_all_there_is(seconds, handshake, pages, share):
    """The rise costs the first second, and a look at lower levels now and then next to nothing."""
    run = partial(read, steady(seconds), pages, handshake=handshake * seconds)
    assert run(fixed=64).seconds / run().seconds >= share


@pytest.mark.parametrize("seconds", [0.003, 0.1, 0.5])
@pytest.mark.parametrize("count", [2, 4, 10, 20, 40])
def test_a_server_is_kept_busy_and_not_flooded(seconds, count):
    reading = read(workers(count, seconds))
    assert reading.seconds <= 1.1 * 4000 * seconds * 1.1 / count
    assert reading.level <= 1.7 * count + 1


@pytest.mark.parametrize("best", [5, 10, 20, 40])
def test_one_that_gets_slow_under_load_is_not_pushed_over(best):
    reading = read(thrashing(best, 0.1))
    assert reading.level <= 1.2 * best
    fastest = 4000 * 0.1 * 2 * 1.1 / best
    assert reading.seconds <= 1.15 * fastest
    assert read(thrashing(best, 0.1), fixed=64).seconds >= reading.seconds


def test_one_that_refuses_is_asked_less():
    reading = read(lambda under_way, _now: None if under_way > 30 else 0.2)
    assert reading.refused <= 0.01 * 4000
    assert reading.level <= 30


def test_a_server_that_becomes_slower_for_good_is_read_as_well_as_before():
    def server(_, now):
        return 0.2 if now < 10 else 0.8

    assert read(server, fixed=64).seconds / read(server).seconds >= 0.8


def test_a_sudden_queue_makes_it_fewer():
    """Not ours: the others who use the server are as slow."""
    concurrency, now, levels = Concurrency(64), 0.0, []
    while len(levels) < 8 or len(set(levels[-8:])) > 1:
        now = rounds(concurrency, 0.1, now)
        levels.append(concurrency.level)
    rounds(concurrency, 0.5, now)
    assert concurrency.level < levels[-1]


def rounds(concurrency, latency, now):
    """Let a round of requests be answered; return when."""
    for _ in range(concurrency.level):
        concurrency.wanted = True
        concurrency.answered(now, now + latency)
    return now + latency


@pytest.mark.parametrize("ceiling", [1, 2, 3, 64])
@pytest.mark.parametrize("server", [steady(0.1), workers(2, 0.1), thrashing(4, 0.1)])
def test_never_above_the_ceiling(ceiling, server):
    reading = read(server, 1000, ceiling=ceiling)
    assert max(reading.levels) <= ceiling
    assert reading.most <= ceiling
    assert min(reading.levels) >= min(ceiling, LEAST)


def test_a_reader_that_needs_no_more_learns_nothing():
    """Its requests are fewer than the level, so how long they take says nothing of it."""
    concurrency = Concurrency(64)
    for at in range(1000):
        concurrency.answered(at, at + 1 + at / 10)
    assert concurrency.level == FIRST


def test_one_burst_of_refusals_counts_once():
    concurrency = Concurrency(64)
    for _ in range(16):
        concurrency.refused(0.0, 1.0)
    assert concurrency.level == FIRST // 2
    concurrency.refused(1.5, 2.0)
    assert concurrency.level == FIRST // 4


@pytest.mark.long
@pytest.mark.parametrize("slows", [False, True], ids=["it queues", "it thrashes"])
def test_a_real_server_without_rate_headers_is_not_pushed_over(slows):
    """As above, over HTTP: it has room for six; what waits makes it slower, or only waits.

    It takes its time, so that what a busy machine takes beside is little.
    """
    seconds, room, lock, under_way, seen = 0.15, 6, threading.Lock(), [], []
    places = threading.Semaphore(room)

    def behave(_):
        with lock:
            under_way.append(None)
            seen.append(count := len(under_way))
        with places:
            time.sleep(seconds * (1 + (count / room / 2) ** 2 if slows else 1))
        with lock:
            under_way.pop()
        return ok([])

    with serving(behave) as url:
        client = Client(Settings.from_config({"api_url": url, **CREDENTIALS}, env={}))
        with closing(client):
            began = time.monotonic()
            assert all(client.map(lambda _: client.get("/lists").data == [], range(600)))
            took = time.monotonic() - began
    later = sorted(seen[200:])
    assert later[len(later) // 2] <= 3 * room
    assert later[-1] <= 64 // 2
    assert took <= 2 * 600 * seconds * (1.25 if slows else 1) / room
