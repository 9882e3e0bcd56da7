"""Where requests go and what they carry: keys, proxies, certificates, connections."""

from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from clicksend import errors
from clicksend.client import Client
from clicksend.settings import Settings
from tests.library.hostile_server import answer, ok, serving

PROXY = "http://user:word@127.0.0.1:9"
REMOTE, HERE = "https://192.0.2.1/v3", "http://127.0.0.1:9"


def test_basic_and_bearer(sandbox, connect):
    connect(sandbox.api_url).get("/lists")
    connect(sandbox.hub_api_url, username="").get("/lists")
    assert [request["auth"] for request in sandbox.requests()] == ["basic", "bearer"]


def test_netrc_does_not_replace_the_key(sandbox, connect, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login wrong password wrong")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    connect(sandbox.hub_api_url, username="").get("/lists")
    assert sandbox.requests()[0]["auth"] == "bearer"


def test_the_user_agent_is_as_set(connect):
    seen = []
    with serving(lambda request: seen.append(request) or ok([])) as url:
        connect(url, user_agent="warehouse/1.0 (data@example.com)").get("/lists")
        connect(url).get("/lists")
    agents = [line for one in seen for line in one.splitlines() if line.lower().startswith("user-agent:")]
    assert agents[0].endswith(" warehouse/1.0 (data@example.com)")
    assert "clicksend" in agents[1].lower()
    assert len(agents) == 2


def test_a_send_takes_no_connection_that_may_be_dying(connect):
    """A server that keeps a connection open may close it just when the next request is written to it."""
    requests_of, body = [], b"".join(ok([])).partition(b"\r\n\r\n")[2]

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            requests_of.append(0)

        def do_GET(self):
            requests_of[-1] += 1
            self.close_connection = requests_of[-1] > 1
            if requests_of[-1] == 1:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        client = connect(f"http://127.0.0.1:{server.server_port}", max_retries=0)
        client.get("/lists")
        assert client.send("/sms/send", {"messages": []}).data == []
        client.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert requests_of == [1, 1]


def test_redirects_never_carry_the_key_away(sandbox, connect):
    sandbox.control("POST", "faults", {"path": "/lists", "kind": "status", "status": 302})
    with pytest.raises(errors.RedirectError):
        connect(sandbox.api_url).get("/lists")
    assert len(sandbox.requests()) == 1
    assert requests.get(f"{sandbox.url}/elsewhere", timeout=5).status_code == 404


@pytest.mark.parametrize("status", [300, 302, 307])
def test_a_redirect_is_no_answer_whatever_it_says(connect, status):
    with (
        serving(lambda _: ok([], status=f"{status} Elsewhere")) as url,
        pytest.raises(errors.ClickSendError, match=f"GET /lists answered {status}"),
    ):
        connect(url).get("/lists")


def pool(client, url):
    return client._new_transport()._pool(requests.Request("GET", url).prepare())[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("api", "hub"), [(REMOTE, REMOTE), (REMOTE, HERE), (HERE, REMOTE), (HERE, HERE)])
def test_proxies_are_those_of_the_environment_but_never_to_this_machine(
    connect, monkeypatch, scheme, api, hub
):
    """Whatever the other of the two is: api_url or hub_url."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, PROXY)
    client = connect(api, hub_url=hub)
    there = pool(client, f"{scheme}://192.0.2.1/v3/lists")
    assert there.proxy.url == PROXY
    assert there.proxy_headers["Proxy-Authorization"].startswith("Basic ")
    for own in ("127.0.0.1", "localhost", "127.9.9.9", "[::1]"):
        assert pool(client, f"{scheme}://{own}/v1/run").proxy is None
    monkeypatch.setenv("NO_PROXY", "192.0.2.1")
    assert pool(client, f"{scheme}://192.0.2.1/v3/lists").proxy is None
    assert pool(client, f"{scheme}://192.0.2.2/v1/run").proxy.url == PROXY


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_is_not_there_is_named(connect, monkeypatch, name):
    for one in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name, "/nowhere/Qanaryfirst.pem")
    with pytest.raises(errors.SettingsError, match=name) as caught:
        connect(REMOTE).get("/lists")
    assert "Qanary" not in str(caught.value)


@pytest.mark.parametrize("name", ["api_url", "hub_url"])
@pytest.mark.parametrize(
    "host", ["hub.example", "0.0.0.0", "2130706433", "localhost.", "127.1", "[::]", "a@127.0.0.1"]
)
def test_plain_http_is_for_this_machine_only(connect, name, host):
    with pytest.raises(errors.SettingsError, match=f"Setting {name} must"):
        connect(**{"api_url": REMOTE, name: f"http://{host}/v3"})


def test_a_proxy_that_does_not_answer_is_named(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    with pytest.raises(errors.UnreachableError, match="the proxy did not do its part") as caught:
        connect("https://192.0.2.1/v3", max_retries=0).get("/lists")
    assert "word" not in str(caught.value)


def test_certificates_are_checked_with_the_bundle_of_the_environment(connect, monkeypatch, tmp_path):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    usual = pool(connect(REMOTE), f"{REMOTE}/lists")
    assert (usual.cert_reqs, usual.ca_certs) == ("CERT_REQUIRED", requests.certs.where())
    (bundle := tmp_path / "bundle.pem").write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    for api, hub in ((REMOTE, HERE), (HERE, REMOTE)):
        given = pool(connect(api, hub_url=hub), f"{REMOTE}/lists")
        assert (given.cert_reqs, given.ca_certs) == ("CERT_REQUIRED", str(bundle))


def header(request, name):
    """Return what a request has in a header."""
    (line,) = [one for one in request.splitlines() if one.lower().startswith(f"{name.lower()}:")]
    return line.partition(": ")[2]


def test_each_server_gets_its_own_key_and_no_other(monkeypatch, clock):
    """Both are on one host: the port tells them apart."""
    direct, hub = [], []
    with (
        serving(lambda request: direct.append(request) or ok([])) as api_url,
        serving(lambda request: hub.append(request) or answer(b'{"id": "x"}')) as hub_url,
    ):
        config = {
            "api_url": api_url,
            "hub_url": hub_url,
            "username": "J\u00fcrgen \u6771",
            "api_key": "own-key",
        }
        client = Client(Settings.from_config(config, env={"SKILLBOSS_API_KEY": "sk-hub-key"}), clock)
        client.get("/lists")
        client.run({"discover": True}, repeat="always")
        client.run({"model": "x", "inputs": {}})
        client.post("/lists", {"list_name": "x"})
        client.send("/sms/send", {"messages": []})
        client.close()
    basic = "Basic " + b64encode("J\u00fcrgen \u6771:own-key".encode()).decode()
    assert [one.split()[0] for one in direct] == ["GET", "POST", "POST"]
    assert [header(one, "Authorization") for one in direct] == [basic] * 3
    assert [header(one, "Authorization") for one in hub] == ["Bearer sk-hub-key"] * 2
    # ClickSend's documentation asks for it on every call.
    assert {header(one, "Content-Type") for one in direct + hub} == {"application/json"}
    assert {header(one, "Accept") for one in direct + hub} == {"application/json"}
