"""What a run says of messages of which nobody knows whether they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from clicksend.ledger.records import Unknown

RECONCILE = "clicksend ledger reconcile"
LOOK = "clicksend ledger list --outcome unknown"
NO_HISTORY = frozenset({"notifications", "cancellations"})
"""The sinks of which no history shows what became of a row."""
MAY_SHOW = timedelta(days=1)
"""How long a message may take to show in its history."""
SHOWN_RUNS = 3


def next_command(unknown: Mapping[str, Unknown], now: datetime) -> str:
    """Return what a person does next: look them up while a history may come to show them, else decide."""
    young = [
        sink
        for sink, one in unknown.items()
        if sink not in NO_HISTORY and one.since is not None and one.since > now - MAY_SHOW
    ]
    return RECONCILE if young else LOOK


def sentence(unknown: Mapping[str, Unknown], now: datetime) -> str:
    """Return how many messages are unknown, since when, of which runs, and what to do.

    Args:
        unknown: By sink, at least one of them with messages that nobody is sending.
        now: The time.
    """
    open_ones = {sink: one for sink, one in unknown.items() if one.count}
    count = sum(one.count for one in open_ones.values())
    since = min(one.since for one in open_ones.values() if one.since is not None)
    run_ids = list(dict.fromkeys(run_id for one in open_ones.values() for run_id in one.run_ids))
    runs = ", ".join(run_ids[:SHOWN_RUNS])
    if more := len(run_ids) - SHOWN_RUNS:
        runs += f" and {more:,} more" if more > 0 else ""
    command = next_command(open_ones, now)
    messages = set(open_ones) != {"cancellations"}
    after = ""
    if command == LOOK:
        done = "sent" if messages else "done"
        after = f"; what you know was not {done}, reopen with clicksend ledger release"
    noun = "message" if messages else "cancellation"
    doubt = "has sent them. They are not sent again." if messages else "did it. It is not asked for again."
    return (
        f"{count:,} {f'{noun} is' if count == 1 else f'{noun}s are'} unknown"
        f" ({', '.join(f'{sink} {one.count:,}' for sink, one in sorted(open_ones.items()))}), since"
        f" {since:%Y-%m-%d %H:%M} UTC, from {'run' if len(run_ids) == 1 else 'runs'} {runs}: nobody knows"
        f" whether ClickSend {doubt} Next: {command}{after}."
    )


def leases(unknown: Mapping[str, Unknown]) -> str:
    """Return how many messages another run may be sending just now, and until when; "" where there are none.

    Args:
        unknown: By sink.
    """
    until = max((one.leased_until for one in unknown.values() if one.leased_until is not None), default=None)
    if until is None:
        return ""
    count = sum(one.leased for one in unknown.values())
    are = "message is" if count == 1 else "messages are"
    return (
        f"{count:,} {are} under the lease of another run until {until:%H:%M:%S} UTC: if that run is no longer"
        " there, a later one looks up what became of them."
    )
