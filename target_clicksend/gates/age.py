"""The gate for age: a text that comes too late is worse than none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from target_clicksend.gates.message import Message
from target_clicksend.gates.moments import LocalTimes, read_moment
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
