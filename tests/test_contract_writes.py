"""What the sandbox answers to writes, held against the contract."""

from __future__ import annotations

import pytest
from contract import OPERATIONS, endpoint
from recorded_server import recorded

from clicksend.sandbox.endpoints import ROUTES
from clicksend.sandbox.milestones import CUSTOMERS, EMPTY, LEADS, OPT_OUTS

IDS = {"list_id": CUSTOMERS, "to_list_id": LEADS, "opt_out_list_id": OPT_OUTS, "template_id": 632497}
IDS |= {"email_address_id": 2102}
BODIES = {
    "create_list": {"list_name": "x"},
    "update_list": {"list_name": "x"},
    "create_contact": {"email": "a@example.com"},
    "update_contact": {"first_name": None},
    "create_sms_template": {"template_name": "x", "body": "y"},
    "update_sms_template": {"template_name": "x", "body": "y"},
    "create_email_address": {"email_address": "new@example.com"},
    "remove_duplicates": {"fields": ["custom_1"]},
    "remove_duplicates_slash": {"fields": {"custom_1": ""}},
}
WRITES = sorted(name for name, (method, _) in OPERATIONS.items() if method != "get")


@pytest.fixture(params=[0, 1], ids=["live", "legacy"])
def box(boxes, request):
    """Return each of both worlds in its first state."""
    boxes[request.param].control("POST", "reset")
    return boxes[request.param]


@pytest.fixture
def send(box, session):
    """Return a function that performs an operation and checks the answer."""
    path = f"{box.api_url}/lists/{CUSTOMERS}/contacts"
    ids = IDS | {"contact_id": session.get(path, timeout=10).json()["data"]["data"][0]["contact_id"]}
    ids["message_id"] = session.get(f"{box.api_url}/sms/inbound", timeout=10).json()["data"]["data"][0][
        "message_id"
    ]

    def send(name, body=None, status=200, **others):
        method, path = OPERATIONS[name]
        url = box.api_url + path.format(**ids | others)
        answer = session.request(method, url, json=body or BODIES.get(name), timeout=10)
        assert answer.status_code == status, answer.text
        endpoint(name, status).validate(answer.json())
        return answer.json()

    return send


def test_every_write_is_served():
    served = {(method.lower(), path) for method, path, _ in ROUTES if method != "GET"}
    assert {OPERATIONS[name] for name in WRITES} == served


@pytest.mark.parametrize("name", WRITES)
def test_answers_fit(send, name):
    send(name)


@pytest.mark.parametrize("name", [name for name in WRITES if OPERATIONS[name][1].startswith("/lists/")])
def test_a_missing_list_fits(send, name):
    status = 404 if "{contact_id}" in OPERATIONS[name][1] else 403
    assert send(name, status=status, list_id=1)["data"] is None


@pytest.mark.parametrize("name", sorted(BODIES.keys() - {"update_contact"}))
def test_missing_fields_fit(send, name):
    answer = send(name, {"nothing": "of use"}, status=400)
    assert answer.keys() == recorded("error_400.fields").keys()
    assert answer["data"]
    assert all(isinstance(sentence, str) for sentence in answer["data"].values())


def test_a_stumble_fits(send):
    body = {"email": "a@example.com", "address_line_1": {"street": "x"}}
    assert send("create_contact", body, status=400) == recorded("error_400.code")


def test_what_was_made_is_what_is_read(send):
    for one, create, key in (
        ("list", "create_list", "list_id"),
        ("sms_template", "create_sms_template", "template_id"),
        ("email_address", "create_email_address", "email_address_id"),
    ):
        made = send(create)["data"]
        assert send(one, **{key: made[key]})["data"] == made
    made = send("create_contact", list_id=EMPTY)["data"]
    assert send("contact", list_id=EMPTY, contact_id=made["contact_id"])["data"] == made
