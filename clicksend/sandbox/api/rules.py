"""What is done with inbound messages and receipts: rules; those for inbound messages can be written."""

from __future__ import annotations

from typing import Any

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, bad_fields, not_found, number
from clicksend.sandbox.api.bodies import label, required, text
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world import rules
from clicksend.sandbox.world.rows import InboundRule

ACTIONS = (
    *("AUTO_REPLY", "EMAIL_USER", "EMAIL_FIXED", "URL", "SMS", "POLL", "GROUP_SMS", "MOVE_CONTACT"),
    *("CREATE_CONTACT", "CREATE_CONTACT_PLUS_EMAIL", "CREATE_CONTACT_PLUS_NAME_EMAIL"),
    *("CREATE_CONTACT_PLUS_NAME", "SMPP", "NONE"),
)
"""What a rule may do; the stand-in does POLL only, and keeps the others."""
_FORMATS = ("post", "get", "json")
_REQUIRED = ("dedicated_number", "rule_name", "message_search_type", "action", "enabled")


def inbound_rules(sim: Simulation, call: Call) -> Answer:
    """GET /automations/sms/inbound."""
    served = paging.Collection(
        "/automations/sms/inbound", "Your list of inbound rules.", sim.account_shapes.inbound_rules
    )
    return paging.answer(list(_all(sim).values()), call.query, sim.switches, served)


def inbound_rule(sim: Simulation, call: Call) -> Answer:
    """GET /automations/sms/inbound/{inbound_rule_id}."""
    return Answer(sim.account_shapes.inbound_rules(_find(sim, call)), "Your inbound rule.")


def create(sim: Simulation, call: Call) -> Answer:
    """POST /automations/sms/inbound: two rules may be the same."""
    values = _values(call)
    rule = InboundRule(inbound_rule_id=sim.store.new_id("inbound_rules"), **values)
    sim.store.inbound_rules[rule.inbound_rule_id] = rule
    return Answer(sim.account_shapes.inbound_rules(rule), "Your record has been added.")


def update(sim: Simulation, call: Call) -> Answer:
    """PUT /automations/sms/inbound/{inbound_rule_id}: the whole rule."""
    key = _find(sim, call).inbound_rule_id
    rule = InboundRule(inbound_rule_id=key, **_values(call))
    sim.store.inbound_rules[key] = rule
    return Answer(sim.account_shapes.inbound_rules(rule), "Your record has been updated.")


def delete(sim: Simulation, call: Call) -> Answer:
    """DELETE /automations/sms/inbound/{inbound_rule_id}."""
    sim.store.inbound_rules[_find(sim, call).inbound_rule_id] = None
    return Answer([], "Your record has been deleted.")


def sms_receipt_rules(sim: Simulation, call: Call) -> Answer:
    """GET /automations/sms/receipts."""
    return _receipt_rules(sim, call, "/automations/sms/receipts")


def voice_receipt_rules(sim: Simulation, call: Call) -> Answer:
    """GET /automations/voice/receipts."""
    return _receipt_rules(sim, call, "/automations/voice/receipts")


def _all(sim: Simulation) -> dict[int, InboundRule]:
    return rules.inbound_rules(sim.store, sim.switches.poll_rules)


def _find(sim: Simulation, call: Call) -> InboundRule:
    found = _all(sim).get(call.key("inbound_rule_id"))
    if found is None:
        raise not_found("Inbound rule record not found.")
    return found


def _values(call: Call) -> dict[str, Any]:
    """Read a rule out of a body.

    Raises:
        Refusal: 400; a field is missing, or none that it may be.
    """
    given = required(call.body, _REQUIRED)
    body = call.body or {}
    others = {
        name: text(body.get(name))
        for name in ("message_search_term", "action_address", "body", "webhook_type")
    }
    search, enabled = number(given, "message_search_type"), number(given, "enabled")
    wrong = {
        "message_search_type": search not in range(4),
        "enabled": enabled not in {0, 1},
        "action": given["action"] not in ACTIONS,
        "webhook_type": others["webhook_type"]
        not in (_FORMATS if given["action"] == "URL" else ("", *_FORMATS)),
    }
    if any(wrong.values()):
        raise bad_fields(
            {name: f"{label(name)} is not valid." for name, is_wrong in wrong.items() if is_wrong}
        )
    return {
        **given,
        **{name: value or None for name, value in others.items()},
        "message_search_type": search,
        "enabled": enabled,
    }


def _receipt_rules(sim: Simulation, call: Call, path: str) -> Answer:
    """Answer with one rule that sends e-mail, one that is disabled, and POLL rules as switched."""
    shapes = [
        {
            "receipt_rule_id": rule.inbound_rule_id,
            "rule_name": f"Rule {rule.inbound_rule_id}",
            "match_type": 0,
            "action": rule.action,
            "action_address": rule.action_address,
            "enabled": rule.enabled,
        }
        for rule in rules.own_rules(sim.switches.poll_rules).values()
    ]
    served = paging.Collection(path, "Your list of rules.", dict)
    return paging.answer(shapes, call.query, sim.switches, served)
