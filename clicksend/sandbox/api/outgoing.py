"""One call that sends: what it wants sent, what is wrong with each message, and their way into the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from random import Random
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from clicksend.sandbox.api.access import NO_CREDIT
from clicksend.sandbox.api.answers import Call, Refusal, bad_fields, number
from clicksend.sandbox.api.bodies import text
from clicksend.sandbox.simulation import RETENTION, Simulation
from clicksend.sandbox.world import countries, journeys, phones, segments, traffic
from clicksend.sandbox.world.events import MessageSent
from clicksend.sandbox.world.identifiers import message_uuid
from clicksend.sandbox.world.rows import SUCCESS, Contact, Message, Mms, Outgoing, Sms, Voice
from clicksend.sandbox.world.texts import VOICE_LANGUAGES
from clicksend.sandbox.world.traffic import TEST_NUMBERS

MOST_RECIPIENTS = 1000
"""How many recipients a call may have, those of its lists included."""
EXTRAS: dict[str, tuple[str, ...]] = {
    "sms": (),
    "mms": ("subject", "media_file"),
    "voice": ("lang", "voice", "require_input", "machine_detection"),
}
"""The fields that only one channel has."""
_MISSING_LIST = "NOT_ENOUGH_PERMISSION_TO_LIST_ID"
_TOO_MANY = "TOO_MANY_RECIPIENTS"


class OutgoingMessage(Struct, gc=False):
    """One message to one recipient, as it was asked for.

    Attributes:
        sender: The field ``from``.
        schedule: Unix time as text; blank is now.
        country: Of local numbers; blank is the account's.
        extras: The channel's own fields.
        contact: Whom the list holds, where the message goes to a list.
        status: Why it cannot be sent, where that is known already.
    """

    to: str
    body: str
    sender: str
    schedule: str
    custom_string: str
    country: str
    from_email: str
    extras: dict[str, str]
    contact: Contact | None = None
    status: str = ""


def read(sim: Simulation, body: Mapping[str, Any] | None, channel: str) -> list[OutgoingMessage]:
    """Read the body of a call.

    Raises:
        Refusal: 400, there are no messages, some are no objects, some fields no texts, or they are too many.
    """
    given = body or {}
    entries = given.get("messages")
    if not isinstance(entries, list) or not entries:
        raise bad_fields({"messages": "Messages field is required."})
    if not all(isinstance(entry, dict) for entry in entries):
        raise Refusal(400)
    messages = [wanted for entry in entries for wanted in _recipients(sim, entry, given, channel)]
    if len(messages) > MOST_RECIPIENTS and sim.switches.too_many_recipients == "refused":
        raise Refusal(400, _TOO_MANY, f"A call may have {MOST_RECIPIENTS} recipients at most.")
    for surplus in messages[MOST_RECIPIENTS:]:
        surplus.status = _TOO_MANY
    return messages


def _recipients(
    sim: Simulation, entry: Mapping[str, Any], call: Mapping[str, Any], channel: str
) -> Iterator[OutgoingMessage]:
    """Make one wanted of an entry, or one for each contact of its list that has a number."""
    wanted = _outgoing_message(sim, entry, call, channel)
    list_id = text(entry.get("list_id"))
    if not list_id:
        yield wanted
        return
    members = sim.store.contacts.get(number({"list_id": list_id}, "list_id") or 0)
    if members is None:
        wanted.status = _MISSING_LIST
        yield wanted
        return
    for contact in members.values():
        if contact.phone_number:
            named = {"to": contact.phone_number, "list_id": None}
            member = _outgoing_message(sim, {**entry, **named}, call, channel)
            member.contact = contact
            yield member


def _outgoing_message(
    sim: Simulation, entry: Mapping[str, Any], call: Mapping[str, Any], channel: str
) -> OutgoingMessage:
    get = entry.get
    extras = {name: text(get(name)) for name in EXTRAS[channel]}
    if channel == "mms" and not (extras["media_file"] and sim.switches.media_file == "anywhere"):
        extras["media_file"] = text(call.get("media_file"))
    return OutgoingMessage(
        text(get("to")).strip(),
        text(get("body")),
        text(get("from")).strip(),
        text(get("schedule")).strip(),
        text(get("custom_string")),
        text(get("country")).strip(),
        text(get("from_email")),
        extras,
    )


_LONGEST_NAME = 11  # characters of a sender that is a name
_LONGEST_SCHEDULE = 13  # digits: milliseconds have so many, and are taken for seconds
_NEED_CONVERSION = (".jpeg", ".png", ".bmp")
_VOICES = {code: genders.split() for code, _, genders in VOICE_LANGUAGES}


def status_of(sim: Simulation, channel: str, wanted: OutgoingMessage, country: str | None) -> str:
    """Return the status of a message for somebody in ``country``; None for no number at all."""
    enabled = sim.switches.enabled_countries
    if wanted.status:
        status = wanted.status
    elif not wanted.to or (channel == "voice" and not (wanted.extras["lang"] and wanted.extras["voice"])):
        status = "MISSING_REQUIRED_FIELDS"
    elif not wanted.body.strip():
        status = "EMPTY_MESSAGE"
    elif country is None:
        status = "INVALID_RECIPIENT"
    elif enabled is not None and country not in enabled:
        status = "COUNTRY_NOT_ENABLED"
    elif not _is_sender(wanted.sender):
        status = "INVALID_SENDER_ID"
    elif not is_time(wanted.schedule):
        status = "INVALID_SCHEDULE"
    else:
        status = _JUDGES[channel](wanted.extras)
    return status


def forced(sim: Simulation, channel: str, to: str) -> str:
    """Return the status that a test has ordered for a recipient, and count it; "" without one.

    Raises:
        Refusal: 400, when that is what was ordered.
    """
    for order in sim.store.forced:
        if order.times and order.channel in {"*", channel} and fnmatchcase(to, order.to):
            order.times -= order.times > 0
            if order.status == "BAD_REQUEST":
                raise Refusal(400)
            return order.status
    return ""


def send_time(schedule: str, now: int) -> int:
    """Read a schedule that is one: blank and past are now; milliseconds are a time in a far future."""
    return max(now, int(schedule)) if schedule else now


def _is_sender(name: str) -> bool:
    """Judge the sender: numbers are taken as they are, names have no spaces and are short."""
    is_name = any(map(str.isalpha, name))
    return not is_name or (len(name) <= _LONGEST_NAME and " " not in name)


def is_time(text: str) -> bool:
    """Tell whether a schedule is valid; blank means now."""
    digits = text.removeprefix("-")
    return not text or (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_SCHEDULE)


def _picture(extras: dict[str, str]) -> str:
    """Judge a picture message: some kinds of files have to be converted by an upload before."""
    if not extras["subject"].strip():
        return "SUBJECT_REQUIRED"
    try:
        url = urlsplit(extras["media_file"])
    except ValueError:
        return "INVALID_MEDIA_FILE"
    served = url.scheme in {"http", "https"} and url.netloc
    return SUCCESS if served and not url.path.lower().endswith(_NEED_CONVERSION) else "INVALID_MEDIA_FILE"


def _spoken(extras: dict[str, str]) -> str:
    if extras["lang"] not in _VOICES:
        return "INVALID_LANG"
    return SUCCESS if extras["voice"] in _VOICES[extras["lang"]] else "INVALID_VOICE"


_JUDGES: dict[str, Callable[[dict[str, str]], str]] = {
    "sms": lambda _: SUCCESS,
    "mms": _picture,
    "voice": _spoken,
}


_INSUFFICIENT = "INSUFFICIENT_CREDIT"
_PAYMENT_REQUIRED = 402


class Batch:
    """The messages of one call; a ``trial`` asks for prices only, and changes nothing.

    Nothing happens in the world before ``send``, so that a call may still be refused as a whole.
    """

    def __init__(self, sim: Simulation, call: Call, channel: str, *, trial: bool) -> None:
        self._sim, self._channel, self._trial = sim, channel, trial
        number = 0 if trial else sim.store.new_id("calls")
        self._rng = Random(f"{channel} {sim.plan.seed} {number} {sim.now}")
        self._credit = 0 if call.user == NO_CREDIT else sim.store.credit
        self._bodies: set[tuple[str, str, str]] = set()

    def judge(self, wanted: OutgoingMessage) -> Outgoing:
        """Judge one message.

        Raises:
            Refusal: 402, it cannot be paid for and the switch says so; 400, a test has ordered that.
        """
        known = phones.recipient(wanted.to, wanted.country or phones.DEFAULT_COUNTRY)
        to, country = known or (wanted.to, "")
        status = "" if self._trial else forced(self._sim, self._channel, to)
        status = status or status_of(self._sim, self._channel, wanted, known and country)
        message = self._message(wanted, to, country)
        if status == SUCCESS and not self._trial:
            status = self._throttled(message) or self._paid(message)
        return Outgoing(message, status, not wanted.sender)

    def send(self, rows: list[Outgoing]) -> None:
        """Enter what was accepted into the world, with all that will follow from it; keep the rest aside."""
        store = self._sim.store
        for row in rows:
            if row.status == SUCCESS:
                MessageSent(self._sim.now, row.message).apply(store)
                store.arrived.append(row.message)
                self._follow(row.message)
            else:
                store.refused.append(row)
        store.recent.update(dict.fromkeys(self._bodies, self._sim.now))

    def _follow(self, message: Message) -> None:
        """Let it travel, unless it is for a test or for a time that never comes."""
        starts = message.schedule or message.date
        if message.delivery.final or starts > self._sim.now + RETENTION:
            return
        legs = journeys.sent_legs(self._rng, message, self._channel)
        events = traffic.travel(self._rng, message, legs, self._channel)
        self._sim.expect(events)
        if isinstance(message, Sms):
            self._sim.expect(traffic.answers(self._rng, message, events))

    def _throttled(self, message: Message) -> str:
        """Tell whether the recipient has just been sent the same."""
        seconds = self._sim.switches.throttle_seconds
        key = self._channel, message.to, message.body
        before = self._sim.store.recent.get(key)
        if seconds and (key in self._bodies or (before is not None and self._sim.now - before < seconds)):
            return "THROTTLED"
        self._bodies.add(key)
        return ""

    def _paid(self, message: Message) -> str:
        """Take the price from what is left, if there is enough."""
        cost = countries.millionths(message.price)
        if cost <= self._credit:
            self._credit -= cost
            return SUCCESS
        self._bodies.discard((self._channel, message.to, message.body))
        if self._sim.switches.no_credit == "payment_required":
            raise Refusal(_PAYMENT_REQUIRED, _INSUFFICIENT, "Your balance is insufficient.")
        return _INSUFFICIENT

    def _message(self, wanted: OutgoingMessage, to: str, country: str) -> Message:
        """Make the row; one to a test number is over at once, has no parts and costs nothing."""
        body, parts = self._text(wanted.body)
        now, test = self._sim.now, to in TEST_NUMBERS
        common = {
            "message_id": message_uuid(self._rng, self._channel, now),
            "date": now,
            "to": to,
            "sender": wanted.sender or countries.sender(country),
            "body": body,
            "schedule": now,
            "parts": 0 if test else parts,
            "price": traffic.FREE if test else countries.price(self._channel, country, parts),
            "custom_string": wanted.custom_string,
            "country": country,
            "carrier": countries.carrier(country, to),
            "delivery": journeys.TEST_NUMBER,
        }
        if contact := wanted.contact:
            common |= {"list_id": contact.list_id, "contact_id": contact.contact_id}
            common |= {"first_name": contact.first_name, "last_name": contact.last_name}
        message = _ROWS[self._channel](wanted, common)
        if not test:
            self._start(message, wanted)
        return message

    def _text(self, body: str) -> tuple[str, int]:
        """Return what is sent of a text, and its parts."""
        if self._channel == "voice":
            return segments.spoken(body)
        if self._channel == "mms":
            return segments.picture_text(body), 1
        extension, limit = self._sim.switches.gsm_extension, self._sim.switches.part_limit
        parts = segments.parts(body, extension)
        return (body, parts) if parts <= limit else (segments.cut(body, limit, extension), limit)

    def _start(self, message: Message, wanted: OutgoingMessage) -> None:
        """Give it its time and its first state."""
        if is_time(wanted.schedule):
            message.schedule = send_time(wanted.schedule, message.date)
        queued = journeys.MMS_QUEUED if self._channel == "mms" else journeys.QUEUED
        message.delivery = queued if message.schedule == message.date else journeys.SCHEDULED


def _sms(wanted: OutgoingMessage, common: dict[str, Any]) -> Sms:
    return Sms(from_email=wanted.from_email or None, **common)


def _mms(wanted: OutgoingMessage, common: dict[str, Any]) -> Mms:
    extras = wanted.extras
    return Mms(
        subject=extras["subject"],
        media_url=extras["media_file"],
        from_email=wanted.from_email or None,
        **common,
    )


def _voice(wanted: OutgoingMessage, common: dict[str, Any]) -> Voice:
    extras = wanted.extras
    return Voice(
        lang=extras["lang"],
        voice=extras["voice"],
        to_type="mobile",
        require_input=int(extras["require_input"] == "1"),
        machine_detection=int(extras["machine_detection"] == "1"),
        **common,
    )


_ROWS = {"sms": _sms, "mms": _mms, "voice": _voice}
