"""The messages of the made-up world, and what becomes of each: statuses, reports, complaints, replies."""

from __future__ import annotations

from random import Random
from typing import NamedTuple, TypedDict

from clicksend.sandbox.world import texts
from clicksend.sandbox.world.account import campaign_message, complaint
from clicksend.sandbox.world.contacts import People, Person
from clicksend.sandbox.world.countries import PLACES, SHARED_NUMBER, any_place, pick, price
from clicksend.sandbox.world.events import Event, MessageSent, OptedOut, Replied, StatusChanged
from clicksend.sandbox.world.identifiers import random_uuid, time_uuid
from clicksend.sandbox.world.links import shortened
from clicksend.sandbox.world.rows import Delivery, Inbound, Message, Mms, Sms, Voice
from clicksend.sandbox.world.segments import parts

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_ON_NETWORK = "Success: Message sent successfully."
_ON_HANDSET = ("201", "Message delivered to the handset", "4", "Message delivered to the handset")
_NO_REASON = "Unknown error"

QUEUED = Delivery("Queued")
SCHEDULED = Delivery("Scheduled")
RECEIVED = Delivery("Received", final=True)
TEST_NUMBER = Delivery("Completed", final=True)
REFUSED = Delivery("Failed", final=True)
_WAITING = Delivery("WaitApproval")
_CANCELLED = Delivery("Cancelled", final=True)
_REVIEWED = Delivery("CancelledAfterReview", final=True)
_COMPLETED = Delivery("Completed")
_SENT = Delivery("Sent", "200", _ON_NETWORK)
_ARRIVED = Delivery("Sent", *_ON_HANDSET, final=True)
_ARRIVED_COMPLETED = Delivery("Completed", *_ON_HANDSET, final=True)
_BUSY = Delivery("Sent", "300", "Temporary network error.", "16", _NO_REASON)
_REROUTED = Delivery("Sent", "302", "Supplier routing issue.", "18", _NO_REASON)
_REASONS = (
    ("7", "Unknown failure."), ("8", "Unknown Subscriber."), ("9", "Unidentified Subscriber."),
    ("10", "Illegal Subscriber."), ("11", "SMS not supported."), ("12", "Absent Subscriber."),
    ("13", "Memory exceeded."), ("14", "Recipient network error."),
    ("15", "Rejected by the recipient network."), ("17", "Network timeout."), ("18", "Routing error."),
    ("19", "Anti-spam."), ("20", "Receipt expired."),
)  # fmt: skip
_LOST = tuple(Delivery("Failed", "301", reason, code, _NO_REASON, final=True) for code, reason in _REASONS)

MMS_QUEUED = Delivery("Queued:WaitSend")
_MMS_SENT = Delivery("Sent", None, "Sent")
_MMS_DONE = Delivery("Completed", "Completed", "Delivered", final=True)
_MMS_FAILED = Delivery("Failed", "Failed", "Not delivered", final=True)


class Leg(NamedTuple):
    """One step: between ``earliest`` and ``latest`` seconds after the step before, to one of ``outcomes``."""

    earliest: int
    latest: int
    outcomes: tuple[Delivery, ...]


class Journey(NamedTuple):
    """A first state and the steps after it; the first step counts from the schedule."""

    start: Delivery
    legs: tuple[Leg, ...]


_TO_NETWORK = Leg(2, 30, (_SENT,))
_QUICKLY = Leg(3, 20 * _MINUTE, (_ARRIVED, _ARRIVED, _ARRIVED, _ARRIVED_COMPLETED))
_LATE = Leg(_HOUR, 70 * _HOUR, (_ARRIVED,))
_DELIVERED = Journey(QUEUED, (_TO_NETWORK, _QUICKLY))
_FAILS = Journey(QUEUED, (_TO_NETWORK, Leg(10, 2 * _HOUR, _LOST)))
_SMS: tuple[tuple[int, Journey], ...] = (
    (70, _DELIVERED),
    (3, Journey(QUEUED, (_TO_NETWORK, _LATE))),
    (9, _FAILS),
    (
        4,
        Journey(
            QUEUED, (_TO_NETWORK, Leg(20, 600, (_BUSY,)), Leg(_HOUR, 69 * _HOUR, (_ARRIVED, *_LOST[4:6])))
        ),
    ),
    (2, Journey(QUEUED, (_TO_NETWORK, Leg(20, 600, (_REROUTED,)), Leg(60, 6 * _HOUR, (_ARRIVED,))))),
    (5, Journey(QUEUED, (_TO_NETWORK,))),
    (3, Journey(QUEUED, (Leg(1, 5, (_COMPLETED,)), Leg(5, 300, (_SENT,)), _QUICKLY))),
    (2, Journey(_WAITING, (Leg(600, 24 * _HOUR, (_SENT,)), _QUICKLY))),
    (1, Journey(_WAITING, (Leg(600, 24 * _HOUR, (_REVIEWED,)),))),
    (1, Journey(REFUSED, ())),
)
_JOURNEYS = tuple(journey for share, journey in _SMS for _ in range(share))
_SCHEDULED = (
    *(Journey(SCHEDULED, _DELIVERED.legs),) * 8,
    Journey(SCHEDULED, _FAILS.legs),
    Journey(SCHEDULED, (Leg(-2 * _HOUR, -_HOUR, (_CANCELLED,)),)),
)
_MMS = (
    *(Journey(MMS_QUEUED, (Leg(5, 60, (_MMS_SENT,)), Leg(10, 2 * _HOUR, (_MMS_DONE,)))),) * 8,
    Journey(QUEUED, (Leg(5, 60, (_MMS_SENT,)),)),
    Journey(MMS_QUEUED, (Leg(30, 2 * _HOUR, (_MMS_FAILED,)),)),
)
_VOICE = (
    *(Journey(QUEUED, (Leg(20, 120, (_ARRIVED_COMPLETED,)),)),) * 8,
    Journey(QUEUED, (Leg(20, 60, (_BUSY,)), Leg(300, 2 * _HOUR, (_ARRIVED_COMPLETED, _LOST[5])))),
    Journey(REFUSED, ()),
)


_SENT_LEGS = {
    channel: tuple(journey.legs for journey in known if journey.start in {QUEUED, MMS_QUEUED})
    for channel, known in (("sms", _JOURNEYS), ("mms", _MMS), ("voice", _VOICE))
}


def sms_journey(rng: Random) -> Journey:
    """Draw what becomes of a text message that is sent at once."""
    return pick(rng, _JOURNEYS)


def sent_legs(rng: Random, channel: str) -> tuple[Leg, ...]:
    """Draw what becomes of a message that a call has sent: nobody reviews it, it is not refused later."""
    return pick(rng, _SENT_LEGS[channel])


def scheduled_journey(rng: Random) -> Journey:
    """Draw what becomes of a scheduled message; some are cancelled one to two hours before their time."""
    return pick(rng, _SCHEDULED)


def mms_journey(rng: Random) -> Journey:
    """Draw what becomes of a picture message; its codes are words, as in the documentation's example."""
    return pick(rng, _MMS)


def voice_journey(rng: Random) -> Journey:
    """Draw what becomes of a call."""
    return pick(rng, _VOICE)


FREE = "0.0000"
ANSWERED, STOPPED = 0.09, 0.07
"""Share of text messages that are answered, and of the answers that say STOP."""
_UNASKED = 0.1
_REPORTED_WHEN_SENT = 0.25
_KEYS: tuple[tuple[str | None, ...], ...] = (("1",), ("1",), ("2",), ("1", "2"), (None,))


def travel(rng: Random, message: Message, legs: tuple[Leg, ...], channel: str) -> list[Event]:
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
        delivery=RECEIVED,
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


TEST_NUMBERS = ("+61411111111", "+61422222222", "+61433333333")
"""Numbers that ClickSend accepts for tests: nothing is sent, nothing is charged, no receipt follows."""
_TO_CONTACT = 0.7  # shares of the text messages, and of what follows from them
_SCHEDULED_SHARE = 0.03
_TO_TEST_NUMBER = 0.01
_WITH_ORDER = 0.4
_MACHINE = 0.2
_INBOUND_MMS = 0.1
_BY_EMAIL = 0.05
_CARRIER_UNKNOWN = 0.1
_PLACES = {place.code: place for place in PLACES}


class Address(NamedTuple):
    """Where a message goes; ``person`` when it was sent through a list."""

    to: str
    country: str
    carrier: str
    sender: str
    name: str
    person: Person | None


class _Common(TypedDict):
    """The fields that every message takes from its address."""

    date: int
    to: str
    sender: str
    body: str
    custom_string: str
    country: str
    carrier: str
    list_id: int | None
    contact_id: int | None
    first_name: str | None
    last_name: str | None


class Composer:
    """Draws messages with all that follows from them; every event of one message is returned at once."""

    def __init__(self, rng: Random, people: People) -> None:
        self._rng = rng
        self._people = people

    def sms(self, at: int, campaign: int | None) -> list[Event]:
        """Compose a text message: one of campaign number ``campaign``, or a single one."""
        rng = self._rng
        address = self._address(listed=campaign is not None)
        if campaign is not None:
            label, text = texts.CAMPAIGNS[campaign % len(texts.CAMPAIGNS)]
            custom_string = f"{label}-{campaign:03d}"
        else:
            text = pick(rng, texts.TRANSACTIONAL)
            custom_string = f"order-{rng.getrandbits(20)}" if rng.random() < _WITH_ORDER else ""
        body = text.format(name=address.name, number=100_000 + rng.getrandbits(19))
        message_id = time_uuid(rng, at)
        body = shortened(body, message_id)
        message = Sms(
            message_id=message_id,
            schedule=at,
            parts=parts(body),
            price=FREE,
            delivery=QUEUED,
            from_email="sender@example.com" if rng.random() < _BY_EMAIL else None,
            **_common(address, at, body, custom_string),
        )
        if campaign is None and rng.random() < _TO_TEST_NUMBER:
            return [_to_test_number(message, pick(rng, TEST_NUMBERS), at)]
        journey = sms_journey(rng)
        if campaign is None and rng.random() < _SCHEDULED_SHARE:
            message.schedule = at + int(rng.uniform(3 * _HOUR, 45 * _DAY))
            journey = scheduled_journey(rng)
        events = self._send(at, message, journey, "sms") + self._answers(message, address.person)
        return events if campaign is None else events + campaign_message(at, campaign, message, label, text)

    def mms(self, at: int) -> list[Event]:
        """Compose a picture message; some come in."""
        rng = self._rng
        address = self._address(listed=False)
        message = Mms(
            message_id=random_uuid(rng),
            schedule=at,
            parts=1,
            price=FREE,
            delivery=MMS_QUEUED,
            subject=pick(rng, texts.SUBJECTS),
            media_url=f"https://media.example.com/{rng.getrandbits(64):x}.jpg?Expires={at + _DAY}&Sig=a%2B",
            **_common(address, at, pick(rng, texts.TRANSACTIONAL).format(name=address.name, number=at), ""),
        )
        if rng.random() < _INBOUND_MMS:
            message.direction, message.delivery, message.schedule = "in", RECEIVED, None
            message.to, message.sender = SHARED_NUMBER, message.to
            return [MessageSent(at, message)]
        return self._send(at, message, mms_journey(rng), "mms")

    def voice(self, at: int) -> list[Event]:
        """Compose a call; keys that were pressed arrive with the last report, one receipt for each."""
        rng = self._rng
        address = self._address(listed=False)
        body = pick(rng, texts.SPOKEN).format(name=address.name, number=rng.getrandbits(17))
        lang, _, genders = pick(rng, texts.VOICE_LANGUAGES)
        message = Voice(
            message_id=random_uuid(rng),
            schedule=at,
            parts=1,
            price=FREE,
            delivery=QUEUED,
            lang=lang,
            voice=pick(rng, tuple(genders.split())),
            to_type="mobile",
            require_input=int("Press" in body),
            machine_detection=rng.getrandbits(1),
            **_common(address, at, body, ""),
        )
        message.machine_detected = int(rng.random() < _MACHINE) if message.machine_detection else None
        return self._send(at, message, voice_journey(rng), "voice")

    def _send(self, at: int, message: Message, journey: Journey, channel: str) -> list[Event]:
        """Enter the message into the history and let it travel; a refused one has no schedule, no parts."""
        message.delivery = journey.start
        if journey.start is REFUSED:
            message.schedule, message.parts = None, 0
            return [MessageSent(at, message)]
        message.price = price(channel, message.country, message.parts)
        return [MessageSent(at, message), *travel(self._rng, message, journey.legs, channel)]

    def _answers(self, message: Sms, person: Person | None) -> list[Event]:
        """Let the recipient answer; nobody writes any more to a contact that says STOP."""
        events = answers(self._rng, message)
        if person is not None and any(isinstance(event, OptedOut) for event in events):
            self._people.leave(person)
        return events

    def _address(self, *, listed: bool) -> Address:
        """Draw a recipient: a contact through its list, a contact's number, or a number nobody has stored."""
        rng = self._rng
        reachable = self._people.reachable
        if reachable and (listed or rng.random() < _TO_CONTACT):
            person = reachable[int(rng.random() * len(reachable))]
            place, to = _PLACES[person.country], person.phone_number
        else:
            person, place = None, any_place(rng)
            to = place.number(rng)
        carrier = "" if rng.random() < _CARRIER_UNKNOWN else pick(rng, place.carriers)
        name = person.first_name if person else pick(rng, texts.FIRST_NAMES)
        through_list = person if listed else None
        return Address(to, place.code, carrier, pick(rng, place.senders), name, through_list)


def _common(address: Address, at: int, body: str, custom_string: str) -> _Common:
    person = address.person
    return {
        "date": at,
        "to": address.to,
        "sender": address.sender,
        "body": body,
        "custom_string": custom_string,
        "country": address.country,
        "carrier": address.carrier,
        "list_id": person.list_id if person else None,
        "contact_id": person.contact_id if person else None,
        "first_name": person.first_name if person else None,
        "last_name": person.last_name if person else None,
    }


def _to_test_number(message: Sms, number: str, at: int) -> MessageSent:
    message.to, message.country, message.carrier = number, "AU", ""
    message.parts, message.delivery = 0, TEST_NUMBER
    return MessageSent(at, message)
