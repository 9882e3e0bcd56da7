"""What a test orders beside what the API offers: replies, statuses of messages to come, the balance."""

from __future__ import annotations

from random import Random

import msgspec

from clicksend.sandbox.api.answers import Answer, Call
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world import journeys
from clicksend.sandbox.world.countries import SHARED_NUMBER, millionths
from clicksend.sandbox.world.events import OptedOut, Replied
from clicksend.sandbox.world.identifiers import time_uuid
from clicksend.sandbox.world.phones import country
from clicksend.sandbox.world.rows import Contact, Forced, Inbound, Sms
from clicksend.sandbox.world.segments import parts
from clicksend.sandbox.world.store import OPT_OUT_LIST_ID
from clicksend.sandbox.world.traffic import FREE


def statuses(sim: Simulation, call: Call) -> Answer:
    """Order a status."""
    sim.store.forced.append(msgspec.convert(call.body, Forced))
    return Answer(sim.store.forced[-1], "")


def clear_statuses(sim: Simulation, _: Call) -> Answer:
    """Take all orders of statuses back."""
    cleared = len(sim.store.forced)
    sim.store.forced.clear()
    return Answer({"cleared": cleared}, "")


def balance(sim: Simulation, call: Call) -> Answer:
    """Set what the account has left, or add to it."""
    if call.body.get("add") is not None:
        sim.store.credit = max(0, sim.store.credit) + millionths(call.body["add"])
    else:
        sim.store.credit = millionths(call.body["balance"])
    return Answer({"balance": left(sim)}, "")


def left(sim: Simulation) -> str:
    """Spell what the account has left; it is never shown below zero."""
    whole, fraction = divmod(max(0, sim.store.credit), 1_000_000)
    return f"{whole}.{fraction:06}"


def reply(sim: Simulation, call: Call) -> Answer:
    """Let a text message come in now, as the answer to our latest one to that number, if there is one."""
    sender, body = call.body["from"], call.body["body"]
    row, inbound = _rows(sim, sender, body)
    Replied(sim.now, row, inbound).apply(sim.store)
    sim.store.replies.append(row)
    leaving = _leaving(sim, sender, call.body.get("list_id")) if _stops(body) else None
    opted_out = None
    if leaving is not None:
        opted_out = {"list_id": leaving.list_id, "contact_id": leaving.contact_id}
        OptedOut(sim.now, leaving.list_id, leaving.contact_id).apply(sim.store)
    return Answer({"message_id": row.message_id, "opted_out": opted_out}, "")


def _rows(sim: Simulation, sender: str, body: str) -> tuple[Sms, Inbound]:
    """Make the row of the history and the inbound message."""
    sent = next((row for row in reversed(sim.store.sms) if row.to == sender and row.direction == "out"), None)
    message_id = time_uuid(Random(f"reply {sim.plan.seed} {len(sim.store.sms)}"), sim.now)
    receiver = sent.sender if sent and sent.sender.startswith("+") else SHARED_NUMBER
    row = Sms(
        message_id=message_id,
        date=sim.now,
        direction="in",
        to=receiver,
        sender=sender,
        body=body,
        schedule=None,
        parts=parts(body),
        price=FREE,
        custom_string=sent.custom_string if sent else "",
        country=sent.country if sent else country(sender),
        carrier=sent.carrier if sent else "",
        delivery=journeys.RECEIVED,
        contact_id=sent.contact_id if sent else None,
    )
    inbound = Inbound(
        message_id=message_id,
        timestamp=sim.now,
        sender=sender,
        to=receiver,
        body=body,
        custom_string=row.custom_string,
        original_message_id=sent.message_id if sent else "",
        original_body=sent.body if sent else "",
    )
    return row, inbound


def _stops(body: str) -> bool:
    """Tell whether the first word is STOP: the rule that every account begins with."""
    return body.casefold().split()[:1] == ["stop"]


def _leaving(sim: Simulation, sender: str, list_id: int | None) -> Contact | None:
    """Find the contact that opts out: in the list that was messaged, or in the first that has the number."""
    lists = [list_id] if list_id is not None else [key for key in sim.store.lists if key != OPT_OUT_LIST_ID]
    members = (row for key in lists for row in sim.store.contacts.get(key, {}).values())
    return next((row for row in members if row.phone_number == sender), None)
