"""Histories, receipts and inbound messages of the three channels."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, forbidden, not_found
from clicksend.sandbox.api.search import Fields, dated, matching, ordered
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.rows import SUBACCOUNT_ID, USERNAME
from clicksend.sandbox.world.rules import polled

_DATE = attrgetter("date")
_YOUR_DATA = "Here are your data."


class History(NamedTuple):
    """How a channel's history may be searched and sorted; it is sorted by ``time_field`` already."""

    channel: str
    time_field: str
    search: Fields
    order: Fields


_STATUS, _SENDER, _TO, _BODY = map(attrgetter, ("delivery.status", "sender", "to", "body"))
_SMS_SEARCH: Fields = {
    "status": _STATUS,
    "to": _TO,
    "from": _SENDER,
    "subaccount_id": lambda _: SUBACCOUNT_ID,
    "message_id": attrgetter("message_id"),
}
_SMS_ORDER: Fields = {
    "date": _DATE,
    "username": lambda _: USERNAME,
    "from": _SENDER,
    "to": _TO,
    "status": _STATUS,
    "body": _BODY,
}
_OTHER_SEARCH: Fields = {
    **_SMS_SEARCH,
    "direction": attrgetter("direction"),
    "list_id": attrgetter("list_id"),
    "subject": lambda row: getattr(row, "subject", None),
    "body": _BODY,
}
_OTHER_ORDER: Fields = {**_OTHER_SEARCH, "date_added": _DATE}
_SMS = History("sms", "date", _SMS_SEARCH, _SMS_ORDER)
_MMS = History("mms", "date_added", _OTHER_SEARCH, _OTHER_ORDER)
_VOICE = History("voice", "date_added", _OTHER_SEARCH, _OTHER_ORDER)


def sms_history(sim: Simulation, call: Call) -> Answer:
    """GET /sms/history: both directions, by ``date``."""
    return _history(sim, call, _SMS)


def mms_history(sim: Simulation, call: Call) -> Answer:
    """GET /mms/history: both directions, by ``date_added``."""
    return _history(sim, call, _MMS)


def voice_history(sim: Simulation, call: Call) -> Answer:
    """GET /voice/history: 403 unless the account may call."""
    need_voice(sim)
    return _history(sim, call, _VOICE)


def sms_receipts(sim: Simulation, call: Call) -> Answer:
    """GET /sms/receipts: unread ones, once per POLL rule."""
    return _polled(sim, call, sim.receipts("sms"), "sms_receipts", "/sms/receipts")


def mms_receipts(sim: Simulation, call: Call) -> Answer:
    """GET /mms/receipts: only in the older documentation."""
    need_legacy_paths(sim)
    return _polled(sim, call, sim.receipts("mms"), "mms_receipts", "/mms/receipts")


def voice_receipts(sim: Simulation, call: Call) -> Answer:
    """GET /voice/receipts: 403 unless the account may call."""
    need_voice(sim)
    return _polled(sim, call, sim.receipts("voice"), "voice_receipts", "/voice/receipts")


def sms_receipt(sim: Simulation, call: Call) -> Answer:
    """GET /sms/receipts/{message_id}: the latest receipt of one message, read or not."""
    wanted = call.path["message_id"].upper()
    found = [row for row in sim.store.sms_receipts.items if row.message_id == wanted]
    if not found:
        raise not_found("Receipt record not found.")
    return Answer(sim.shapes.sms_receipts(found[-1]), _YOUR_DATA)


def sms_inbound(sim: Simulation, call: Call) -> Answer:
    """GET /sms/inbound: unread ones, once per POLL rule that takes them."""
    rows = polled(sim.store, sim.switches.poll_rules, sim.inbound())
    served = paging.Collection("/sms/inbound", _YOUR_DATA, sim.shapes.sms_inbound)
    return paging.answer(rows, call.query, sim.switches, served)


def sms_reply(sim: Simulation, call: Call) -> Answer:
    """GET /sms/inbound/{outbound_message_id}: the first reply to one of our messages."""
    wanted = call.path["message_id"].upper()
    for row in sim.store.inbound.items:
        if row.original_message_id == wanted:
            return Answer(sim.shapes.sms_inbound(row), _YOUR_DATA)
    raise not_found("Inbound record not found.")


def _history(sim: Simulation, call: Call, how: History) -> Answer:
    rows: list[Any] = getattr(sim.store, how.channel)
    first, end = sim.kept(rows, _DATE, sim.switches.history_lag)
    asked_first, asked_end = dated(rows, call.query, _DATE, sim.switches)
    found = matching(
        rows[max(first, asked_first) : min(end, asked_end)], call.query, how.search, sim.switches
    )
    found = ordered(found, call.query, how.order, sim.switches, by=how.time_field)
    message = _YOUR_DATA if sim.types == "live" else "Here is your history."
    spell = getattr(sim.shapes, f"{how.channel}_history")
    served = paging.Collection(f"/{how.channel}/history", message, spell)
    return paging.answer(found, call.query, sim.switches, served)


def _polled(sim: Simulation, call: Call, rows: Sequence[Any], shape: str, path: str) -> Answer:
    """Page through unread receipts; several POLL rules repeat each, without one there are none."""
    rules = sim.switches.poll_rules
    spell = getattr(sim.shapes, shape)
    served = paging.Collection(path, _YOUR_DATA, lambda place: spell(rows[place // rules]))
    return paging.answer(range(len(rows) * rules), call.query, sim.switches, served)


def need_legacy_paths(sim: Simulation) -> None:
    """Refuse with 404 where only the current official specification's paths are served."""
    if sim.switches.legacy_paths == "gone":
        raise not_found("Not found.")


def need_voice(sim: Simulation) -> None:
    """Refuse with 403 unless the account may call."""
    if not sim.switches.voice_access:
        raise forbidden("Voice access is not enabled on this account.")
