"""The sandbox's limits, clock, faults and controls."""

import json
import socket
import struct
import time
from base64 import b64encode
from email.utils import parsedate_to_datetime

import pytest
import requests

from clicksend.sandbox.world.seed_data import CUSTOMERS, OPT_OUTS
from tests.sandbox.runner import BEARER, DAY, EPOCH, notify, run


def test_account_is_limited_until_the_clock_is_turned(box, session):
    url = f"{box.api_url}/account"
    answers = [session.get(url, timeout=10) for _ in range(19)]
    answers.append(requests.get(url, timeout=10))
    assert [answer.status_code for answer in answers] == [200] * 19 + [401]
    assert [int(answer.headers["x-ratelimit-remaining"]) for answer in answers] == list(range(19, -1, -1))
    refused = session.get(url, timeout=10)
    assert (refused.status_code, refused.json()["response_code"]) == (429, "HTTP_TOO_MANY_REQUESTS")
    assert refused.headers["Retry-After"] == refused.headers["ratelimit-reset"]
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200
    box.advance(int(refused.headers["Retry-After"]))
    assert session.get(url, timeout=10).status_code == 200


def test_limits_can_be_set(box, session):
    box.control("POST", "limits", {"GET /lists": [2, 30], "*": [1, 30]})
    assert [session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(3)] == [200, 200, 429]
    assert [
        session.get(f"{box.api_url}/lists/{key}", timeout=10).status_code for key in (CUSTOMERS, OPT_OUTS)
    ] == [200, 429]
    other = run(box, {"discover": True})
    assert other.headers["x-ratelimit-limit"] == "1"
    assert run(box, {"discover": True}).json()["error"]["code"] == "http_too_many_requests"


def test_the_clock_stands_still_until_turned(box, session):
    def date():
        return parsedate_to_datetime(
            session.get(f"{box.api_url}/lists", timeout=10).headers["Date"]
        ).timestamp()

    assert date() == EPOCH
    box.advance(90)
    assert date() == EPOCH + 90
    assert box.control("POST", "clock", {"now": EPOCH + DAY}) == {"now": EPOCH + DAY}
    assert date() == box.state()["now"] == EPOCH + DAY
    box.control("POST", "reset")
    assert date() == EPOCH


def test_requests_are_listed(box, session):
    session.get(f"{box.api_url}/lists", params={"page": 2}, timeout=10)
    requests.get(f"{box.hub_api_url}/account", headers=BEARER, timeout=10)
    requests.get(f"{box.api_url}/nowhere", timeout=10)
    run(box, {"discover": True})
    assert [tuple(seen.values()) for seen in box.requests()] == [
        ("GET", "/lists", {"page": "2"}, "basic", 200, None),
        ("GET", "/account", {}, "bearer", 200, None),
        ("GET", "/nowhere", {}, "none", 404, None),
        ("POST", "/v1/run", {}, "bearer", 200, {"discover": True}),
    ]
    assert list(box.requests()[0]) == ["method", "path", "query", "auth", "status", "body"]


def test_a_fault_strikes_as_often_as_ordered(box, session):
    box.control("POST", "faults", {"kind": "status", "status": 503, "path": "/lists", "skip": 1, "times": 2})
    assert [session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(5)] == [
        200,
        503,
        503,
        200,
        200,
    ]
    box.control("POST", "faults", {"kind": "status", "path": "/lists", "times": -1})
    assert {session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(4)} == {500}
    assert box.control("DELETE", "faults") == {"cleared": 2}
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200


def test_a_fault_strikes_where_ordered(box, session):
    box.control("POST", "faults", {"kind": "html", "path": "/lists/*/contacts", "query": {"page": "2"}})
    url = f"{box.api_url}/lists/{CUSTOMERS}"
    types = [
        session.get(address, timeout=10).headers["Content-Type"].partition(";")[0]
        for address in (url, f"{url}/contacts", f"{url}/contacts?page=2", f"{url}/contacts?page=2")
    ]
    assert types == ["application/json", "application/json", "text/html", "application/json"]


def test_status_with_everything(box, session):
    order = {
        "kind": "status",
        "status": 429,
        "retry_after": 7,
        "body": "slow down",
        "content_type": "text/plain",
    }
    box.control("POST", "faults", order)
    response = session.get(f"{box.api_url}/lists", timeout=10)
    assert (response.status_code, response.headers["Retry-After"], response.text) == (429, "7", "slow down")
    assert response.headers["Content-Type"] == "text/plain"
    box.control("POST", "faults", {"kind": "status", "status": 401})
    assert session.get(f"{box.api_url}/lists", timeout=10).json()["response_msg"] == "Authorization failed."


def test_a_given_body(box, session):
    box.control("POST", "faults", {"kind": "body", "body": {"http_code": 200, "data": []}})
    box.control("POST", "faults", {"kind": "body", "body": '{"http_code": 2'})
    assert session.get(f"{box.api_url}/lists", timeout=10).json() == {"http_code": 200, "data": []}
    response = session.get(f"{box.api_url}/lists", timeout=10)
    assert (response.status_code, response.text) == (200, '{"http_code": 2')


@pytest.mark.parametrize(("kind", "status"), [("reset_before", None), ("reset_after", 200)])
def test_resets(box, session, kind, status):
    box.control("POST", "faults", {"kind": kind, "path": "/v1/run"})
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        run(box, notify())
    assert box.requests()[-1]["status"] == status
    assert len(box.control("GET", "notifications")) == (status is not None)
    assert run(box, notify()).status_code == 200


LIST = {"list_name": "x"}


@pytest.mark.parametrize(("order", "lists"), [
    ({"kind": "status", "status": 500}, 7),
    ({"kind": "status", "status": 429, "retry_after": 1}, 7),
    ({"kind": "reset_before"}, 7),
    ({"kind": "delay_before", "seconds": 0.3}, 7),
    ({"kind": "html"}, 7),
    ({"kind": "status_after", "status": 500}, 8),
    ({"kind": "status_after", "status": 502, "body": "Bad gateway", "content_type": "text/html"}, 8),
    ({"kind": "reset_after"}, 8),
    ({"kind": "delay", "seconds": 0.3}, 8),
    ({"kind": "half_body"}, 8),
])  # fmt: skip
def test_writes_are_processed_or_not(box, session, order, lists):
    box.control("POST", "faults", order | {"path": "/lists", "method": "POST"})
    try:
        answer = session.post(f"{box.api_url}/lists", json=LIST, timeout=0.1 if "seconds" in order else 10)
        assert answer.status_code == order.get("status", 200)
        assert answer.text == order.get("body", answer.text)
    except requests.RequestException:
        assert "status" not in order
    time.sleep(order.get("seconds", 0))
    assert box.state()["rows"]["lists"] == lists
    assert box.requests()[-1]["body"] == LIST
    assert session.post(f"{box.api_url}/lists", json=LIST, timeout=10).status_code == 200


MESSAGES = {"messages": [{"to": f"+6141234567{n}", "body": "x", "custom_string": f"k{n}"} for n in range(3)]}
SEND = {"method": "POST", "path": "/sms/send"}
NOT_PROCESSED = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "reset_before"},
    {"kind": "delay_before", "seconds": 0.3},
    {"kind": "html"},
    {"kind": "body", "body": {}},
]
PROCESSED = [
    {"kind": "status_after", "status": 500},
    {"kind": "status_after", "status": 502, "body": "Bad gateway", "content_type": "text/html"},
    {"kind": "reset_after"},
    {"kind": "delay", "seconds": 0.3},
    {"kind": "half_body"},
    {"kind": "html_after"},
    {"kind": "body_after", "body": {"http_code": 200}},
    {"kind": "body_after", "body": '{"http_code": 2'},
    {"kind": "row_missing"},
]


@pytest.mark.parametrize(
    ("order", "arrived"), [*((one, False) for one in NOT_PROCESSED), *((one, True) for one in PROCESSED)]
)
def test_messages_arrive_or_not(box, session, order, arrived):
    """Whatever the answer says, the list of arrivals knows."""
    box.control("POST", "faults", order | SEND)
    url, patience = f"{box.api_url}/sms/send", 0.1 if "seconds" in order else 10
    try:
        answer = session.post(url, json=MESSAGES, timeout=patience)
        assert answer.status_code == order.get("status", 200)
        assert answer.headers.get("Retry-After") == ("1" if "retry_after" in order else None)
        is_page = answer.headers["Content-Type"].startswith("text/html")
        assert is_page == (order["kind"].startswith("html") or "content_type" in order)
        if order["kind"] == "row_missing":
            assert [row["custom_string"] for row in answer.json()["data"]["messages"]] == ["k0", "k2"]
    except requests.RequestException:
        assert "status" not in order
    time.sleep(order.get("seconds", 0))
    keys = [row["custom_string"] for row in box.control("GET", "arrivals")]
    assert keys == ["k0", "k1", "k2"] * arrived
    again = session.post(url, json=MESSAGES, timeout=10).json()["data"]
    assert {row["status"] for row in again["messages"]} == {"THROTTLED" if arrived else "SUCCESS"}


@pytest.mark.parametrize("reset", [False, True])
def test_half_a_request_is_not_processed(box, caplog, reset):
    host, port = box.url.removeprefix("http://").split(":")
    data = json.dumps(MESSAGES).encode()
    head = f"POST /v3/sms/send HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(data)}\r\n"
    head += f"Authorization: Basic {b64encode(b'sandbox:sandbox-key').decode()}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + data[:-1])
        while not box.requests():
            time.sleep(0.01)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.1)
    assert [seen["status"] for seen in box.requests()] == [None]
    assert box.control("GET", "arrivals") == []
    assert not caplog.records


def test_a_missing_row_where_there_are_none(box, session):
    box.control("POST", "faults", {"kind": "row_missing", "times": -1})
    whole = session.get(f"{box.api_url}/lists", timeout=10).json()
    assert whole["data"]["data"]
    refused = session.post(f"{box.api_url}/sms/send", json={}, timeout=10)
    assert (refused.status_code, refused.json()["data"].keys()) == (400, {"messages"})
    assert run(box, {"discover": True}).json()["result"]["models"]


def test_sends_are_limited(box, session):
    answer = session.post(f"{box.api_url}/sms/send", json=MESSAGES, timeout=10)
    assert answer.headers["x-ratelimit-limit"] == "1000"
    box.control("POST", "limits", {"POST /sms/send": [1, 60]})
    statuses = [session.post(f"{box.api_url}/sms/send", json={}, timeout=10).status_code for _ in range(2)]
    assert statuses == [400, 429]


def test_a_fault_strikes_one_method(box, session):
    box.control("POST", "faults", {"kind": "status", "path": "/lists/*/contacts", "method": "post"})
    url = f"{box.api_url}/lists/{CUSTOMERS}/contacts"
    assert session.get(url, timeout=10).status_code == 200
    body = {"email": "a@example.com"}
    assert [session.post(url, json=body, timeout=10).status_code for _ in range(2)] == [500, 200]


def test_half_a_body(box, session):
    whole = session.get(f"{box.api_url}/lists", timeout=10)
    box.control("POST", "faults", {"kind": "half_body"})
    with session.get(f"{box.api_url}/lists", timeout=10, stream=True) as response:
        assert response.headers["Content-Length"] == whole.headers["Content-Length"]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert response.content
    assert session.get(f"{box.api_url}/lists", timeout=10).content == whole.content


def test_a_late_answer(box, session):
    box.control("POST", "faults", {"kind": "delay", "seconds": 0.2})
    begun = time.monotonic()
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200
    assert 0.2 <= time.monotonic() - begun < 5
    box.control("POST", "faults", {"kind": "delay", "seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{box.api_url}/lists", timeout=0.05)


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("clock", {"now": 1}, "cannot be turned back"),
        ("clock", {}, 'either "advance"'),
        ("clock", {"now": EPOCH, "advance": 1}, 'either "advance"'),
        ("clock", {"advance": -1}, ">= 0"),
        ("clock", {"advance": 10**12}, "at most 20 years"),
        ("clock", {"forward": 1}, "forward"),
        ("switches", {"no_such": 1}, "there are small_limits, past_last_page"),
        ("switches", {"date_filter": "sometimes"}, "sometimes"),
        ("switches", {"poll_rules": -1}, "poll_rules"),
        ("switches", [], "object"),
        ("faults", {"kind": "explode"}, "explode"),
        ("faults", {"path": "/lists"}, "kind"),
        ("faults", {"kind": "html", "color": 1}, "color"),
        ("limits", {"GET /lists": 5}, "array"),
        ("limits", {"GET /lists": [5, 0]}, ">= 1"),
        ("nonsense", {}, "there are GET /_sandbox, GET /_sandbox/state"),
    ],
)
def test_wrong_controls_are_explained(box, name, body, sentence):
    before = box.state()
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
        box.control("POST", name, body)
    assert box.state() == before
    assert box.control("GET", "faults") == []


def test_a_control_body_that_is_no_json(box):
    headers = {"Content-Type": "application/json"}
    response = requests.post(f"{box.url}/_sandbox/clock", data=b"{", headers=headers, timeout=10)
    assert response.status_code == 400
    assert "JSON" in response.json()["error"]


def test_reset_forgets_everything(box, session):
    first = box.state()
    box.control("POST", "switches", {"poll_rules": 5, "small_limits": "honour"})
    box.control("POST", "limits", {"GET /lists": [0, 60]})
    box.control("POST", "faults", {"kind": "html", "times": -1})
    box.advance(3 * DAY)
    run(box, notify())
    assert box.control("POST", "reset") == first == box.state()
    assert (box.requests(), box.control("GET", "notifications"), box.control("GET", "faults")) == ([], [], [])
    assert session.get(f"{box.api_url}/lists", timeout=10).json()["response_code"] == "SUCCESS"


def test_state_names_the_world(box):
    state = box.state()
    assert {name: state[name] for name in ("seed", "epoch", "now", "types", "messages", "contacts")} == {
        "seed": 1,
        "epoch": EPOCH,
        "now": EPOCH,
        "types": "live",
        "messages": 300,
        "contacts": 150,
    }
    assert state["switches"]["date_filter"] == "inclusive"
