"""Cancelling what is scheduled: one message, or all that have a custom string."""

from clicksend.sandbox.answers import Answer, Call, not_found
from clicksend.sandbox.bodies import text
from clicksend.sandbox.endpoints.messages import need_voice
from clicksend.sandbox.events import Cancelled
from clicksend.sandbox.rows import Message, Mms, Sms, Voice
from clicksend.sandbox.simulation import Simulation


def sms(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/{message_id}/cancel: null, an empty array in older answers."""
    return _cancel(sim, call, Sms, None if sim.types == "live" else [], "sms")


def mms(sim: Simulation, call: Call) -> Answer:
    """PUT /mms/{message_id}/cancel: may be gone, the current SDK no longer has it."""
    _need_mms(sim)
    return _cancel(sim, call, Mms, None if sim.types == "live" else [], "mms")


def voice(sim: Simulation, call: Call) -> Answer:
    """PUT /voice/{message_id}/cancel: 403 unless the account may call."""
    need_voice(sim)
    return _cancel(sim, call, Voice, [], "voice")


def all_sms(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/cancel-all: without a custom string everything that is scheduled."""
    return _cancel_all(sim, call, Sms, "sms")


def all_mms(sim: Simulation, call: Call) -> Answer:
    """PUT /mms/cancel-all: gone where one cannot be cancelled."""
    _need_mms(sim)
    return _cancel_all(sim, call, Mms, "mms")


def all_voice(sim: Simulation, call: Call) -> Answer:
    """PUT /voice/cancel-all: 403 unless the account may call."""
    need_voice(sim)
    return _cancel_all(sim, call, Voice, "voice")


def _cancel(sim: Simulation, call: Call, kind: type[Message], data: list[int] | None, channel: str) -> Answer:
    """Cancel one; too late, twice and unknown are the same 404."""
    found = sim.store.scheduled.get(call.path["message_id"].upper())
    if not isinstance(found, kind):
        raise not_found("Message record not found.")
    Cancelled(sim.now, found).apply(sim.store)
    return Answer(data, f"Scheduled {channel} message has been cancelled.")


def _cancel_all(sim: Simulation, call: Call, kind: type[Message], channel: str) -> Answer:
    wanted = text((call.body or {}).get("custom_string"))
    meant = [
        row
        for row in sim.store.scheduled.values()
        if isinstance(row, kind) and (not wanted or row.custom_string == wanted)
    ]
    for row in meant:
        Cancelled(sim.now, row).apply(sim.store)
    return Answer({"count": len(meant)}, f"Scheduled {channel} messages have been cancelled.")


def _need_mms(sim: Simulation) -> None:
    if sim.switches.mms_cancel == "gone":
        raise not_found("Not found.")
