"""What a server sends is bounded in bytes and in time, whatever it sends, and ends in one clear sentence."""

import itertools
import tracemalloc

import pytest

from clicksend import errors
from clicksend.client import Client
from clicksend.limiter import retry_after
from clicksend.paging import read_pages
from clicksend.settings import Settings
from clicksend.transport import LARGEST_ANSWER
from tests.conftest import FakeClock
from tests.library.hostile_server import answer, bomb, dripping, endless, ok, serving
from tests.tap.runner import CREDENTIALS


class Hurried:
    """Time that passes by a second whenever somebody looks."""

    def __init__(self):
        self.now = itertools.count(0.0)
        self.slept = []

    def monotonic(self):
        return next(self.now)

    def sleep(self, seconds):
        self.slept.append(seconds)


def client(url, clock=None, **config):
    config = {"api_url": url, "hub_url": url, "max_retries": 0, **CREDENTIALS, **config}
    return Client(Settings.from_config(config, env={"SKILLBOSS_API_KEY": "sk-hub-key"}), clock or Hurried())


CALLS = {
    "a read": lambda client: client.get("/lists"),
    "a write": lambda client: client.post("/lists", {"list_name": "x"}),
    "a send": lambda client: client.send("/sms/send", {"messages": []}),
    "the hub": lambda client: client.run({"model": "prelude/notify-send", "inputs": {}}),
}
TOO_LARGE = {
    "gzip": lambda _: bomb(LARGEST_ANSWER),
    "deflate": lambda _: bomb(LARGEST_ANSWER),
    "gzip in gzip": lambda _: bomb(LARGEST_ANSWER, "gzip, gzip"),
    "endless chunks": lambda _: endless(),
}
TOO_SLOW = {
    "in the body": lambda _: dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
    "in a header": lambda _: dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "before the status": lambda _: dripping(b""),
}
STRANGE = {
    "nested": lambda _: answer(b"[" * 100_000),
    "nested in data": lambda _: (
        ok([]) and answer(b'{"http_code":200,"data":' + b"[" * 9999 + b"]" * 9999 + b"}")
    ),
    "many headers": lambda _: answer(b"{}", *[f"X-{number}: 1" for number in range(200)]),
    "a long header": lambda _: answer(b"{}", f"X: {'9' * 99_999}"),
    "broken gzip": lambda _: answer(b"{}", "Content-Encoding: gzip"),
    "unknown encoding": lambda _: answer(b"\x00\x01", "Content-Encoding: zebra"),
    "no HTTP": lambda _: [b"SSH-2.0-OpenSSH\r\n"],
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", TOO_LARGE)
def test_what_is_too_large_is_not_read_to_its_end(kind, call):
    with serving(TOO_LARGE[kind]) as url:
        tracemalloc.start()
        try:
            with pytest.raises(
                errors.UnexpectedAnswerError, match=r"answered with more than 64 MiB"
            ) as caught:
                CALLS[call](client(url, FakeClock()))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert not caught.value.not_processed
    assert peak < 4 * LARGEST_ANSWER


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", TOO_SLOW)
def test_what_comes_byte_by_byte_ends_with_the_time_for_the_whole(kind, call):
    clock = Hurried()
    with serving(TOO_SLOW[kind]) as url, pytest.raises(errors.UnreachableError) as caught:
        CALLS[call](client(url, clock, timeout=5))
    assert not caught.value.not_processed
    # Ten times the time for each part of it.
    assert next(clock.now) < 2 * 10 * 5


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_strange_is_said_in_one_sentence(kind, call):
    with serving(STRANGE[kind]) as url, pytest.raises(errors.ClickSendError) as caught:
        CALLS[call](client(url))
    assert str(caught.value).isprintable()
    assert not caught.value.not_processed


DATES = [
    "Mon, 01 Jan 99999999999999 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Qanaryfirst",
    "",
    "\xff",
]
DATES += ["Mon, 01 Jan 0001 00:00:00 +2359", "Sun, 29 Nov 2026 19:00:00 -0000", "1e400"]


@pytest.mark.parametrize("date", DATES)
def test_odd_dates_do_no_harm(date):
    with serving(lambda _: ok([], f"Date: {date}")) as url:
        assert client(url).get("/lists").data == []
    late = ok(None, f"Date: {date}", f"Retry-After: {date}", status="429 No")
    with serving(lambda _: late) as url, pytest.raises(errors.TooManyRequestsError):
        client(url).get("/lists")
    for other in DATES:
        assert (retry_after({"Retry-After": date, "Date": other}) or 0) >= 0


def test_connections_are_used_again(sandbox, connect, monkeypatch):
    made = []
    connection = connect(sandbox.api_url)
    for _ in range(5):
        connection.get("/lists")
        made.append(connection._transport._pools)
    ((pool, _),) = made[-1].values()
    assert pool.num_connections == 1


def pager(rows, total, last_page):
    return {"total": total, "per_page": 2, "current_page": 1, "last_page": last_page, "data": rows}


ROWS = [{"list_id": 1}, {"list_id": 2}]
LYING = {
    "last_page of 10^10": [pager(ROWS, None, 10**10)],
    "endless total": [pager(ROWS, 10**10, None)],
    "endless, then empty": [pager(ROWS, 10**10, 10**10), pager([], 10**10, 10**10)],
    "two pages in turn": [pager(ROWS, 10**10, None), pager([{"list_id": 3}], 10**10, None)],
    "no counts, two in turn": [{"data": ROWS}, {"data": [{"list_id": 3}, {"list_id": 4}]}],
}


@pytest.mark.parametrize("kind", LYING)
def test_paging_ends_when_pages_bring_nothing_new(kind):
    asked = itertools.count()

    def behaviour(request):
        next(asked)
        page = int(request.partition("page=")[2].split(" ")[0].split("&")[0])
        pages = LYING[kind]
        return ok(pages[min(page - 1, 1) if "then" in kind else (page - 1) % len(pages)])

    with serving(behaviour) as url:
        try:
            found = [row["list_id"] for page in read_pages(client(url), "/lists") for row in page.rows]
        except errors.UnexpectedAnswerError as error:
            assert "GET /lists" in str(error)  # noqa: PT017
        else:
            assert {*found} >= {1, 2}
    assert next(asked) < 100


@pytest.mark.parametrize("count", ["9" * 5000, 10**40, 10**16, "1e3", -1, 1.5, True, [], {}, "٣"])
@pytest.mark.parametrize("name", ["total", "last_page", "per_page"])
def test_odd_counts_are_an_error_or_a_number(name, count):
    with serving(lambda _: ok(pager(ROWS, 2, 1) | {name: count})) as url:
        try:
            assert [len(page.rows) for page in read_pages(client(url), "/lists")]
        except errors.UnexpectedAnswerError as error:
            assert "99999" not in str(error)  # noqa: PT017
