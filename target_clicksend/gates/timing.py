"""All gates for time, in the order in which they must be passed."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from target_clicksend.gates.age import check_age
from target_clicksend.gates.message import Message
from target_clicksend.gates.quiet_hours import QuietHours
from target_clicksend.gates.schedule import check_schedule


def timed(message: Message, quiet_hours: QuietHours | None, now: datetime) -> Message:
    """Return a message with the schedule to send it with; ask again when it has waited before it is sent.

    Raises:
        Held: It must wait for the end of quiet hours.
        Rejected: It is expired, or its time cannot be.
    """
    message = _scheduled(message, check_schedule(message.schedule, now))
    if quiet_hours:
        message = _scheduled(message, check_schedule(quiet_hours.place(message, now), now))
    check_age(message, now)
    return message


def _scheduled(message: Message, schedule: int | None) -> Message:
    return message if schedule == message.schedule else replace(message, schedule=schedule)
