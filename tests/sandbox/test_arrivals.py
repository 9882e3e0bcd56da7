"""What arrived for a number, and waiting for it."""

from __future__ import annotations

import time
from threading import Thread

import pytest
import requests

NUMBER, OTHER = "+61412345678", "+61412345679"


def test_health(box):
    assert box.control("GET", "health") == {"status": "ok", "now": box.state()["now"]}


@pytest.mark.parametrize("path", ["/_sandbox", "/_sandbox/", "/_sandbox/state"])
def test_the_state_is_at_the_root_of_the_controls(box, path):
    assert requests.get(box.url + path, timeout=10).json() == box.state()


@pytest.mark.parametrize("path", ["/_sandboxstate", "/_sandboxes", "/_sandbox//state", "/_sandbox/state/x"])
def test_what_only_looks_like_a_control_is_none(box, path):
    answer = requests.get(box.url + path, timeout=10)
    assert (answer.status_code, answer.json()["error"][:15]) == (404, "no such control")


def test_to_one_number(box, send):
    send({"body": "1"}, {"body": "2", "to": OTHER}, {"body": "3"}, {"to": "nobody", "body": "4"})
    assert [row["body"] for row in box.arrivals(NUMBER)] == ["1", "3"]
    assert [row["body"] for row in box.arrivals()] == ["1", "2", "3"]
    assert box.arrivals("+61400000000") == box.arrivals("nobody") == []


@pytest.mark.parametrize("spelled", ["+61412345678", "%2B61412345678", "+61%20412%20345%20678"])
def test_a_plus_sign_may_be_escaped_or_not(box, send, spelled):
    send()
    url = f"{box.url}/_sandbox/arrivals?to={spelled}"
    assert [row["to"] for row in requests.get(url, timeout=10).json()] == [NUMBER]


class Later(Thread):
    """Does something as soon as a request waits."""

    def __init__(self, box, *doing):
        super().__init__(daemon=True)
        self._box, self._doing = box, doing

    def run(self):
        for do in self._doing:
            waiting = self._box._service._change._waiters
            while not waiting:
                time.sleep(0.005)
            do()


def test_waiting_ends_with_the_message(box, send):
    waiter = Later(box, lambda: send({"to": OTHER}), lambda: send({"body": "there"}))
    waiter.start()
    begun = time.monotonic()
    assert [row["body"] for row in box.arrivals(NUMBER, wait=60)] == ["there"]
    assert time.monotonic() - begun < 50
    waiter.join(10)


def test_waiting_for_several(box, send):
    send({"body": "1"})
    assert len(box.arrivals(NUMBER, wait=60)) == 1
    waiter = Later(box, lambda: send({"body": "2"}))
    waiter.start()
    assert [row["body"] for row in box.arrivals(NUMBER, wait=60, at_least=2)] == ["1", "2"]
    waiter.join(10)


def test_waiting_in_vain_ends_too(box, send):
    send()
    assert box.arrivals(OTHER, wait=0.05) == []
    assert len(box.arrivals(NUMBER, wait=0.05, at_least=2)) == 1


def test_others_are_served_while_one_waits(box, session):
    waiter = Thread(target=box.arrivals, kwargs={"to": NUMBER, "wait": 0.5})
    waiter.start()
    begun = time.monotonic()
    for _ in range(5):
        assert session.get(f"{box.api_url}/countries", timeout=10).ok
    assert time.monotonic() - begun < 10
    waiter.join(10)


@pytest.mark.parametrize(
    "query", [{"wait": -1}, {"wait": 301}, {"wait": "x"}, {"at_least": 0}, {"too": NUMBER}]
)
def test_wrong_questions(box, query):
    answer = requests.get(f"{box.url}/_sandbox/arrivals", params=query, timeout=10)
    assert (answer.status_code, next(iter(query)) in answer.json()["error"]) == (400, True)
