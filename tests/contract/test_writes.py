"""What the sandbox answers to writes, held against the contract."""

from __future__ import annotations

import copy

import pytest

from clicksend.sandbox.api.routes import ROUTES
from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, LEADS, OPT_OUTS
from tests.contract.recorded_server import recorded
from tests.contract.schemas import OPERATIONS, endpoint
from tests.sandbox.runner import EPOCH

IDS = {"list_id": CUSTOMERS, "to_list_id": LEADS, "opt_out_list_id": OPT_OUTS, "template_id": 632497}
IDS |= {"email_address_id": 2102, "inbound_rule_id": 1}
RULE = {"dedicated_number": "*", "rule_name": "x", "message_search_type": 0, "message_search_term": None}
RULE |= {"action": "POLL", "action_address": "", "enabled": 1}
BODIES = {
    "create_list": {"list_name": "x"},
    "update_list": {"list_name": "x"},
    "create_contact": {"email": "a@example.com"},
    "update_contact": {"first_name": None},
    "create_sms_template": {"template_name": "x", "body": "y"},
    "update_sms_template": {"template_name": "x", "body": "y"},
    "create_email_address": {"email_address": "new@example.com"},
    "remove_duplicates": {"fields": ["custom_1"]},
    "remove_duplicates_slash": {"fields": ["custom_1"]},
    "upload": {"content": "aGVsbG8="},
    "create_inbound_rule": RULE,
    "update_inbound_rule": RULE,
    "send_sms_campaign": {"list_id": LEADS, "name": "x", "body": "y"},
}
MESSAGES = {
    "sms": {"messages": [{"to": "+61412345678", "body": "x"}]},
    "mms": {"messages": [{"to": "+61412345678", "body": "x", "subject": "y"}]},
    "voice": {"messages": [{"to": "+61412345678", "body": "x", "lang": "en-us", "voice": "female"}]},
}
MESSAGES["mms"]["media_file"] = "https://example.com/x.jpg"
BODIES |= {f"{verb}_{channel}": body for verb in ("send", "price") for channel, body in MESSAGES.items()}
QUERIES = {"upload": {"convert": "mms"}}
WRITES = sorted(name for name, (method, _) in OPERATIONS.items() if method != "get")


@pytest.fixture(params=[0, 1], ids=["live", "legacy"])
def box(boxes, request):
    """Return each of both worlds in its first state."""
    box = boxes[request.param]
    box.control("POST", "reset")
    switches = {"legacy_paths": "served", "duplicate_fields": "array", "other_fields": "refused"}
    box.control("POST", "switches", switches)
    return box


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
        given = body or BODIES.get(name)
        answer = session.request(method, url, json=given, params=QUERIES.get(name), timeout=10)
        assert answer.status_code == status, answer.text
        endpoint(name, status).validate(answer.json())
        return answer.json()

    return send


def test_every_write_is_served():
    served = {(method.lower(), path) for method, path, _ in ROUTES if method != "GET"}
    assert {OPERATIONS[name] for name in WRITES} == served


@pytest.mark.parametrize("name", WRITES)
def test_answers_fit(send, name):
    channel = name.removeprefix("cancel_")
    if channel not in MESSAGES:
        send(name)
        return
    body = copy.deepcopy(MESSAGES[channel])
    body["messages"][0]["schedule"] = EPOCH + 3600
    ids = {"message_id": send(f"send_{channel}", body)["data"]["messages"][0]["message_id"]}
    send(name, **ids)
    send(name, status=404, **ids)


FAILING = (
    {"to": "+000"},
    {"body": ""},
    {"from": "a name too long"},
    {"lang": "xx-xx", "subject": ""},
    {"to": "+33612345678"},
    {"list_id": LEADS},
    {"list_id": 1},
)


@pytest.mark.parametrize("name", [f"{verb}_{channel}" for verb in ("send", "price") for channel in MESSAGES])
def test_messages_that_fail_fit(box, send, name):
    box.control("POST", "switches", {"enabled_countries": ["AU"]})
    (message,) = BODIES[name]["messages"]
    body = BODIES[name] | {"messages": [message | wrong for wrong in FAILING]}
    assert len({row["status"] for row in send(name, body)["data"]["messages"]}) > 3


@pytest.mark.parametrize("name", [f"send_{channel}" for channel in MESSAGES])
def test_no_credit_and_too_many_fit(box, send, name):
    body = BODIES[name] | {"messages": BODIES[name]["messages"] * 1001}
    send(name, body, status=400)
    box.control("POST", "balance", {"balance": "0"})
    assert send(name)["data"]["messages"][0]["status"] == "INSUFFICIENT_CREDIT"
    box.control("POST", "switches", {"no_credit": "payment_required"})
    send(name, status=402)


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
        ("inbound_rule", "create_inbound_rule", "inbound_rule_id"),
    ):
        made = send(create)["data"]
        assert send(one, **{key: made[key]})["data"] == made
    made = send("create_contact", list_id=EMPTY)["data"]
    assert send("contact", list_id=EMPTY, contact_id=made["contact_id"])["data"] == made


ROWS = [
    {
        "direction": "out",
        "date": 1718728461,
        "to": "+919841234568",
        "body": "x",
        "from": "+61447254068",
        "schedule": 1718728461,
        "message_id": "1EF2D909-D81A-65FA-BEC7-33227BD3AB16",
        "message_parts": 1,
        "message_price": "7.7050",
        "from_email": None,
        "list_id": None,
        "custom_string": "",
        "contact_id": None,
        "user_id": 1,
        "subaccount_id": 2,
        "is_shared_system_number": False,
        "country": "IN",
        "carrier": "BSNL MOBILE",
        "status": "SUCCESS",
    },
    {
        "to": "+61412345677",
        "body": "x",
        "from": "+61447238703",
        "schedule": "",
        "message_id": "1EF2D909-D8CB-6684-AFF9-DDE3218AE055",
        "message_parts": 0,
        "message_price": "0.0000",
        "custom_string": "",
        "is_shared_system_number": True,
        "country": "AU",
        "carrier": "Optus",
        "status": "COUNTRY_NOT_ENABLED",
    },
    {
        "to": "+000",
        "body": "x",
        "from": "",
        "schedule": "",
        "message_id": "1EF2D909-D8CB-6684-AFF9-DDE3218AE056",
        "custom_string": "",
        "is_shared_system_number": True,
        "status": "INVALID_RECIPIENT",
    },
]
"""The three shapes of rows as they were observed, with other numbers."""


def test_observed_rows_fit_and_nothing_else(send):
    answer = send("send_sms")
    observed = {"total_price": 15.41, "total_count": 4, "queued_count": 2, "blocked_count": 2}
    answer["data"] |= observed | {"messages": ROWS}
    endpoint("send_sms").validate(answer)
    changes = [{"status": "SUCCESS"}, {"status": "ok"}, {"schedule": None}, {"price": "1.0000"}, {"to": 61}]
    for number, row in enumerate(ROWS):
        for change in changes[row["status"] == "SUCCESS" :]:
            answer["data"]["messages"] = [*ROWS[:number], row | change]
            assert not endpoint("send_sms").is_valid(answer), change
        for name in row:
            answer["data"]["messages"] = [{key: row[key] for key in row if key != name}]
            older = {"from_email", "list_id", "contact_id"}
            optional = older | {"is_shared_system_number"} if number == 0 else set()
            assert endpoint("send_sms").is_valid(answer) == (name in optional), name


def test_both_spellings_hold_the_same(boxes, session):
    """Apart from names, and from what is null."""
    for channel, body in MESSAGES.items():
        rows = []
        for box in boxes:
            box.control("POST", "reset")
            answer = session.post(f"{box.api_url}/{channel}/send", json=body, timeout=10).json()
            (row,) = answer["data"]["messages"]
            row["date_added"] = row.pop("date", row.get("date_added"))
            row["message_price"] = float(row["message_price"])
            rows.append({name: value for name, value in row.items() if value is not None})
        assert rows[0] == rows[1]
