"""The gate for ``schedule``: neither long past, nor further ahead than ClickSend keeps messages."""

from __future__ import annotations

from datetime import datetime

from target_clicksend.row import Rejected

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
