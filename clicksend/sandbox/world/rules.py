"""Rules for inbound messages: the account's own, and those that calls have made, changed or deleted."""

from __future__ import annotations

from clicksend.sandbox.world.countries import SHARED_NUMBER
from clicksend.sandbox.world.rows import Inbound, InboundRule
from clicksend.sandbox.world.store import Store

_OWN = (("EMAIL_FIXED", "user@example.com", 1), ("POLL", None, 0))


def own_rules(polling: int) -> dict[int, InboundRule]:
    """Return the rules that the account begins with, by id: ``polling`` of them are enabled POLL rules."""
    rules = (*_OWN, *(("POLL", None, 1),) * polling)
    return {
        number: InboundRule(
            inbound_rule_id=number,
            dedicated_number=SHARED_NUMBER,
            rule_name="Replies",
            message_search_type=0,
            message_search_term=None,
            action=action,
            action_address=address,
            body=None,
            enabled=enabled,
            webhook_type=None,
        )
        for number, (action, address, enabled) in enumerate(rules, start=1)
    }


def inbound_rules(store: Store, polling: int) -> dict[int, InboundRule]:
    """Return all rules for inbound messages, by id."""
    rules = own_rules(polling) | store.inbound_rules
    return {number: rule for number, rule in rules.items() if rule is not None}


def polled(store: Store, polling: int, rows: list[Inbound]) -> list[Inbound]:
    """Return inbound messages as polling finds them: each as often as there are POLL rules that take it.

    The account's own POLL rules take every message, whichever number it came to.
    """
    rules = inbound_rules(store, polling)
    poll = [rule for rule in rules.values() if rule.action == "POLL" and rule.enabled]
    changed = [rule for rule in poll if rule.inbound_rule_id in store.inbound_rules]
    always = len(poll) - len(changed)
    if not changed and always == 1:
        return rows
    return [row for row in rows for _ in range(always + sum(rule.takes(row) for rule in changed))]
