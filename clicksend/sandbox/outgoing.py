"""One call that sends: its messages judged one after the other, then entered into the world together."""

from random import Random
from typing import Any

from clicksend.sandbox import following, journeys, judging, phones, places, segments
from clicksend.sandbox.access import NO_CREDIT
from clicksend.sandbox.answers import Call, Refusal
from clicksend.sandbox.events import MessageSent
from clicksend.sandbox.identifiers import message_uuid
from clicksend.sandbox.messages import TEST_NUMBERS
from clicksend.sandbox.rows import SUCCESS, Message, Mms, Outgoing, Sms, Voice
from clicksend.sandbox.simulation import RETENTION, Simulation
from clicksend.sandbox.wishes import Wish

_INSUFFICIENT = "INSUFFICIENT_CREDIT"
_PAYMENT_REQUIRED = 402


class Batch:
    """The messages of one call; a `trial` asks for prices only, and changes nothing.

    Nothing happens in the world before `send`, so that a call may still be refused as a whole.
    """

    def __init__(self, sim: Simulation, call: Call, channel: str, *, trial: bool) -> None:
        self._sim, self._channel, self._trial = sim, channel, trial
        number = 0 if trial else sim.store.new_id("calls")
        self._rng = Random(f"{channel} {sim.plan.seed} {number} {sim.now}")
        self._credit = 0 if call.user == NO_CREDIT else sim.store.credit
        self._bodies: set[tuple[str, str, str]] = set()

    def judge(self, wish: Wish) -> Outgoing:
        """Judge one message.

        Raises:
            Refusal: 402, it cannot be paid for and the switch says so; 400, a test has ordered that.
        """
        known = phones.recipient(wish.to, wish.country or phones.DEFAULT_COUNTRY)
        to, country = known or (wish.to, "")
        status = "" if self._trial else judging.forced(self._sim, self._channel, to)
        status = status or judging.verdict(self._sim, self._channel, wish, known and country)
        message = self._message(wish, to, country)
        if status == SUCCESS and not self._trial:
            status = self._throttled(message) or self._paid(message)
        return Outgoing(message, status, not wish.sender)

    def send(self, rows: list[Outgoing]) -> None:
        """Enter what was accepted into the world, with all that will follow from it."""
        store = self._sim.store
        for row in rows:
            if row.status == SUCCESS:
                MessageSent(self._sim.now, row.message).apply(store)
                store.arrived.append(row.message)
                self._follow(row.message)
        store.recent.update(dict.fromkeys(self._bodies, self._sim.now))

    def _follow(self, message: Message) -> None:
        """Let it travel, unless it is for a test or for a time that never comes."""
        starts = message.schedule or message.date
        if message.delivery.final or starts > self._sim.now + RETENTION:
            return
        legs = journeys.sent_legs(self._rng, self._channel)
        self._sim.expect(following.travel(self._rng, message, legs, self._channel))
        if isinstance(message, Sms):
            self._sim.expect(following.answers(self._rng, message))

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
        cost = places.millionths(message.price)
        if cost <= self._credit:
            self._credit -= cost
            return SUCCESS
        self._bodies.discard((self._channel, message.to, message.body))
        if self._sim.switches.no_credit == "payment_required":
            raise Refusal(_PAYMENT_REQUIRED, _INSUFFICIENT, "Your balance is insufficient.")
        return _INSUFFICIENT

    def _message(self, wish: Wish, to: str, country: str) -> Message:
        """Make the row; one to a test number is over at once, has no parts and costs nothing."""
        body, parts = self._text(wish.body)
        now, test = self._sim.now, to in TEST_NUMBERS
        common = {
            "message_id": message_uuid(self._rng, self._channel, now),
            "date": now,
            "to": to,
            "sender": wish.sender or places.sender(country),
            "body": body,
            "schedule": now,
            "parts": 0 if test else parts,
            "price": following.FREE if test else places.price(self._channel, country, parts),
            "custom_string": wish.custom_string,
            "country": country,
            "carrier": places.carrier(country, to),
            "delivery": journeys.TEST_NUMBER,
        }
        if contact := wish.contact:
            common |= {"list_id": contact.list_id, "contact_id": contact.contact_id}
            common |= {"first_name": contact.first_name, "last_name": contact.last_name}
        message = _ROWS[self._channel](wish, common)
        if not test:
            self._start(message, wish)
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

    def _start(self, message: Message, wish: Wish) -> None:
        """Give it its time and its first state."""
        if judging.is_time(wish.schedule):
            message.schedule = judging.send_time(wish.schedule, message.date)
        queued = journeys.MMS_QUEUED if self._channel == "mms" else journeys.QUEUED
        message.delivery = queued if message.schedule == message.date else journeys.SCHEDULED


def _sms(wish: Wish, common: dict[str, Any]) -> Sms:
    return Sms(from_email=wish.from_email or None, **common)


def _mms(wish: Wish, common: dict[str, Any]) -> Mms:
    extras = wish.extras
    return Mms(
        subject=extras["subject"],
        media_url=extras["media_file"],
        from_email=wish.from_email or None,
        **common,
    )


def _voice(wish: Wish, common: dict[str, Any]) -> Voice:
    extras = wish.extras
    return Voice(
        lang=extras["lang"],
        voice=extras["voice"],
        to_type="mobile",
        require_input=int(extras["require_input"] == "1"),
        machine_detection=int(extras["machine_detection"] == "1"),
        **common,
    )


_ROWS = {"sms": _sms, "mms": _mms, "voice": _voice}
