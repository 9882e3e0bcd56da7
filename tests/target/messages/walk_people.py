"""What must hold for the people whom a random walk writes to, judged without any code of the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.target.stepping import Worker

Arrival = dict[str, Any]
"""A message as the sandbox shows it."""
SLACK = timedelta(minutes=10)
"""Between the judgement of a message and its request, at most: claims hold no longer."""


@dataclass
class People:
    """Who has opted out, and since when.

    Attributes:
        lag: Seconds until a reply shows in the history, at most.
        stops: When somebody first replied STOP, by number.
        listed: When somebody was put on the Opt-Out List, and was taken off it, by number.
    """

    lag: timedelta = timedelta()
    stops: dict[str, datetime] = field(default_factory=dict)
    listed: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)

    def have_opted_out(self, number: str, known: datetime, now: datetime) -> bool:
        """Return whether a number had opted out by a time, and has not come back since."""
        stop = self.stops.get(number)
        if stop is not None and stop + self.lag < known:
            return True
        return any(
            since < known and (until is None or until > now) for since, until in self.listed.get(number, [])
        )


@dataclass
class Delivery:
    """One row of a message in the input of one run.

    Attributes:
        number: Its place in the input, from 1.
        text: What its body is, with its template as the rows before it leave it; None: it has none.
    """

    worker: Worker
    number: int
    sink: str
    row: dict[str, Any]
    text: str | None


def deliveries(worker: Worker, templates: Mapping[str, str]) -> Iterator[Delivery]:
    """Yield the messages of an input.

    Args:
        worker: The run.
        templates: Body by name, as they are when it begins.
    """
    there = dict(templates)
    for number, (sink, row) in enumerate(worker.rows, 1):
        if sink == "sms_templates":
            there.pop(row["template_name"], None)
            if "body" in row:
                there[row["template_name"]] = row["body"]
        elif "from" in row:
            name = row.get("template_name")
            body = there.get(name) if name else row["body"]
            yield Delivery(
                worker, number, sink, row, body and body.replace("{name}", row["name"]) if name else body
            )


def wrongs(one: Delivery, arrival: Arrival, people: People) -> Iterator[str]:
    """Yield what is wrong with a message that a run has sent."""
    row, config = one.row, one.worker.config
    at, due = (datetime.fromtimestamp(arrival[name], UTC) for name in ("at", "schedule"))
    if arrival["to"] != row["to"]:
        yield "it went to somebody else"
    if arrival["body"] != one.text:
        yield f"its text should be {one.text!r}"
    if "_sdc_deleted_at" in row:
        yield "its row is deleted"
    if due.timestamp() >= row.get("send_before", float("inf")):
        yield "it is late: send_before"
    if due.timestamp() < row.get("schedule", 0) or at.timestamp() > row.get("schedule", 2e9) + 3600:
        yield "it is early, or an hour late: schedule"
    zone, quiet = row.get("time_zone", "UTC"), config.get("quiet_hours")
    if row.get("purpose") != "transactional" and is_quiet(quiet, due, zone):
        yield "it comes in quiet hours"
    yield from _opted_out(one, at, people)
    yield from _taken_back(one, arrival, at)


def _opted_out(one: Delivery, at: datetime, people: People) -> Iterator[str]:
    config = one.worker.config
    if config["opt_out"] == "ignore":
        return
    if one.row["opted_out"]:
        yield "its row says that the recipient has opted out"
    known = at - timedelta(hours=config["opt_out_max_age"])
    if config["opt_out"] == "enforce" and people.have_opted_out(one.row["to"], known, at):
        yield "the recipient has opted out"


def _taken_back(one: Delivery, arrival: Arrival, at: datetime) -> Iterator[str]:
    """Yield what rows behind it, that had arrived before it was sent, say against it."""
    worker, sender = one.worker, one.row["from"]
    read = max(
        (each.read for each in worker.requests if each.began == at and sender in each.senders), default=0
    )
    for number, (sink, row) in enumerate(worker.rows[one.number : read], one.number + 1):
        if is_deletion_of(sink, row, one.sink, one.row):
            yield f"row {number} deletes it"
        if sink != "cancellations" or not channel_meant(row, arrival["channel"]):
            continue
        string, came = row.get("custom_string"), worker.came[number].timestamp()
        if string and string == one.row.get("custom_string"):
            yield f"row {number} cancels it"
        if string == "*" and one.row.get("schedule", 0) > came and arrival["schedule"] > arrival["at"]:
            yield f"row {number} cancels all that is scheduled"


def is_deletion_of(sink: str, row: dict[str, Any], other_sink: str, other: dict[str, Any]) -> bool:
    """Return whether a row says that another one was deleted."""
    same = sink == other_sink and row.get("idempotency_key") == other["idempotency_key"]
    return same and "_sdc_deleted_at" in row


def channel_meant(row: dict[str, Any], channel: str) -> bool:
    """Return whether a row of cancellations means a channel."""
    return channel in ([row["channel"]] if "channel" in row else ["sms", "voice"])


def is_quiet(setting: Mapping[str, str] | None, moment: datetime, zone: str) -> bool:
    """Return whether a moment is in somebody's quiet hours."""
    if not setting:
        return False
    local, start, end = f"{moment.astimezone(ZoneInfo(zone)):%H:%M}", setting["start"], setting["end"]
    return start <= local < end if start < end else local >= start or local < end


def repeated(one: Delivery, arrival: Arrival, others: list[tuple[Delivery, Arrival]]) -> Iterator[str]:
    """Yield which others gave the recipient the same within the run's window."""
    hours = one.worker.config.get("dedupe_window_hours")
    if not hours:
        return
    since = arrival["at"] - hours * 3600 + SLACK.total_seconds()
    for other, before in others:
        same = before["to"] == arrival["to"] and before["body"] == arrival["body"]
        # All that the recipient gets: pictures have their own texts beside the body.
        alike = (other.sink, other.row.get("media_file")) == (one.sink, one.row.get("media_file"))
        if same and (alike or "mms_messages" not in (one.sink, other.sink)) and before["at"] > since:
            yield f"it had the same text at {before['at']}"


def left_scheduled(
    worker: Worker, number: int, found: list[tuple[Delivery, Arrival]]
) -> Iterator[tuple[Delivery, Arrival]]:
    """Yield what a row of cancellations, or a deleted row, of a run that is over should have cancelled.

    Args:
        worker: The run.
        number: The row's number.
        found: All that had been sent when the row arrived.
    """
    sink, row = worker.rows[number - 1]
    (outcome,) = worker.outcomes[number]
    for one, arrival in found:
        if arrival["status"] != "Scheduled" or arrival["channel"] == "mms":
            continue
        if sink == "cancellations":
            # One that was carried out before means what this run has sent only.
            done = outcome in ("cancelled", "rejected") or (outcome == "unchanged" and one.worker is worker)
            # Of everything some may be left, which its run says: it is not asked for twice.
            done = done and not (row.get("custom_string") == "*" and worker.target.run.failed)
            is_meant = done and _is_cancelled_by(row, one, arrival)
        else:
            done = outcome in ("cancelled", "suppressed") and worker.config["cancel_deleted"]
            is_meant = done and is_deletion_of(sink, row, one.sink, one.row)
        if is_meant:
            yield one, arrival


def _is_cancelled_by(row: dict[str, Any], one: Delivery, arrival: Arrival) -> bool:
    if not channel_meant(row, arrival["channel"]):
        return False
    if "message_id" in row:
        return bool(row["message_id"] == arrival["message_id"])
    return row["custom_string"] in ("*", one.row.get("custom_string"))


def sent_before(worker: Worker, number: int, one: Delivery, arrival: Arrival) -> bool:
    """Return whether a message had been sent when a row of a run arrived."""
    if one.worker is not worker:
        return arrival["at"] <= min(worker.came.values()).timestamp()
    sender = one.row["from"]
    return any(sender in each.senders and each.read < number for each in worker.requests)
