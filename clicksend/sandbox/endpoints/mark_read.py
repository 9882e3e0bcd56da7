"""Marking receipts and inbound messages as read: they are no longer listed, but still found by their id."""

from typing import Any

from clicksend.sandbox.answers import Answer, Call, bad_fields, number
from clicksend.sandbox.bodies import text
from clicksend.sandbox.endpoints.messages import need_mms_receipts, need_voice
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.store import Inbox


def sms_inbound(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/inbound-read: those before `date_before`, or all."""
    return _mark(sim, sim.store.inbound, call.body)


def sms_inbound_message(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/inbound-read/{message_id}: one; the answer counts how many were unread."""
    wanted = call.path["message_id"].upper()
    marked = sim.store.inbound.mark(lambda row: row.message_id == wanted)
    return Answer(marked, _DONE)


def sms_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/receipts-read: those before `date_before`, or all."""
    return _mark(sim, sim.store.sms_receipts, call.body)


def mms_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /mms/receipts-read: gone where the receipts are."""
    need_mms_receipts(sim)
    return _mark(sim, sim.store.mms_receipts, call.body)


def voice_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /voice/receipts-read: `date_before` is in the query, not in the body."""
    need_voice(sim)
    return _mark(sim, sim.store.voice_receipts, call.query)


def _mark(sim: Simulation, inbox: Inbox[Any], given: dict[str, Any] | None) -> Answer:
    """Mark what is older than `date_before`, without it everything; older answers hold an empty array."""
    limit = _date_before(given or {})
    if limit is not None:
        limit += sim.switches.date_before == "inclusive"
    inbox.mark(lambda row: limit is None or row.timestamp < limit)
    return Answer(None if sim.types == "live" else [], _DONE)


def _date_before(given: dict[str, Any]) -> int | None:
    value = text(given.get("date_before"))
    found = number({"date_before": value}, "date_before")
    if value and found is None:
        raise bad_fields({"date_before": "Date before must be a number."})
    return found


_DONE = "Marked as read."
