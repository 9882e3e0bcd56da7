"""What follows from a message that was sent: reports of the network, complaints, a reply."""

from random import Random

from clicksend.sandbox import journeys, texts
from clicksend.sandbox.dealings import complaint
from clicksend.sandbox.events import Event, OptedOut, Replied, StatusChanged
from clicksend.sandbox.identifiers import time_uuid
from clicksend.sandbox.places import SHARED_NUMBER, pick
from clicksend.sandbox.rows import Delivery, Inbound, Message, Sms, Voice
from clicksend.sandbox.segments import parts

_HOUR = 3600
FREE = "0.0000"
ANSWERED, STOPPED = 0.09, 0.07
"""Share of text messages that are answered, and of the answers that say STOP."""
_UNASKED = 0.1
_REPORTED_WHEN_SENT = 0.25
_KEYS: tuple[tuple[str | None, ...], ...] = (("1",), ("1",), ("2",), ("1", "2"), (None,))


def travel(rng: Random, message: Message, legs: tuple[journeys.Leg, ...], channel: str) -> list[Event]:
    """Let a message travel from its schedule on: every report, and complaints where it is lost."""
    events: list[Event] = []
    moment = message.schedule or message.date
    for leg in legs:
        moment += leg.earliest + int(rng.random() * (leg.latest - leg.earliest))
        delivery = pick(rng, leg.outcomes)
        events.append(_report(rng, moment, message, delivery))
        if delivery.code == "301":
            events += complaint(moment, message, channel)
    return events


def _report(rng: Random, moment: int, message: Message, delivery: Delivery) -> StatusChanged:
    sent_only = delivery.code == "200" and rng.random() >= _REPORTED_WHEN_SENT
    reported = delivery.code is not None and not sent_only
    if isinstance(message, Voice) and message.require_input and delivery.code == "201":
        return StatusChanged(moment, message, delivery, reported, pick(rng, _KEYS))
    return StatusChanged(moment, message, delivery, reported)


def answers(rng: Random, message: Sms) -> list[Event]:
    """Let the recipient answer, or not; STOP takes a contact out of the list that was messaged."""
    if rng.random() >= ANSWERED or message.schedule is None:
        return []
    at = message.schedule + 60 + int(rng.random() ** 3 * 6 * _HOUR)
    listed = message.list_id is not None and message.contact_id is not None
    stop = rng.random() < STOPPED and listed
    body = pick(rng, texts.STOP_WORDS) if stop else pick(rng, texts.REPLIES)
    events: list[Event] = [_reply(rng, at, message, body)]
    if stop:
        events.append(OptedOut(at, message.list_id or 0, message.contact_id or 0, message))
    return events


def _reply(rng: Random, at: int, message: Sms, body: str) -> Replied:
    message_id = time_uuid(rng, at)
    receiver = message.sender if message.sender.startswith("+") else SHARED_NUMBER
    row = Sms(
        message_id=message_id,
        date=at,
        direction="in",
        to=receiver,
        sender=message.to,
        body=body,
        schedule=None,
        parts=parts(body),
        price=FREE,
        custom_string=message.custom_string,
        country=message.country,
        carrier=message.carrier,
        delivery=journeys.RECEIVED,
        contact_id=message.contact_id,
    )
    inbound = Inbound(
        message_id=message_id,
        timestamp=at,
        sender=message.to,
        to=receiver,
        body=body,
        custom_string=message.custom_string,
    )
    if rng.random() >= _UNASKED:
        inbound.original_message_id, inbound.original_body = message.message_id, message.body
    return Replied(at, row, inbound, message)
