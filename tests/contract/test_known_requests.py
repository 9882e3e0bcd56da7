"""What our programs ask is what ClickSend's own SDK can ask; `known_requests` looks after every test."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.contract.known_requests import AGENT, OTHERWISE_KNOWN
from tests.tap.runner import CREDENTIALS

MESSAGE = {"to": "+61412345678", "body": "Hello"}


@pytest.fixture
def ask(box, _known_requests):
    """Return a function that asks the box as a program of ours, and names what nobody knows."""

    def ask(verb, path, body=None, base=None, agent=f"{AGENT}1.0", **query):
        url = (base or box.api_url) + path
        headers = {"User-Agent": agent}
        requests.request(
            verb, url, json=body, params=query, headers=headers, auth=tuple(CREDENTIALS.values()), timeout=10
        )
        return _known_requests.unknown()

    return ask


def test_what_the_sdk_knows_passes(ask):
    assert not ask("GET", "/sms/history", page=2, limit=100, order_by="date:asc", date_from=1_790_000_000)
    assert not ask("POST", "/sms/send", {"messages": [MESSAGE, MESSAGE | {"schedule": 1_790_000_000}]})
    assert not ask("PUT", "/lists/5/remove-duplicates/", {"fields": {"first_name": "first_name"}})
    assert not ask("PUT", "/lists/5/contacts/6/transfer/7")


def test_what_others_know_passes(ask):
    assert not ask("GET", "/lists/5/contacts", page=1, updated_after=1_790_000_000)
    assert not ask("PUT", "/mms/receipts-read", date_before=1)


def test_what_nobody_knows_is_found(ask, box):
    assert ask("GET", "/sms/histories") == ["GET /sms/histories: path"]
    assert ask("PATCH", "/lists/5") == ["PATCH /lists/1: path"]
    assert ask("GET", "/lists", sort="name") == ["GET /lists: query sort"]
    assert ask("GET", "/sms/history", page="first") == ["GET /sms/history: query page: 'text'"]
    assert ask("GET", "/lists", base=box.hub_api_url, sort="name") == ["GET /lists: query sort"]
    assert ask("DELETE", "/lists/5", {"list_name": "x"}) == ["DELETE /lists/{list_id}: body.list_name"]
    assert ask("PUT", "/voice/cancel-all", {"custom_string": "x"}) == [
        "PUT /voice/cancel-all: body.custom_string"
    ]
    assert ask("POST", "/sms/send", {"messages": [MESSAGE], "when": 1}) == ["POST /sms/send: body.when"]
    messages = [MESSAGE, MESSAGE | {"flash": True}, MESSAGE]
    assert ask("POST", "/sms/send", {"messages": messages}) == ["POST /sms/send: body.messages[].flash"]
    messages = [MESSAGE, {"to": "+61412345678", "body": 5}]
    assert ask("POST", "/sms/send", {"messages": messages}) == [
        "POST /sms/send: SendSmsRequestMessagesInner body: string_type"
    ]


def test_what_is_found_is_found_again_when_it_is_asked_again(ask):
    assert ask("GET", "/lists", sort="name") == ask("GET", "/lists", sort="date") != []
    assert not ask("GET", "/lists")


def test_tests_may_ask_what_they_like(ask):
    assert not ask("GET", "/sms/histories", agent="python-requests/2.32")


@pytest.mark.parametrize(("endpoint", "what"), [one for one in OTHERWISE_KNOWN if one[1][0].islower()])
def test_the_sdk_still_does_not_know_what_others_do(official, endpoint, what):
    verb, path = endpoint.split()
    body: Any = None
    for name in reversed(what.removeprefix("body.").split(".")) if what.startswith("body.") else ():
        body = {name.removesuffix("[]"): [body] if name.endswith("[]") else body}
    query = {} if body else {what.removeprefix("query "): "50"}
    found = official.ask("strange", verb=verb, path=path, query=query, body=body)
    assert (found["path"], what in found["strange"]) == (path, True)
