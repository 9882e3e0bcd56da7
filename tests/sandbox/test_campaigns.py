"""A campaign writes to everybody of a list in one call."""

from __future__ import annotations

import pytest

from clicksend.sandbox.api import campaigns
from clicksend.sandbox.world.seed_data import EMPTY, LEADS, OPT_OUTS
from tests.sandbox.runner import EPOCH, walk

PATH = "/sms-campaigns/send"
BODY = {"list_id": LEADS, "name": "Autumn 🍂", "body": "Hi (First Name) (Last Name)", "custom_string": "a-1"}


def test_everybody_in_the_list_gets_one(box, session, call):
    people = [row for row in walk(session, box, f"/lists/{LEADS}/contacts") if row["phone_number"]]
    numbers = {row["phone_number"] for row in people}
    assert len(numbers) == len(people) > 3
    made = call("POST", PATH, BODY)
    assert made["_total_count"] == len(people)
    assert (made["status"], made["schedule"], made["date_added"]) == ("Queued", EPOCH, EPOCH)
    assert (made["name"], made["list_id"], made["_list_name"]) == ("Autumn 🍂", LEADS, "Leads (Köln)")
    assert made in walk(session, box, "/sms-campaigns")
    sent = {row["to"]: row for row in box.arrivals()}
    assert sent.keys() == numbers
    for row in people:
        name = f"{row['first_name']} {row['last_name']}"
        assert sent[row["phone_number"]]["body"] == f"Hi {name}"
        assert sent[row["phone_number"]]["custom_string"] == "a-1"
    history = [row for row in walk(session, box, "/sms/history") if row["custom_string"] == "a-1"]
    assert {int(row["contact_id"]) for row in history} == {row["contact_id"] for row in people}
    box.advance(3600)
    found = [row for row in walk(session, box, "/sms-campaigns") if row["name"] == "Autumn 🍂"]
    assert [row["status"] for row in found] == ["Sent"]


def test_a_campaign_for_later(box, session, call):
    later = EPOCH + 7200
    made = call("POST", PATH, BODY | {"schedule": later, "from": "ACME"})
    assert (made["status"], made["schedule"], made["from"]) == ("Scheduled", later, "ACME")
    assert {(row["status"], row["schedule"], row["from"]) for row in box.arrivals()} == {
        ("Scheduled", later, "ACME")
    }
    box.advance(3600)
    assert call("GET", "/sms-campaigns?order_by=date_added:desc")["data"][0]["status"] == "Scheduled"


def test_who_has_no_number_gets_none_and_an_empty_list_is_no_error(box, call):
    call("POST", f"/lists/{EMPTY}/contacts", {"email": "a@example.com"})
    assert call("POST", PATH, BODY | {"list_id": EMPTY})["_total_count"] == 0
    assert box.arrivals() == []


def test_what_cannot_be_paid_is_not_sent(box, call):
    box.control("POST", "balance", {"balance": "0"})
    assert call("POST", PATH, BODY)["_total_count"] == 0
    assert box.arrivals() == []


@pytest.mark.parametrize(("wrong", "fields"), [
    ({"list_id": None}, ["list_id"]),
    ({"name": " "}, ["name"]),
    ({"body": ""}, ["body"]),
    ({"schedule": "tomorrow"}, ["schedule"]),
])  # fmt: skip
def test_wrong_campaigns(box, session, call, wrong, fields):
    before = walk(session, box, "/sms-campaigns")
    assert list(call("POST", PATH, BODY | wrong, status=400)) == fields
    assert walk(session, box, "/sms-campaigns") == before
    assert box.arrivals() == []


def test_a_list_that_is_not_there_or_too_long(box, call, monkeypatch):
    call("POST", PATH, BODY | {"list_id": 1}, status=403)
    monkeypatch.setattr(campaigns, "MOST_RECIPIENTS", 2)
    call("POST", PATH, BODY, status=400)
    assert box.arrivals() == []


def test_one_to_the_opt_out_list_is_sent_as_well(box, call):
    """The worst reading: nobody says that it is not."""
    assert call("POST", PATH, BODY | {"list_id": OPT_OUTS})["_total_count"] > 0
