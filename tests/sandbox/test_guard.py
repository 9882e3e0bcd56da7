"""A web page, or whoever reaches the port, neither reads nor steers the sandbox, nor fills its memory."""

from __future__ import annotations

import http.client
import json
import logging
from contextlib import closing
from itertools import product
from urllib.parse import urlsplit

import pytest
import requests

from clicksend.sandbox.server import control
from clicksend.sandbox.server import requests as seen_requests
from clicksend.sandbox.server.control import ACTIONS, CONTROLS
from clicksend.sandbox.server.requests import Seen, SeenRequests
from tests.conftest import FULL
from tests.sandbox.runner import BEARER, notify, run

PATHS = ["/v3/countries", "/v3/account", "/v1/run", "/clicksend/v3/lists", "/nothing"]
PATHS += sorted({f"/_sandbox/{name}" for _, name in CONTROLS} | {"/_sandbox/nothing", "/_sandbox"})
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
MESSAGE = {"messages": [{"to": "+61411222333", "body": "Hello"}]}


def ask(box, method, path, *headers, body=b""):
    """Send exactly these headers; return status, headers and body of the answer."""
    with closing(http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=10)) as connection:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        with connection.getresponse() as answer:
            try:
                content = answer.read()
            except http.client.IncompleteRead as half:
                content = half.partial
            return answer.status, answer.headers, content


def port(box):
    return urlsplit(box.url).port


FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example:{port}",
    "evil.example@127.0.0.1:{port}",
    "127.0.0.1:{port}@evil.example",
    "10.0.0.5:{port}",
    "0.0.0.0:{port}",
    "[::]:{port}",
    "127.0.0.1:1",
    "127.0.0.1",
    "localhost",
    "[::1",
    "127.0.0.1:{port}x",
    "127.0.0.1:{port}:{port}",
    "127.0.0.1:0x1f59",
    ":{port}",
    "",
]
OWN = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "127.1.2.3:{port}"]


def pairs(paths, others):
    """Return every path with the first of the others, and the first path with all: the guard knows no path.

    The full profile asks for each with each.
    """
    return product(paths, others) if FULL else [*product(paths, others[:1]), *product(paths[:1], others[1:])]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_a_host_that_is_not_its_own_is_refused(box, method):
    before = box.state()
    for path, host in pairs(PATHS, FOREIGN):
        status, headers, content = ask(box, method, path, ("Host", host.format(port=port(box))))
        assert status in {400, 403}, (path, host)
        if status == 403:
            assert {name: headers[name] for name in SAFE} == SAFE
            assert method == "HEAD" or "Host" in json.loads(content)["error"]
    assert box.requests() == []
    assert box.state() == before


def test_one_host_is_named_once(box):
    own = ("Host", f"127.0.0.1:{port(box)}")
    for headers in ((), (own, ("Host", "evil.example")), (("Host", "evil.example"), own)):
        assert ask(box, "GET", "/_sandbox/arrivals", *headers)[0] in {400, 403}


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_served(box, host):
    own = host.format(port=port(box))
    assert ask(box, "GET", "/_sandbox/state", ("Host", own))[0] == 200
    assert ask(box, "GET", "/v3/countries", ("Host", own), ("Origin", f"http://{own}"))[0] == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_foreign_origin_is_refused(box, method):
    own = f"127.0.0.1:{port(box)}"
    origins = [
        "https://evil.example",
        "http://evil.example",
        "null",
        "",
        "file://",
        f"https://{own}",
        f"http://localhost:{port(box)}",
        f"http://{own}.evil.example",
        f"http://{own}/",
        "http://127.0.0.1",
    ]
    for path, origin in pairs(PATHS, origins):
        status, headers, content = ask(box, method, path, ("Host", own), ("Origin", origin))
        assert (status, {name: headers[name] for name in SAFE}) == (403, SAFE), (path, origin)
        assert "Origin" in json.loads(content)["error"]
    assert box.requests() == []


SITES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_page_of_another_site_is_refused_without_an_origin_too(box, method):
    """Images, forms of old, frames: what a browser says of them is enough."""
    own = ("Host", f"127.0.0.1:{port(box)}")
    box.control("POST", "faults", {"kind": "html", "path": "/none"})
    for path, site in pairs([*PATHS, "/nothing", "//"], SITES):
        status, headers, content = ask(box, method, path, own, *site.items())
        assert (status, {name: headers[name] for name in SAFE}) == (403, SAFE), (path, site)
        assert "other sites" in json.loads(content)["error"]
    assert len(box.control("GET", "faults")) == 1
    assert box.requests() == []


def test_a_link_may_lead_to_the_page_at_the_root_from_anywhere(box):
    own, (*foreign, visit) = ("Host", f"127.0.0.1:{port(box)}"), SITES
    assert ask(box, "GET", "/", own, *visit.items())[0] == 200
    assert ask(box, "POST", "/", own, *visit.items())[0] == 403
    for site in foreign:
        assert ask(box, "GET", "/", own, *site.items())[0] == 403
    for known in ("none", "same-origin"):
        assert ask(box, "GET", "/_sandbox/state", own, ("Sec-Fetch-Site", known))[0] == 200


CHANGES = [name for method, name in ACTIONS if method != "GET"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "text/json", ""])
def test_a_control_with_a_body_must_be_json(box, kind):
    before, faults = box.state(), {"kind": "body", "path": "/countries", "body": "<script>"}
    headers = [("Host", f"127.0.0.1:{port(box)}"), *([("Content-Type", kind)] if kind is not None else [])]
    for method, name in [(method, name) for method, name in ACTIONS if method != "GET"]:
        status, _, content = ask(box, method, f"/_sandbox/{name}", *headers, body=json.dumps(faults).encode())
        assert status == 415, (method, name)
        assert "application/json" in json.loads(content)["error"]
    assert box.state() == before
    assert box.control("GET", "faults") == []


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_taken(box, kind):
    headers = {"Content-Type": kind}
    answer = requests.post(f"{box.url}/_sandbox/clock", data=b'{"advance": 1}', headers=headers, timeout=10)
    assert answer.status_code == 200
    assert requests.post(f"{box.url}/_sandbox/reset", timeout=10).status_code == 200  # there is no body


FAULTS = [
    {"kind": "html"},
    {"kind": "html_after"},
    {"kind": "body", "content_type": "text/html", "body": "<script>fetch('/_sandbox/arrivals')</script>"},
    {"kind": "body_after", "content_type": "text/html", "body": "<script></script>"},
    {"kind": "status", "status": 500, "content_type": "text/html", "body": "<script></script>"},
    {"kind": "status_after", "status": 502},
    {"kind": "half_body"},
    {"kind": "delay"},
]


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault and fault["kind"])
def test_all_answers_say_that_they_are_no_page(box, fault):
    if fault:
        box.control("POST", "faults", {**fault, "times": -1})
    for path in PATHS:
        _, headers, _ = ask(box, "GET", path, ("Host", f"127.0.0.1:{port(box)}"))
        assert {name: headers[name] for name in SAFE} == SAFE, path


def test_requests_are_kept_within_bounds(box, monkeypatch):
    """Who has no key does not fill its memory; the newest requests are there."""
    monkeypatch.setattr(seen_requests, "MOST_BYTES", 300_000)
    for number in range(8):
        requests.post(f"{box.api_url}/sms/send?n={number}", data=b"x" * 100_000, timeout=10)
    kept = [request["query"]["n"] for request in box.requests()]
    assert kept == ["6", "7"]
    monkeypatch.setattr(seen_requests, "MOST", 5)
    for number in range(9):
        requests.get(f"{box.api_url}/account?n={number}", timeout=10)
    assert [request["query"]["n"] for request in box.requests()] == ["4", "5", "6", "7", "8"]


def test_everything_of_a_request_counts(monkeypatch):
    monkeypatch.setattr(seen_requests, "MOST_BYTES", 100_000)
    kept = SeenRequests()
    for number in range(500):
        kept.add(Seen("GET", "/p" * 500, {"q": "q" * 500}, "none"))
        one = kept.add(Seen("GET", f"/{number}", {}, "none"))
        kept.hold(one, b"d" * 500)
    size = sum(len(one.path) + len(str(one.query)) + len(one.data) for one in kept)
    assert 50_000 < size < 100_000
    assert [one.path for one in kept][-1] == "/499"


def test_a_body_that_comes_after_its_request_was_dropped_counts_for_nothing(monkeypatch):
    monkeypatch.setattr(seen_requests, "MOST", 2)
    kept = SeenRequests()
    first, *_ = [kept.add(Seen("POST", f"/{number}", {}, "none")) for number in range(3)]
    kept.hold(first, b"x" * seen_requests.MOST_BYTES)
    assert [one.path for one in kept] == ["/1", "/2"]


def test_a_body_larger_than_the_room_leaves_nothing(monkeypatch):
    monkeypatch.setattr(seen_requests, "MOST_BYTES", 1000)
    kept = SeenRequests()
    kept.hold(kept.add(Seen("POST", "/", {}, "none")), b"x" * 2000)
    assert list(kept) == []
    kept.add(Seen("GET", "/next", {}, "none"))
    assert [one.path for one in kept] == ["/next"]


def test_unknown_paths_share_one_allowance(box):
    box.control("POST", "limits", {"*": [3, 60]})
    answers = [requests.get(f"{box.api_url}/nothing/{number}", timeout=10).status_code for number in range(5)]
    assert answers == [404, 404, 404, 429, 429]


def test_faults_are_bounded(box, monkeypatch):
    monkeypatch.setattr(control, "MOST_FAULTS", 2)
    for _ in range(2):
        box.control("POST", "faults", {"kind": "html", "path": "/none"})
    with pytest.raises(ValueError, match="there are 2 faults already"):
        box.control("POST", "faults", {"kind": "html", "path": "/none"})


@pytest.mark.long
@pytest.mark.parametrize("depth", [101, 400, 900, 990, 1100, 100_000])
@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_deep_json_is_an_answer(box, session, caplog, depth, brackets):
    caplog.set_level(logging.DEBUG)
    opening, closing = brackets[:-1], brackets[-1:]
    deep = (opening * depth + "1" + closing * depth).encode()
    inside = b'{"model": "prelude/notify-send", "inputs": ' + deep + b"}"
    for data in (deep, inside):
        answer = requests.post(f"{box.url}/v1/run", data=data, headers=BEARER, timeout=10)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    json_type = {"Content-Type": "application/json"}
    for name in CHANGES:
        answer = requests.post(f"{box.url}/_sandbox/{name}", data=deep, headers=json_type, timeout=10)
        assert answer.status_code in {200, 400}
    for path in ("/sms/send", "/lists", "/uploads"):
        answer = session.post(box.api_url + path, data=deep, timeout=10)
        assert answer.status_code == 400
    form = b"".join(
        b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(depth)
    )
    headers = {"Content-Type": "multipart/form-data; boundary=0"}
    assert session.post(f"{box.api_url}/uploads", data=form, headers=headers, timeout=10).status_code == 400
    assert "Traceback" not in caplog.text
    assert not [one for one in caplog.records if one.exc_info]
    assert requests.get(f"{box.url}/_sandbox/requests", timeout=10).status_code == 200


def test_what_is_not_too_deep_is_taken(box):
    variables = {"message": "Hi"}
    assert run(box, notify(variables=variables)).status_code == 200
