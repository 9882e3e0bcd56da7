"""The hub's own calls."""

import pytest

from clicksend import errors
from clicksend.client import Client
from clicksend.hub import Hub, doubt
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


def test_a_message_whose_time_is_over_is_not_sent(sandbox, hub):
    with pytest.raises(errors.TooLateError):
        hub.notify_send("+15005550100", "plain", may_start=lambda: False)
    assert not sandbox.requests()


TAKEN = [{}, {"status": "success"}, {"success": True}, {"errors": []}, {"status": None, "success": None}]
DOUBTFUL = [{"status": status} for status in ("failed", "queued", "pending", "rejected", "SUCCESS", "", 200)]
DOUBTFUL += [
    {"success": False},
    {"errors": [{"code": "x"}]},
    {"errors": "x"},
    {"status": "success", "success": False},
]


@pytest.mark.parametrize("about", [*TAKEN, *DOUBTFUL], ids=str)
def test_an_answer_proves_that_a_message_was_taken_or_leaves_a_doubt(about):
    assert (doubt({"id": "x"} | about) is None) == (about in TAKEN)


@pytest.mark.parametrize(
    "answer",
    [None, [], "x", {}, {"id": None}, {"id": ""}, {"id": " "}, {"id": "\u200b"}, {"id": 5}, [{"id": "x"}]],
)
def test_without_an_id_nothing_was_taken_for_certain(answer):
    assert "no message id" in doubt(answer)
