"""Rules for inbound messages can be written, and those that POLL decide what is listed, and how often."""

from __future__ import annotations

import pytest

from clicksend.sandbox.server.state import Write, replay
from clicksend.sandbox.simulation import Simulation
from tests.sandbox.runner import walk

PATH = "/automations/sms/inbound"
RULE = {
    "dedicated_number": "*",
    "rule_name": "Inbox ✨",
    "message_search_type": 0,
    "message_search_term": None,
    "action": "POLL",
    "action_address": "",
    "body": None,
    "enabled": 1,
}


def test_a_rule_from_its_beginning_to_its_end(box, session, call):
    before = walk(session, box, PATH)
    made = call("POST", PATH, RULE)
    own = {"inbound_rule_id": made["inbound_rule_id"], "action_address": None, "webhook_type": None}
    assert made == RULE | own
    one = f"{PATH}/{made['inbound_rule_id']}"
    assert call("GET", one) == made
    assert walk(session, box, PATH) == [*before, made]
    webhook = {"action": "URL", "action_address": "http://127.0.0.1:5678/hook", "webhook_type": "json"}
    changed = call("PUT", one, RULE | webhook)
    assert changed == made | webhook
    assert call("GET", one) == changed
    assert call("DELETE", one) == []
    for method in ("GET", "PUT", "DELETE"):
        call(method, one, RULE, status=404)
    assert walk(session, box, PATH) == before
    assert call("POST", PATH, RULE)["inbound_rule_id"] > made["inbound_rule_id"]


def test_the_account_s_own_rules_can_be_changed_too(box, session, call):
    own = walk(session, box, PATH)
    polling = next(row for row in own if row["action"] == "POLL" and row["enabled"])
    assert call("GET", "/sms/inbound")["total"] == box.state()["rows"]["sms_inbound"] > 0
    call("PUT", f"{PATH}/{polling['inbound_rule_id']}", RULE | {"enabled": 0})
    assert call("GET", "/sms/inbound")["total"] == box.state()["rows"]["sms_inbound"] == 0
    call("DELETE", f"{PATH}/{polling['inbound_rule_id']}")
    assert [row["inbound_rule_id"] for row in walk(session, box, PATH)] == [1, 2]


@pytest.mark.parametrize(("rule", "listed"), [
    ({}, {"Yes please": 2, "YES": 2, "no": 2}),
    ({"enabled": 0}, {"Yes please": 1, "YES": 1, "no": 1}),
    ({"action": "NONE"}, {"Yes please": 1, "YES": 1, "no": 1}),
    ({"message_search_type": 1, "message_search_term": "yes"}, {"Yes please": 2, "YES": 2, "no": 1}),
    ({"message_search_type": 2, "message_search_term": "Please"}, {"Yes please": 2, "YES": 1, "no": 1}),
    ({"message_search_type": 3, "message_search_term": "yes"}, {"Yes please": 1, "YES": 1, "no": 2}),
    ({"dedicated_number": "+15550001111"}, {"Yes please": 1, "YES": 1, "no": 1}),
])  # fmt: skip
def test_replies_are_listed_once_per_rule_that_takes_them(box, session, call, rule, listed):
    call("POST", PATH, RULE | rule)
    for body in listed:
        box.reply("+61400000001", body)
    rows = [row["body"] for row in walk(session, box, "/sms/inbound") if row["from"] == "+61400000001"]
    assert {body: rows.count(body) for body in listed} == listed
    assert box.state()["rows"]["sms_inbound"] == len(
        {row["message_id"] for row in walk(session, box, "/sms/inbound")}
    )


def test_a_rule_for_the_number_that_was_written_to(box, session, call):
    box.control("POST", "switches", {"poll_rules": 0})
    box.reply("+61400000001", "Hello")
    assert box.state()["rows"]["sms_inbound"] == 0
    (shared,) = {row["dedicated_number"] for row in walk(session, box, PATH)}
    call("POST", PATH, RULE | {"dedicated_number": shared})
    assert "Hello" in [row["body"] for row in walk(session, box, "/sms/inbound")]
    assert box.state()["rows"]["sms_inbound"] == call("GET", "/sms/inbound")["total"] > 0


@pytest.mark.parametrize(("wrong", "fields"), [
    ({"dedicated_number": ""}, ["dedicated_number"]),
    ({"rule_name": None}, ["rule_name"]),
    ({"action": "DANCE"}, ["action"]),
    ({"action": ""}, ["action"]),
    ({"action": "URL"}, ["webhook_type"]),
    ({"webhook_type": "xml"}, ["webhook_type"]),
    ({"message_search_type": 4}, ["message_search_type"]),
    ({"message_search_type": -1}, ["message_search_type"]),
    ({"enabled": 2}, ["enabled"]),
    ({"enabled": "x", "action": "x"}, ["enabled", "action"]),
])  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_wrong_rules(box, session, call, wrong, fields, method):
    before = walk(session, box, PATH)
    answer = call(method, PATH if method == "POST" else f"{PATH}/1", RULE | wrong, status=400)
    assert list(answer) == fields
    assert walk(session, box, PATH) == before


def test_rules_are_gone_after_a_reset(box, session, call):
    before = walk(session, box, PATH)
    call("POST", PATH, RULE)
    call("DELETE", f"{PATH}/1")
    box.control("POST", "reset")
    assert walk(session, box, PATH) == before


def test_rules_are_kept_from_one_run_to_the_next(box):
    plan = box._service.sim.plan
    writes = [
        Write(plan.epoch, "POST", PATH, {}, {}, RULE, {}),
        Write(plan.epoch, "DELETE", PATH + "/{inbound_rule_id}", {"inbound_rule_id": "1"}, {}, None, {}),
    ]
    sim = Simulation(plan)
    replay(sim, writes)
    assert [rule and rule.rule_name for rule in sim.store.inbound_rules.values()] == ["Inbox ✨", None]
