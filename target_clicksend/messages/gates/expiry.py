"""The gate for time: a text that comes too late is worse than none.

A schedule must be neither long past nor further ahead than ClickSend keeps messages; quiet hours may move it;
then age and ``send_before`` are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from target_clicksend.messages.gates.quiet_hours import QuietHours
from target_clicksend.messages.message import Message
from target_clicksend.messages.moments import LocalTimes, read_moment
from target_clicksend.row import Rejected, Values


def read_stale_at(values: Values, config: Mapping[str, Any], local_times: LocalTimes) -> int | None:
    """Return from when on (Unix seconds) a row is too old, None where ``max_row_age_hours`` is not set.

    Raises:
        Rejected: Nobody can tell how old it is.
    """
    hours = config.get("max_row_age_hours")
    if hours is None:
        return None
    column = config["created_at_column"]
    created_at = read_moment(values, column, local_times)
    if created_at is None:
        raise Rejected(f"{column} is missing or null: the row's age (max_row_age_hours) is counted from it")
    return created_at + int(hours * 3600)


def check_age(message: Message, now: datetime) -> None:
    """Turn away what is too old now, or what would be sent too late.

    Raises:
        Rejected: It is expired.
    """
    at = now.timestamp()
    if message.stale_at is not None and at > message.stale_at:
        raise Rejected("expired: the row is older than max_row_age_hours")
    if message.send_before is None:
        return
    if at >= message.send_before:
        raise Rejected("expired: send_before has passed")
    if message.schedule is not None and message.schedule >= message.send_before:
        raise Rejected("expired: it would be sent after send_before")


def check_age_settings(config: Mapping[str, Any]) -> str | None:
    """Return what is wrong with ``max_row_age_hours`` and ``created_at_column``, None when nothing is."""
    if config.get("max_row_age_hours") is not None and not config.get("created_at_column"):
        return "max_row_age_hours needs created_at_column: the column that says when a row was made"
    return None


LATEST_START = 3600
"""Seconds after which a message whose time has passed is not sent any more."""
DAYS_AHEAD = 120
"""What is more than four months ahead is not sent, and nobody says so (ClickSend's help); no four months are
shorter than 120 days."""


def check_schedule(schedule: int | None, now: datetime) -> int | None:
    """Return a schedule as it may be sent: None (now) for one that has just passed.

    Args:
        schedule: Unix seconds, None for now.
        now: The time.

    Raises:
        Rejected: It is over an hour past, or more than 120 days ahead.
    """
    if schedule is None:
        return None
    ahead = schedule - now.timestamp()
    if ahead < -LATEST_START:
        raise Rejected("expired: its schedule is over an hour past")
    if ahead > DAYS_AHEAD * 86_400:
        raise Rejected(
            f"schedule is more than {DAYS_AHEAD} days ahead: ClickSend does not send what is more than four"
            " months ahead"
        )
    return schedule if ahead > 0 else None


def timed(message: Message, quiet_hours: QuietHours | None, now: datetime) -> Message:
    """Return a message with the schedule to send it with; ask again when it has waited before it is sent.

    Raises:
        Postponed: It must wait for the end of quiet hours.
        Rejected: It is expired, or its time cannot be.
    """
    message = _scheduled(message, check_schedule(message.schedule, now))
    if quiet_hours:
        message = _scheduled(message, check_schedule(quiet_hours.place(message, now), now))
    check_age(message, now)
    return message


def _scheduled(message: Message, schedule: int | None) -> Message:
    return message if schedule == message.schedule else replace(message, schedule=schedule)
