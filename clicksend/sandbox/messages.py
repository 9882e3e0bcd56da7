"""Composes the messages of the made-up world, each with all that follows from it."""

from random import Random
from typing import NamedTuple, TypedDict

from clicksend.sandbox import journeys, texts
from clicksend.sandbox.dealings import campaign_message
from clicksend.sandbox.events import Event, MessageSent, OptedOut
from clicksend.sandbox.following import FREE, answers, travel
from clicksend.sandbox.identifiers import random_uuid, time_uuid
from clicksend.sandbox.links import shortened
from clicksend.sandbox.people import People, Person
from clicksend.sandbox.places import PLACES, SHARED_NUMBER, any_place, pick, price
from clicksend.sandbox.rows import Message, Mms, Sms, Voice
from clicksend.sandbox.segments import parts

_HOUR, _DAY = 3600, 86_400
TEST_NUMBERS = ("+61411111111", "+61422222222", "+61433333333")
"""Numbers that ClickSend accepts for tests: nothing is sent, nothing is charged, no receipt follows."""
_TO_CONTACT = 0.7  # shares of the text messages, and of what follows from them
_SCHEDULED = 0.03
_TO_TEST_NUMBER = 0.01
_WITH_ORDER = 0.4
_MACHINE = 0.2
_INBOUND_MMS = 0.1
_BY_EMAIL = 0.05
_CARRIER_UNKNOWN = 0.1
_PLACES = {place.code: place for place in PLACES}


class Address(NamedTuple):
    """Where a message goes; `person` when it was sent through a list."""

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
        """Compose a text message: one of campaign number `campaign`, or a single one."""
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
            delivery=journeys.QUEUED,
            from_email="sender@example.com" if rng.random() < _BY_EMAIL else None,
            **_common(address, at, body, custom_string),
        )
        if campaign is None and rng.random() < _TO_TEST_NUMBER:
            return [_to_test_number(message, pick(rng, TEST_NUMBERS), at)]
        journey = journeys.sms_journey(rng)
        if campaign is None and rng.random() < _SCHEDULED:
            message.schedule = at + int(rng.uniform(3 * _HOUR, 45 * _DAY))
            journey = journeys.scheduled_journey(rng)
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
            delivery=journeys.MMS_QUEUED,
            subject=pick(rng, texts.SUBJECTS),
            media_url=f"https://media.example.com/{rng.getrandbits(64):x}.jpg?Expires={at + _DAY}&Sig=a%2B",
            **_common(address, at, pick(rng, texts.TRANSACTIONAL).format(name=address.name, number=at), ""),
        )
        if rng.random() < _INBOUND_MMS:
            message.direction, message.delivery, message.schedule = "in", journeys.RECEIVED, None
            message.to, message.sender = SHARED_NUMBER, message.to
            return [MessageSent(at, message)]
        return self._send(at, message, journeys.mms_journey(rng), "mms")

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
            delivery=journeys.QUEUED,
            lang=lang,
            voice=pick(rng, tuple(genders.split())),
            to_type="mobile",
            require_input=int("Press" in body),
            machine_detection=rng.getrandbits(1),
            **_common(address, at, body, ""),
        )
        message.machine_detected = int(rng.random() < _MACHINE) if message.machine_detection else None
        return self._send(at, message, journeys.voice_journey(rng), "voice")

    def _send(self, at: int, message: Message, journey: journeys.Journey, channel: str) -> list[Event]:
        """Enter the message into the history and let it travel; a refused one has no schedule, no parts."""
        message.delivery = journey.start
        if journey.start is journeys.REFUSED:
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
    message.parts, message.delivery = 0, journeys.TEST_NUMBER
    return MessageSent(at, message)
