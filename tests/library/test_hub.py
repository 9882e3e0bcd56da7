"""The hub's own calls."""

import pytest

from clicksend import errors
from clicksend.client import Client
from clicksend.hub import Hub
from clicksend.settings import Settings


@pytest.fixture(params=[True, False], ids=["wrapped", "bare"])
def hub(request, sandbox, clock):
    sandbox.control("POST", "switches", {"run_envelope": request.param})
    settings = Settings.from_config({"api_key": "sandbox-key", "hub_url": sandbox.url}, env={})
    client = Client(settings, clock)
    yield Hub(client)
    client.close()


def test_calls(hub):
    assert hub.discover()
    sent = hub.notify_send("+15005550100", "your_template_id", {"message": "Hi"}, correlation_id="c-1")
    assert sent["id"]
    assert sent["to"] == "+15005550100"
    assert hub.verify_send("+15005550100")["status"] == "success"
    assert hub.verify_check("+15005550100", "000000")["status"] == "success"
    assert hub.verify_check("+15005550100", "999999")["status"] != "success"


@pytest.mark.parametrize("kind", ["reset_after", "half_body", "html"])
def test_a_send_is_never_made_twice(sandbox, hub, kind):
    sandbox.control("POST", "faults", {"path": "/v1/run", "kind": kind, "times": -1})
    with pytest.raises(errors.ClickSendError, match="POST /v1/run"):
        hub.notify_send("+15005550100", "plain")
    assert len(sandbox.requests()) == 1


def test_discover_is_safe_to_repeat(sandbox, hub):
    sandbox.control("POST", "faults", {"path": "/v1/run", "kind": "reset_before", "times": 1})
    assert hub.discover()


def test_errors_of_the_hub(sandbox, clock):
    sandbox.control("POST", "switches", {"hub_balance": "empty"})
    settings = Settings.from_config({"api_key": "sandbox-key", "hub_url": sandbox.url}, env={})
    with pytest.raises(errors.PaymentRequiredError, match="top up"):
        Hub(Client(settings, clock)).notify_send("+15005550100", "plain")
    wrong = Settings.from_config({"api_key": "wrong", "hub_url": sandbox.url}, env={})
    with pytest.raises(errors.UnauthorizedError, match="SKILLBOSS_API_KEY"):
        Hub(Client(wrong, clock)).discover()
    direct = Settings.from_config({"username": "u", "api_key": "k"}, env={})
    with pytest.raises(errors.SettingsError, match="SKILLBOSS_API_KEY"):
        Hub(Client(direct, clock))
