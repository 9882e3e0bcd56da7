"""Rate limits, learned from the headers that were recorded."""

import sys
import threading

import pytest

from clicksend.errors import StoppedError
from clicksend.limiter import Budget, Limiter, retry_after


def headers(remaining, reset):
    return {"x-ratelimit-limit": "20", "x-ratelimit-remaining": str(remaining), "ratelimit-reset": str(reset)}


def test_waits_before_the_limit_not_after(clock):
    limiter = Limiter(clock)
    for remaining in (2, 1, 0):
        limiter.release(limiter.acquire("GET /account"), 200, headers(remaining, 40))
    assert clock.slept == []
    limiter.acquire("GET /account")
    assert clock.slept == [40]


def test_requests_under_way_count_against_what_is_left(clock):
    limiter = Limiter(clock)
    places = [limiter.acquire("GET /account") for _ in range(3)]
    limiter.release(places[0], 200, headers(2, 40))
    assert clock.slept == []
    limiter.acquire("GET /account")
    assert clock.slept == [40]


def test_endpoints_have_limits_of_their_own_and_ids_do_not_make_endpoints(clock):
    limiter = Limiter(clock)
    limiter.release(limiter.acquire("GET /lists/1/contacts"), 200, headers(0, 30))
    limiter.acquire("GET /lists")
    assert clock.slept == []
    limiter.acquire("GET /lists/2/contacts")
    assert clock.slept == [30]


def test_a_pause_holds_for_everybody(clock):
    limiter = Limiter(clock)
    limiter.pause("GET /account", 20)
    limiter.acquire("GET /account")
    assert clock.slept == [20]


def test_a_short_pause_does_not_end_a_long_one(clock):
    limiter = Limiter(clock)
    limiter.pause("GET /account", 20)
    limiter.pause("GET /account", 5)
    limiter.acquire("GET /account")
    assert clock.slept == [20]


def test_threads_take_no_more_than_there_is(clock, monkeypatch):
    interval = sys.getswitchinterval()
    monkeypatch.setattr(clock, "sleep", lambda _: (_ for _ in ()).throw(TimeoutError))
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            limiter = Limiter(clock)
            limiter.release(limiter.acquire("GET /account"), 200, headers(20, 40))

            def take(limiter=limiter):
                for _ in range(10):
                    try:
                        limiter.release(limiter.acquire("GET /account"), 200, {})
                    except TimeoutError:
                        return

            threads = [threading.Thread(target=take) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert limiter.requests == 21
    finally:
        sys.setswitchinterval(interval)


def test_a_ceiling_spreads_requests_evenly(clock):
    limiter = Limiter(clock, requests_per_minute=120)
    for _ in range(3):
        limiter.acquire("GET /account")
    assert clock.slept == [0.5, 0.5]


@pytest.mark.parametrize("broken", [{}, {"x-ratelimit-remaining": "many", "ratelimit-reset": "-1"}])
def test_other_headers_teach_nothing(clock, broken):
    limiter = Limiter(clock)
    limiter.release(limiter.acquire("GET /account"), 200, broken)
    limiter.acquire("GET /account")
    assert clock.slept == []


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "20"}, 20),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Fri, 02 Oct 2026 10:00:30 GMT", "Date": "Fri, 02 Oct 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "Fri, 02 Oct 2026 09:00:00 GMT", "Date": "Fri, 02 Oct 2026 10:00:00 GMT"}, 0),
        ({"Retry-After": "Fri, 02 Oct 2026 10:00:30 GMT"}, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(sent, seconds):
    assert retry_after(sent) == seconds


def test_no_two_threads_look_at_what_is_left_at_once(clock, monkeypatch):
    """Both would take the last request."""
    inside, together, wait = [], [], Budget.wait

    def look(budget, now, share):
        inside.append(now)
        threading.Event().wait(0.005)
        together.append(len(inside))
        inside.pop()
        return wait(budget, now, share)

    monkeypatch.setattr(Budget, "wait", look)
    limiter = Limiter(clock)
    threads = [threading.Thread(target=limiter.acquire, args=["GET /account"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1] * 8


@pytest.mark.parametrize(
    ("share", "limit", "used"), [(0.8, 20, 16), (0.8, 6000, 4800), (0.5, 1, 1), (1, 20, 20)]
)
def test_a_share_of_the_limit_is_left_to_others(clock, share, limit, used):
    limiter = Limiter(clock, rate_limit_share=share)
    for number in range(used):
        sent = {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(limit - number - 1)}
        limiter.release(limiter.acquire("GET /lists"), 200, {**sent, "ratelimit-reset": "40"})
    assert clock.slept == []
    limiter.acquire("GET /lists")
    assert clock.slept == [40]


def test_places_go_to_those_who_wait_longest(clock):
    limiter = Limiter(clock, max_concurrency=1)
    first, order, threads = limiter.acquire("GET /lists"), [], []

    def take(number):
        place = limiter.acquire("GET /lists")
        order.append(number)
        limiter.release(place, 200, {})

    for number in range(8):
        threads.append(threading.Thread(target=take, args=[number]))
        threads[-1].start()
        while len(first.budget.queue) <= number:
            threading.Event().wait(0.001)
    limiter.release(first, 200, {})
    for thread in threads:
        thread.join()
    assert order == list(range(8))
    assert first.budget.places == 0


def test_a_place_is_given_back_by_whoever_was_stopped_in_it(clock, monkeypatch):
    limiter = Limiter(clock, max_concurrency=1)
    limiter.pause("GET /lists", 20)
    monkeypatch.setattr(clock, "sleep", lambda _: (_ for _ in ()).throw(StoppedError))
    with pytest.raises(StoppedError):
        limiter.acquire("GET /lists")
    clock.now += 20
    next_one = threading.Thread(target=limiter.acquire, args=["GET /lists"], daemon=True)
    next_one.start()
    next_one.join(10)
    assert not next_one.is_alive()


def test_what_waited_for_the_rate_limit_says_nothing_of_the_server(clock):
    limiter = Limiter(clock, requests_per_minute=60)
    seen = []
    place = limiter.acquire("GET /lists")
    place.budget.concurrency.answered = lambda began, now: seen.append(now - began)
    clock.now += 0.5
    limiter.release(place, 200, {})
    limiter.release(limiter.acquire("GET /lists"), 200, {})
    assert seen == [0.5]


@pytest.mark.parametrize(
    ("status", "fewer"), [(429, True), (503, True), (None, True), (200, False), (404, False)]
)
def test_who_refuses_is_asked_less(clock, status, fewer):
    limiter = Limiter(clock)
    before = limiter.acquire("GET /lists")
    level = before.budget.concurrency.level
    limiter.release(before, status, {})
    assert (before.budget.concurrency.level < level) is fewer
