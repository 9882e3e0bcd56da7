"""The client against the sandbox's faults: what is made again, what is not, and what people are told."""

import logging
from datetime import UTC, datetime
from threading import Barrier, Event, Lock

import pytest

from clicksend import errors
from tests.library.hostile_server import answer, ok, serving

PASSING = ["status 500", "status 503", "reset_before", "reset_after", "half_body", "html"]


def fault(sandbox, kind, times=1, path="/lists", **options):
    if kind.startswith("status"):
        kind, options = "status", {"status": int(kind.split()[1]), **options}
    sandbox.control("POST", "faults", {"path": path, "kind": kind, "times": times, **options})


@pytest.mark.parametrize("kind", PASSING)
def test_a_read_that_fails_in_passing_is_made_again(sandbox, connect, clock, kind):
    fault(sandbox, kind, times=2)
    assert connect(sandbox.api_url).get("/lists").data["total"] > 0
    assert len(sandbox.requests()) == 3
    assert len(clock.slept) == 2
    assert 0 < clock.slept[0] < clock.slept[1] + 1 < 10


@pytest.mark.parametrize("kind", PASSING)
def test_one_that_stays_broken_ends_in_one_sentence(sandbox, connect, kind):
    fault(sandbox, kind, times=-1)
    with pytest.raises(errors.ClickSendError, match=r"^GET /lists ") as caught:
        connect(sandbox.api_url, max_retries=2).get("/lists")
    assert len(sandbox.requests()) == 3
    assert "sandbox-key" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 302])
def test_what_cannot_pass_is_not_made_again(sandbox, connect, status):
    fault(sandbox, f"status {status}", times=-1)
    with pytest.raises(errors.ApiError, match=f"GET /lists answered {status}"):
        connect(sandbox.api_url).get("/lists")
    assert len(sandbox.requests()) == 1


def test_retry_after_is_honoured_to_the_second(sandbox, connect, clock):
    fault(sandbox, "status 429", times=2, retry_after=20)
    connect(sandbox.api_url).get("/lists")
    assert clock.slept == [20, 20]


def test_a_quarter_of_an_hour_is_waited_for(sandbox, connect, clock):
    fault(sandbox, "status 429", retry_after=900)
    connect(sandbox.api_url).get("/lists")
    assert clock.slept == [900]


def test_a_wait_longer_than_anybody_can_is_reported(sandbox, connect, clock):
    fault(sandbox, "status 429", times=-1, retry_after=901)
    with pytest.raises(errors.TooManyRequestsError, match="requests_per_minute"):
        connect(sandbox.api_url).get("/lists")
    assert clock.slept == []


def test_429_without_retry_after_backs_off(sandbox, connect, clock):
    fault(sandbox, "status 429", times=3)
    connect(sandbox.api_url).get("/lists")
    assert [round(wait) >= least for wait, least in zip(clock.slept, (1, 2, 4), strict=True)] == [True] * 3


def test_the_limit_is_never_run_into(sandbox, connect, clock):
    """The headers say 20 a minute: the 21st waits, and no answer is a 429."""
    clock.sleep = lambda seconds: (sandbox.advance(int(seconds)), setattr(clock, "now", clock.now + seconds))
    client = connect(sandbox.api_url)
    for _ in range(45):
        client.get("/account")
    assert [request["status"] for request in sandbox.requests()] == [200] * 45


def test_a_server_that_is_not_there_is_named_with_its_setting(connect):
    with pytest.raises(errors.UnreachableError, match=r"127\.0\.0\.1:9.*api_url"):
        connect("http://127.0.0.1:9/v3", max_retries=0).get("/lists")


def test_a_slow_server_times_out(sandbox, connect):
    fault(sandbox, "delay", seconds=5)
    with pytest.raises(errors.UnreachableError, match="timed out"):
        connect(sandbox.api_url, timeout=0.2, max_retries=0).get("/lists")


def test_a_hub_without_clicksends_api_names_direct_access(sandbox, connect):
    for status in (404, 405):
        fault(sandbox, f"status {status}", path="/account")
        with pytest.raises(errors.NotServedByHubError, match="username"):
            connect(sandbox.hub_api_url, username="").get("/account")
        fault(sandbox, f"status {status}", path="/account")
        with pytest.raises(errors.ApiError) as caught:
            connect(sandbox.api_url).get("/account")
        assert not isinstance(caught.value, errors.NotServedByHubError)


def test_debug_logs_hold_neither_keys_nor_numbers(sandbox, connect, caplog):
    fault(sandbox, "html")
    with caplog.at_level(logging.DEBUG):
        connect(sandbox.api_url).get("/sms/history", {"q": "to:+15550100"})
        fault(sandbox, "reset_before", path="/sms/history")
        connect(sandbox.api_url).get("/sms/history", {"q": "to:+15550100"})
    assert "Trying again" in caplog.text
    assert "15550100" not in caplog.text
    assert "sandbox-key" not in caplog.text


def test_results_of_map_come_in_order_and_an_early_end_stops_the_rest(sandbox, connect):
    client = connect(sandbox.api_url, max_concurrency=2)
    assert list(client.map(str, range(7))) == list("0123456")
    started, ended = [], Event()

    def start(number):
        started.append(number)
        return number == 0 or ended.wait(10)

    results = client.map(start, range(100))
    next(results)
    results.close()
    ended.set()
    client._workers.shutdown(wait=True)
    # The first, and the one that each thread had begun.
    assert len(started) <= 3


def test_no_more_requests_are_under_way_than_is_set(connect):
    under_way, most, lock, three = 0, 0, Lock(), Barrier(3)

    def count(_):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        three.wait(10)
        with lock:
            under_way -= 1

    with serving(lambda request: count(request) or ok([])) as url:
        client = connect(url, max_concurrency=3)
        assert len(list(client.map(client.get, ["/lists"] * 9))) == 9
    assert most == 3


def test_few_results_are_ahead_of_whoever_reads_them(connect):
    client, taken = connect("https://192.0.2.1/v3", max_concurrency=2), []
    results = client.map(str, (taken.append(number) or number for number in range(1000)))
    next(results)
    assert len(taken) <= 20
    results.close()


def test_a_pause_is_never_longer_than_a_quarter_of_an_hour(sandbox, connect, clock):
    client = connect(sandbox.api_url)
    fault(sandbox, "status 429", retry_after=500_000)
    with pytest.raises(errors.TooManyRequestsError):
        client.get("/lists")
    client.get("/lists")
    assert clock.slept == [900]


def test_the_run_begins_with_clicksends_clock_at_the_first_answer_not_the_hubs(connect):
    minutes = iter(range(10))

    def behave(_):
        return ok([], f"Date: Sun, 29 Nov 2026 19:0{next(minutes)}:00 GMT")

    with serving(behave) as url:
        client = connect(url, hub_url=url, api_key="k", username="")
        client.run({"model": "x", "inputs": {}})
        assert client.started_at is None
        assert client.get("/lists").date.minute == 1
        assert client.get("/lists").date.minute == 2
    assert client.started_at == datetime(2026, 11, 29, 19, 1, tzinfo=UTC)


def test_requests_that_failed_are_not_under_way_for_ever(connect, clock):
    limits = ("x-ratelimit-remaining: 5", "x-ratelimit-limit: 20", "ratelimit-reset: 60")
    failures = iter(range(20))
    with serving(lambda _: [] if next(failures) < 10 else ok([], *limits)) as url:
        client = connect(url, max_retries=0)
        for _ in range(10):
            with pytest.raises(errors.UnreachableError):
                client.get("/lists")
        client.get("/lists")
        client.get("/lists")
    assert clock.slept == []


@pytest.mark.parametrize("status", [404, 405])
def test_a_hub_that_has_no_such_thing_may_well_serve_clicksend(sandbox, connect, status):
    fault(sandbox, f"status {status}", path="/lists/12/contacts")
    with pytest.raises(errors.ApiError) as caught:
        connect(sandbox.hub_api_url, username="").get("/lists/12/contacts")
    assert not isinstance(caught.value, errors.NotServedByHubError)


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda _: [],
        lambda _: [b"HTTP/1.1 +15550100 Qanaryfirst\r\n\r\n"],
        lambda _: [b"+15550100 Qanaryfirst\r\n"],
        lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nQanaryfirst"],
        lambda _: answer(b"Qanaryfirst", status="200 Qanaryfirst +15550100"),
        lambda _: answer(b"Qanaryfirst", "Content-Encoding: gzip"),
        lambda _: answer(b"{}", "Content-Length: Qanaryfirst"),
        lambda _: answer(b"Qanaryfirst", "Location: /Qanaryfirst", status="500 Qanaryfirst"),
    ],
    ids=["nothing", "bad status", "no HTTP", "half a body", "no JSON", "no gzip", "bad length", "500"],
)
@pytest.mark.parametrize("path", ["/sms/history"])
def test_an_error_quotes_neither_query_nor_answer(connect, behaviour, path):
    with serving(behaviour) as url, pytest.raises(errors.ClickSendError) as caught:
        connect(url, max_retries=0).get(path, {"q": "to:+15550100", "name": "Qanaryfirst"})
    assert "/sms/history" in str(caught.value)
    assert "15550100" not in str(caught.value)
    assert "Qanary" not in str(caught.value)
    with pytest.raises(errors.NotConnectedError) as caught:
        connect("http://127.0.0.1:9", max_retries=0).get(path, {"q": "to:+15550100"})
    assert "15550100" not in str(caught.value)
