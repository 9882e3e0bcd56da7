"""The client's writes against the sandbox's faults: what is made again, and what never twice."""

import socket
from functools import partial

import pytest

from clicksend import errors
from tests.library.hostile_server import answer, serving

CONTACT = {"phone_number": "+61491570156"}
LOST_ANSWERS = [{"kind": "reset_after"}, {"kind": "status_after", "status": 500}, {"kind": "half_body"}]
NOT_DONE = [{"kind": "reset_before"}, {"kind": "status", "status": 500}]


def fault(sandbox, method, times=1, path="/lists/*", **options):
    sandbox.control("POST", "faults", {"method": method, "path": path, "times": times, **options})


@pytest.fixture
def client(sandbox, connect):
    return connect(sandbox.api_url, max_retries=2)


@pytest.fixture
def list_id(client):
    return client.post("/lists", {"list_name": "Neu 'n' Ω"}).data["list_id"]


def contacts(client, list_id):
    return client.get(f"/lists/{list_id}/contacts").data["data"]


def written(sandbox, method):
    return [seen for seen in sandbox.requests() if seen["method"] == method]


def test_make_change_and_delete(client, list_id):
    made = client.post(f"/lists/{list_id}/contacts", CONTACT).data
    path = f"/lists/{list_id}/contacts/{made['contact_id']}"
    assert client.put(path, {**CONTACT, "first_name": "Zoë"}).data["first_name"] == "Zoë"
    client.delete(path)
    assert contacts(client, list_id) == []


@pytest.mark.parametrize("options", LOST_ANSWERS + NOT_DONE, ids=lambda options: options["kind"])
def test_what_may_have_been_made_is_not_made_again(sandbox, client, list_id, options):
    fault(sandbox, "POST", path="/lists/*/contacts", **options)
    with pytest.raises(errors.ClickSendError) as caught:
        client.post(f"/lists/{list_id}/contacts", CONTACT)
    assert not caught.value.not_processed
    assert len(contacts(client, list_id)) == (options in LOST_ANSWERS)


@pytest.mark.parametrize("options", LOST_ANSWERS + NOT_DONE, ids=lambda options: options["kind"])
def test_a_change_is_made_again(sandbox, client, list_id, options):
    fault(sandbox, "PUT", **options)
    assert client.put(f"/lists/{list_id}", {"list_name": "B"}).data["list_name"] == "B"
    assert len(written(sandbox, "PUT")) == 2


@pytest.mark.parametrize("options", LOST_ANSWERS, ids=lambda options: options["kind"])
def test_one_that_must_not_be_repeated_is_made_once(sandbox, client, list_id, options):
    contact_id = client.post(f"/lists/{list_id}/contacts", CONTACT).data["contact_id"]
    fault(sandbox, "PUT", path="/lists/*/contacts/*/copy/*", **options)
    with pytest.raises(errors.ClickSendError):
        client.put(f"/lists/{list_id}/contacts/{contact_id}/copy/{list_id}", repeat="unprocessed")
    assert len(contacts(client, list_id)) == 2


def test_429_made_nothing_and_is_waited_for(sandbox, client, clock, list_id):
    fault(sandbox, "POST", path="/lists/*/contacts", kind="status", status=429, retry_after=7, times=2)
    client.post(f"/lists/{list_id}/contacts", CONTACT)
    assert clock.slept == [7, 7]
    assert len(contacts(client, list_id)) == 1


def test_a_429_holds_everybody_back(sandbox, connect, clock):
    client = connect(sandbox.api_url, max_retries=0)
    fault(sandbox, "POST", path="/lists", kind="status", status=429, retry_after=20)
    with pytest.raises(errors.TooManyRequestsError):
        client.post("/lists", {"list_name": "x"})
    assert clock.slept == []
    client.post("/lists", {"list_name": "y"})
    assert clock.slept == [20]


@pytest.mark.parametrize("hub", [False, True], ids=["direct", "hub"])
def test_a_send_is_not_waited_for_longer_than_a_minute(sandbox, connect, clock, hub):
    """Its claim would run out."""
    keys = {"api_key": "sandbox-key", "username": None} if hub else {}
    client = connect(
        sandbox.hub_api_url if hub else sandbox.api_url, hub_url=sandbox.url, max_retries=9, **keys
    )
    path = "/v1/run" if hub else "/sms/send"
    fault(sandbox, "POST", path=path, kind="status", status=429, retry_after=50, times=-1)
    with pytest.raises(errors.TooManyRequestsError):
        client.run({"model": "x", "inputs": {}}) if hub else client.send("/sms/send", {"messages": []})
    assert sum(clock.slept) <= 60
    assert len(written(sandbox, "POST")) == 2


def test_a_refused_connection_made_nothing_and_is_tried_again(connect, clock):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = connect(f"http://127.0.0.1:{unused.getsockname()[1]}", max_retries=3)
        with pytest.raises(errors.NotConnectedError) as caught:
            client.post("/lists", {"list_name": "x"})
    assert caught.value.not_processed
    assert len(clock.slept) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405])
def test_a_refusal_made_nothing_and_is_final(sandbox, client, status):
    fault(sandbox, "POST", path="/lists", kind="status", status=status, times=-1)
    with pytest.raises(errors.ApiError, match=f"^POST /lists answered {status}") as caught:
        client.post("/lists", {"list_name": "x"})
    assert caught.value.not_processed
    assert len(written(sandbox, "POST")) == 1


def test_a_refused_field_is_named_and_its_value_is_not(client, list_id):
    with pytest.raises(errors.BadRequestError, match="phone_number") as caught:
        client.post(f"/lists/{list_id}/contacts", {"phone_number": "12"})
    assert "12" not in str(caught.value).replace(str(list_id), "")


@pytest.mark.parametrize("hub", [False, True], ids=["direct", "hub"])
def test_a_send_whose_time_is_over_is_not_made(sandbox, connect, hub):
    client = connect(sandbox.api_url, hub_url=sandbox.url)
    call = client.run if hub else partial(client.send, "/sms/send")
    with pytest.raises(errors.TooLateError) as caught:
        call({"model": "x", "inputs": {}}, may_start=lambda: False)
    assert caught.value.not_processed
    assert not sandbox.requests()


def test_a_send_is_asked_about_after_its_waits_not_before(sandbox, connect, clock):
    client, asked = connect(sandbox.api_url), []
    fault(sandbox, "POST", path="/sms/send", kind="status", status=429, retry_after=20)
    with pytest.raises(errors.TooLateError):
        client.send(
            "/sms/send", {"messages": []}, may_start=lambda: asked.append(clock.now) or len(asked) < 2
        )
    assert asked == [1000, 1020]
    assert len(written(sandbox, "POST")) == 1


def test_a_run_that_was_stopped_sends_nothing(sandbox, connect):
    client = connect(sandbox.api_url)
    client.stop()
    for call in (client.get, lambda path: client.send(path, {"messages": []})):
        with pytest.raises(errors.StoppedError) as caught:
            call("/sms/send")
        assert caught.value.not_processed
    assert not sandbox.requests()


def test_what_was_not_made_is_not_counted_and_teaches_nothing(sandbox, connect):
    client = connect(sandbox.api_url)
    before = client.concurrency
    for _ in range(3):
        with pytest.raises(errors.TooLateError):
            client.send("/sms/send", {"messages": []}, may_start=lambda: False)
    assert (client.traffic.requests, client.concurrency) == (0, before)
    with pytest.raises(ZeroDivisionError):
        client.send("/sms/send", {"messages": []}, may_start=lambda: 1 / 0)
    client.get("/lists")
    assert client.traffic.requests == len(sandbox.requests()) == 1


@pytest.mark.parametrize("repeat", ["unprocessed", "send"])
def test_a_write_whose_answer_is_late_may_have_been_done(sandbox, connect, repeat):
    client = connect(sandbox.api_url, timeout=0.2)
    fault(sandbox, "POST", path="/lists", kind="delay", seconds=2)
    with pytest.raises(errors.UnreachableError, match="timed out") as caught:
        client.post("/lists", {"list_name": "x"}, repeat=repeat)
    assert not caught.value.not_processed
    assert len(written(sandbox, "POST")) <= 1


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
def test_what_a_post_made_is_not_known_from_an_empty_answer(connect, status):
    with serving(lambda _: answer(b"", status=status)) as url:
        client = connect(url, hub_url=url, max_retries=0)
        calls = (client.post, client.send, lambda _, body: client.run(body))
        for call in calls:
            with pytest.raises(errors.UnexpectedAnswerError) as caught:
                call("/lists", {"list_name": "x"})
            assert not caught.value.not_processed
        assert client.put("/lists/1", {"list_name": "x"}).data is None
        client.delete("/lists/1")
