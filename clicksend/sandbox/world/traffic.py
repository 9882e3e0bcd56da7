"""The messages of the made-up world, and what follows from each: reports, complaints, replies."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import NamedTuple, TypedDict

from clicksend.sandbox.world import texts
from clicksend.sandbox.world.account import CampaignEnded, CampaignSent, complaint
from clicksend.sandbox.world.campaigns import Recipient
from clicksend.sandbox.world.contacts import People, Person
from clicksend.sandbox.world.countries import PLACES, SHARED_NUMBER, Place, any_place, carrier, pick, price
from clicksend.sandbox.world.events import Event, MessageSent, OptedOut, Replied, StatusChanged
from clicksend.sandbox.world.identifiers import random_uuid, time_uuid
from clicksend.sandbox.world.journeys import (
    CANCELLED_IN_TIME,
    JOURNEYS,
    MMS_QUEUED,
    QUEUED,
    RECEIVED,
    REFUSED,
    SCHEDULED,
    TEST_NUMBER,
    Journey,
    Leg,
    legs_in_outage,
    sent_legs,
    sms_journey,
)
from clicksend.sandbox.world.links import shortened
from clicksend.sandbox.world.profiles import OUTAGE
from clicksend.sandbox.world.rhythm import Hour, local_time
from clicksend.sandbox.world.rows import Delivery, Inbound, Message, Mms, Sms, Voice
from clicksend.sandbox.world.segments import parts

_HOUR, _DAY = 3600, 86_400
FREE = "0.0000"
_ANSWERED, _STOPPED = 0.09, 0.015
"""Shares of the text messages that arrived: those that are answered, and that are answered with a STOP."""
_CANCELLED_SHARE = 0.1
_UNASKED = 0.1
_REPORTED_WHEN_SENT = 0.25
_KEYS: tuple[tuple[str | None, ...], ...] = (("1",), ("1",), ("2",), ("1", "2"), (None,))


def travel(rng: Random, message: Message, legs: tuple[Leg, ...], channel: str) -> list[Event]:
    """Let a message travel from its schedule on: every report, and complaints where it is lost."""
    events: list[Event] = []
    moment = message.schedule or message.date
    for leg in legs:
        moment += pick(rng, leg.delays)
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


def answers(rng: Random, message: Sms, events: list[Event]) -> list[Event]:
    """Let the recipient answer what has arrived, or not; only who is in a list says STOP.

    ``events`` are those of the message's travel.
    """
    at = _arrival(events)
    if at is None:
        return []
    listed = message.list_id is not None and message.contact_id is not None
    return _answer(rng, message, at, stop=listed and rng.random() < _STOPPED)


def _arrival(events: list[Event]) -> int | None:
    """Return when a message arrives that has these events; None when it does not."""
    last = events[-1] if events else None
    return last.at if isinstance(last, StatusChanged) and last.delivery.code == "201" else None


def _answer(rng: Random, message: Sms, at: int, *, stop: bool) -> list[Event]:
    """Answer a message that arrived at a time; one that begins with STOP takes the contact out of its list.

    That is the rule that every account begins with: other words that mean it change nothing.
    """
    if not stop and rng.random() >= _ANSWERED:
        return []
    at += 60 + int(rng.random() ** 3 * 6 * _HOUR)
    body = pick(rng, texts.STOP_WORDS) if stop else pick(rng, texts.REPLIES)
    events: list[Event] = [_reply(rng, at, message, body)]
    if stop and body.casefold().startswith("stop"):
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
_SCHEDULED_SHARE = 0.07
_TO_TEST_NUMBER = 0.015
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
    """Draws messages with all that follows from them; every event of one message is returned at once.

    Args:
        rng: Draws everything but the people.
        people: Whom to write to.
        sale: The day of the first sale, on which a network is out.
    """

    def __init__(self, rng: Random, people: People, sale: date) -> None:
        self._rng = rng
        self._people = people
        self._out_from = local_time(sale, OUTAGE.begins, OUTAGE.country)
        self._out_until = local_time(sale, OUTAGE.ends, OUTAGE.country)

    def sms(self, at: int, hour: Hour) -> list[Event]:
        """Compose a text message that belongs to no campaign."""
        rng = self._rng
        address = self._anybody(hour)
        custom_string = f"order-{rng.getrandbits(20)}" if rng.random() < _WITH_ORDER else ""
        message = self._text(at, address, pick(rng, texts.TRANSACTIONAL), custom_string)
        if rng.random() < _TO_TEST_NUMBER:
            return [_to_test_number(message, pick(rng, TEST_NUMBERS), at)]
        if rng.random() < _SCHEDULED_SHARE:
            message.schedule = at + _DAY * int(rng.uniform(1, 45))
            journey = self._scheduled_journey(message)
        else:
            journey = self._journey(message)
        events = self._send(at, message, journey, "sms")
        return events + answers(rng, message, events)

    def campaign_sms(self, at: int, recipient: Recipient) -> list[Event]:
        """Compose a message of a campaign; nobody writes any more to a contact that says STOP."""
        rng = self._rng
        mailing, person = recipient.mailing, recipient.person
        campaign = mailing.campaign
        place = _PLACES[person.country] if person else any_place(rng)
        address = self._address(place, person, person)
        campaign.sender = campaign.sender or address.sender
        message = self._text(at, address, mailing.text, campaign.custom_string)
        sent, *others = self._send(at, message, self._journey(message), "sms")
        events: list[Event] = [CampaignSent(sent.at, message, campaign), *others]
        arrived = _arrival(others)
        if arrived is not None:
            stop = person is not None and not recipient.again and mailing.is_stop()
            events += _answer(rng, message, arrived, stop=stop)
            if person is not None and isinstance(events[-1], OptedOut):
                self._people.leave(person)
        if recipient.last:
            events.append(CampaignEnded(at + _HOUR, campaign.sms_campaign_id, "Sent"))
        return events

    def _text(self, at: int, address: Address, text: str, custom_string: str) -> Sms:
        rng = self._rng
        message_id = time_uuid(rng, at)
        body = text.format(name=address.name, number=100_000 + rng.getrandbits(19))
        body = shortened(body, message_id)
        return Sms(
            message_id=message_id,
            schedule=at,
            parts=parts(body),
            price=FREE,
            delivery=QUEUED,
            from_email="sender@example.com" if rng.random() < _BY_EMAIL else None,
            **_common(address, at, body, custom_string),
        )

    def _journey(self, message: Sms) -> Journey:
        """Draw what becomes of a message that is sent at once."""
        legs = self._legs_in_outage(message)
        return Journey(QUEUED, legs) if legs else sms_journey(self._rng, message)

    def _scheduled_journey(self, message: Sms) -> Journey:
        """Draw what becomes of a scheduled message; some are cancelled one to two hours before their time."""
        if self._rng.random() < _CANCELLED_SHARE:
            return CANCELLED_IN_TIME
        legs = self._legs_in_outage(message) or sent_legs(self._rng, message, "sms")
        return Journey(SCHEDULED, legs)

    def _legs_in_outage(self, message: Sms) -> tuple[Leg, ...]:
        """Draw what becomes of a message whose network is out when it is sent; () when it is not."""
        sent = message.schedule or message.date
        is_out = self._out_from <= sent < self._out_until and message.carrier == OUTAGE.carrier
        if not is_out or message.country != OUTAGE.country:
            return ()
        return legs_in_outage(self._rng, self._out_until - sent)

    def mms(self, at: int, hour: Hour) -> list[Event]:
        """Compose a picture message; some come in."""
        rng = self._rng
        address = self._anybody(hour)
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
        return self._send(at, message, pick(rng, JOURNEYS["mms"]), "mms")

    def voice(self, at: int, hour: Hour) -> list[Event]:
        """Compose a call; keys that were pressed arrive with the last report, one receipt for each."""
        rng = self._rng
        address = self._anybody(hour)
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
        return self._send(at, message, pick(rng, JOURNEYS["voice"]), "voice")

    def _send(self, at: int, message: Message, journey: Journey, channel: str) -> list[Event]:
        """Enter the message into the history and let it travel; a refused one has no schedule, no parts."""
        message.delivery = journey.start
        if journey.start is REFUSED:
            message.schedule, message.parts = None, 0
            return [MessageSent(at, message)]
        message.price = price(channel, message.country, message.parts)
        return [MessageSent(at, message), *travel(self._rng, message, journey.legs, channel)]

    def _anybody(self, hour: Hour) -> Address:
        """Draw a recipient where it is day: a contact's number, or one that nobody has stored."""
        rng = self._rng
        place = hour.place(rng)
        known = self._people.someone(rng, place.code) if rng.random() < _TO_CONTACT else None
        return self._address(place, known, None)

    def _address(self, place: Place, known: Person | None, through_list: Person | None) -> Address:
        rng = self._rng
        to = known.phone_number if known else place.number(rng)
        through = "" if rng.random() < _CARRIER_UNKNOWN else carrier(place.code, to)
        name = known.first_name if known else pick(rng, texts.FIRST_NAMES)
        return Address(to, place.code, through, pick(rng, place.senders), name, through_list)


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
