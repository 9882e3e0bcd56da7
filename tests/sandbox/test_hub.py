"""The sandbox's credentials, and the hub in front of it."""

import pytest
import requests

from clicksend.sandbox import API_KEY, BANNED, NO_CREDIT, NOT_ACTIVE, USERNAME
from tests.sandbox.runner import BEARER, notify, run


@pytest.mark.parametrize(
    ("auth", "status", "code"),
    [
        ((USERNAME, API_KEY), 200, "SUCCESS"),
        ((NO_CREDIT, API_KEY), 200, "SUCCESS"),
        ((NOT_ACTIVE, API_KEY), 401, "UNAUTHORIZED"),
        ((BANNED, API_KEY), 403, "FORBIDDEN"),
        ((USERNAME, "wrong"), 401, "UNAUTHORIZED"),
        (("", ""), 401, "UNAUTHORIZED"),
        (None, 401, "UNAUTHORIZED"),
    ],
)
def test_basic(box, auth, status, code):
    response = requests.get(f"{box.api_url}/lists", auth=auth, timeout=10)
    assert (response.status_code, response.json()["response_code"]) == (status, code)
    assert requests.get(f"{box.api_url}/countries", auth=auth, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Basic w6k=", "Bearer sandbox-key", "Digest x", "bäsic é"]
)
def test_odd_credentials_are_refused_politely(box, value):
    response = requests.get(f"{box.api_url}/lists", headers={"Authorization": value.encode()}, timeout=10)
    assert response.json() == {
        "http_code": 401,
        "response_code": "UNAUTHORIZED",
        "response_msg": "Authorization failed.",
        "data": None,
    }


def test_the_hub_wants_its_key(box):
    url = f"{box.hub_api_url}/lists"
    assert requests.get(url, headers=BEARER, timeout=10).json()["data"]["total"] == 7
    for headers, code in [({}, "missing_authorization"), ({"Authorization": "Bearer no"}, "invalid_api_key")]:
        response = requests.get(url, headers=headers, timeout=10)
        assert (response.status_code, response.json()["error"]["code"]) == (401, code)
    assert requests.get(url, auth=(USERNAME, API_KEY), timeout=10).status_code == 401


def test_hub_switches(box):
    url = f"{box.hub_api_url}/lists"
    plain = requests.get(url, headers=BEARER, timeout=10).json()
    box.control("POST", "switches", {"hub_envelope": True})
    assert requests.get(url, headers=BEARER, timeout=10).json() == {"status": "success", "result": plain}
    missing = requests.get(f"{url}/1", headers=BEARER, timeout=10)
    assert (missing.status_code, missing.json()["result"]["response_code"]) == (403, "FORBIDDEN")
    for value, status in [("not_found", 404), ("not_allowed", 405)]:
        box.control("POST", "switches", {"hub_paths": value})
        assert requests.get(url, headers=BEARER, timeout=10).status_code == status
    box.control("POST", "switches", {"hub_paths": "served", "hub_balance": "empty"})
    response = requests.get(url, headers=BEARER, timeout=10)
    assert (response.status_code, response.json()["error"]["code"]) == (402, "insufficient_balance")


def test_notify_send_is_recorded(box):
    extras = {"correlation_id": "c-1", "schedule_at": "2026-10-01T09:00:00+02:00", "from": "ACME"}
    answer = run(box, notify(locale="de-DE", **extras)).json()
    assert answer["status"] == "success"
    assert {name: answer["result"][name] for name in extras} == extras
    assert answer["result"]["variables"] == {"message": "Hi"}
    assert box.control("GET", "notifications") == [answer["result"]]
    box.control("POST", "switches", {"run_envelope": False})
    assert run(box, notify()).json()["template_id"] == "your_template_id"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (notify(variables={}), "invalid_template_variables"),
        (notify(variables={"message": "x", "more": "y"}), "invalid_template_variables"),
        (notify(variables={"message": 1}), "invalid_template_variables"),
        (notify(to="0415000000"), "invalid_phone_number"),
        (notify(template_id="unknown"), "invalid_template"),
        (notify(expires_at="2000-01-01T00:00:00Z"), "expires_at_in_past"),
        (notify(expires_at="2100-01-01T00:00:00Z"), "expires_at_too_far_in_future"),
        (notify(expires_at="soon"), "invalid_request"),
        (notify(schedule_at="2100-01-01T00:00:00Z"), "invalid_request"),
        (notify(schedule_at="2026-10-01"), "invalid_request"),
        (notify(schedule_at="2026-10-01T09:00:00"), "invalid_request"),
        (notify(schedule_at="2026-13-01T09:00:00Z"), "invalid_request"),
        (notify(schedule_at=1790000000), "invalid_request"),
        (notify(correlation_id=7), "invalid_request"),
        (notify(locale=["de"]), "invalid_request"),
        (notify(variables=["Hi"]), "invalid_template_variables"),
        ({"model": "prelude/none", "inputs": {}}, "model_not_found"),
        ({"model": ["prelude/notify-send"], "inputs": {}}, "model_not_found"),
        ({"model": "prelude/notify-send"}, "invalid_request"),
        ([], "invalid_request"),
    ],
)
def test_wrong_runs(box, body, code):
    response = run(box, body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert box.control("GET", "notifications") == []


def test_runs_without_key_or_json_or_verb(box):
    assert run(box, {"discover": True}, Accept="*/*").status_code == 401
    broken = requests.post(f"{box.url}/v1/run", data=b"{", headers=BEARER, timeout=10)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
    assert requests.get(f"{box.url}/v1/run", headers=BEARER, timeout=10).status_code == 405
    models = run(box, {"discover": True}).json()["result"]["models"]
    assert {model["id"] for model in models} == {
        f"prelude/{n}" for n in ("notify-send", "verify-send", "verify-check")
    }


def test_verification(box):
    target = {"type": "phone_number", "value": "+15551234567"}

    def status(model, **inputs):
        response = run(box, {"model": f"prelude/{model}", "inputs": {"target": target, **inputs}})
        assert response.status_code == 200
        return response.json()["result"]["status"]

    assert status("verify-check", code="000000") == "expired_or_not_found"
    assert status("verify-send") == "success"
    assert status("verify-send") == "retry"
    assert status("verify-check", code="123456") == "failure"
    assert status("verify-check", code="000000") == "success"
    assert status("verify-check", code="000000") == "expired_or_not_found"
    assert status("verify-send", options={"custom_code": "4711"}) == "success"
    assert status("verify-check", code="000000") == "failure"
    assert status("verify-check", code="4711") == "success"


@pytest.mark.parametrize(("switch", "path", "status"), [
    ({"legacy_paths": "gone"}, "/mms/receipts", 404),
    ({"voice_access": False}, "/voice/history", 403),
    ({"voice_access": False}, "/voice/receipts", 403),
])  # fmt: skip
def test_what_may_not_be_served(box, session, switch, path, status):
    box.control("POST", "switches", {"legacy_paths": "served"})
    assert session.get(box.api_url + path, timeout=10).status_code == 200
    box.control("POST", "switches", switch)
    assert session.get(box.api_url + path, timeout=10).status_code == status
    assert session.get(f"{box.api_url}/voice/lang", timeout=10).status_code == 200
