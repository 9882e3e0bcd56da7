"""Cancelling what is scheduled: one message, or all of a channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clicksend.sandbox.api.answers import Answer, Call, not_found
from clicksend.sandbox.api.bodies import text
from clicksend.sandbox.api.messages import need_legacy_paths, need_voice
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.events import Cancelled
from clicksend.sandbox.world.rows import Message, Mms, Sms, Voice


def sms(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/{message_id}/cancel: null, an empty array in older answers."""
    return _cancel(sim, call, Sms, None if sim.types == "live" else [], "sms")


def mms(sim: Simulation, call: Call) -> Answer:
    """PUT /mms/{message_id}/cancel: only in the older documentation."""
    need_legacy_paths(sim)
    return _cancel(sim, call, Mms, None if sim.types == "live" else [], "mms")


def voice(sim: Simulation, call: Call) -> Answer:
    """PUT /voice/{message_id}/cancel: 403 unless the account may call."""
    need_voice(sim)
    return _cancel(sim, call, Voice, [], "voice")


def all_sms(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/cancel-all: what the filter takes; without a custom string everything that is scheduled."""
    wanted = text((call.body or {}).get("custom_string"))
    fits: dict[str, Callable[[str], bool]] = {
        "resembling": lambda own: wanted.casefold() in own.casefold(),
        "exact": lambda own: not wanted or own == wanted,
        "ignored": lambda _: True,
    }
    return _cancel_all(sim, Sms, "sms", fits[sim.switches.cancel_filter])


def all_mms(sim: Simulation, _: Call) -> Answer:
    """PUT /mms/cancel-all: only in the older documentation; no source shows a filter."""
    need_legacy_paths(sim)
    return _cancel_all(sim, Mms, "mms")


def all_voice(sim: Simulation, _: Call) -> Answer:
    """PUT /voice/cancel-all: takes no filter (official specification); 403 unless the account may call."""
    need_voice(sim)
    return _cancel_all(sim, Voice, "voice")


def _cancel(sim: Simulation, call: Call, kind: type[Message], data: list[int] | None, channel: str) -> Answer:
    """Cancel one; too late, twice and unknown are the same 404."""
    found = sim.store.scheduled.get(call.path["message_id"].upper())
    if not isinstance(found, kind):
        raise not_found("Message record not found.")
    Cancelled(sim.now, found).apply(sim.store)
    return Answer(data, f"Scheduled {channel} message has been cancelled.")


def _cancel_all(
    sim: Simulation, kind: type[Message], channel: str, fits: Callable[[str], bool] = lambda _: True
) -> Answer:
    scheduled: list[Any] = [row for row in sim.store.scheduled.values() if isinstance(row, kind)]
    meant = [row for row in scheduled if fits(row.custom_string)]
    for row in meant:
        Cancelled(sim.now, row).apply(sim.store)
    return Answer({"count": len(meant)}, f"Scheduled {channel} messages have been cancelled.")
