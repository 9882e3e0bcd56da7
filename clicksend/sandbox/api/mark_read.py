"""Marking receipts and inbound messages as read: they are no longer listed, but still found by their id."""

from __future__ import annotations

from typing import Any

from clicksend.sandbox.api.answers import Answer, Call, bad_fields, number
from clicksend.sandbox.api.bodies import text
from clicksend.sandbox.api.messages import need_legacy_paths, need_voice
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.store import Inbox


def sms_inbound(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/inbound-read: those before ``date_before``, or all."""
    return _mark(sim, call, sim.store.inbound)


def sms_inbound_message(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/inbound-read/{message_id}: one; the answer counts how many were unread."""
    wanted = call.path["message_id"].upper()
    marked = sim.store.inbound.mark(lambda row: row.message_id == wanted)
    return Answer(marked, _DONE)


def sms_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/receipts-read: those before ``date_before``, or all."""
    return _mark(sim, call, sim.store.sms_receipts)


def mms_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /mms/receipts-read: only in the older documentation."""
    need_legacy_paths(sim)
    return _mark(sim, call, sim.store.mms_receipts)


def voice_receipts(sim: Simulation, call: Call) -> Answer:
    """PUT /voice/receipts-read: only in the older documentation; 403 unless the account may call."""
    need_legacy_paths(sim)
    need_voice(sim)
    return _mark(sim, call, sim.store.voice_receipts, in_older_query=True)


def _mark(sim: Simulation, call: Call, inbox: Inbox[Any], *, in_older_query: bool = False) -> Answer:
    """Mark what is older than ``date_before``, without it everything; older answers hold an empty array."""
    where = sim.switches.date_before_in
    in_query = where == "query" or (where == "query_for_voice" and in_older_query)
    limit = _date_before((call.query if in_query else call.body) or {})
    if limit is not None:
        limit += sim.switches.date_before == "inclusive"
    compared = "sent_at" if sim.switches.date_before_time == "sent" else "timestamp"

    def is_meant(row: Any) -> bool:
        return limit is None or getattr(row, compared, row.timestamp) < limit

    inbox.mark(is_meant)
    return Answer(None if sim.types == "live" else [], _DONE)


def _date_before(given: dict[str, Any]) -> int | None:
    value = text(given.get("date_before"))
    found = number({"date_before": value}, "date_before")
    if value and found is None:
        raise bad_fields({"date_before": "Date before must be a number."})
    return found


_DONE = "Marked as read."
