"""What becomes of a message: the statuses and codes it passes through, and when.

Codes are those of ClickSend's documentation: 200 sent (temporary), 201 on the handset (final), 300 temporary
failure, 301 permanent failure, 302 routing issue (temporary). What goes with 201 and 301 is as recorded in
September 2026: a delivered message has the error code 4 and says in both texts that it was delivered; a lost
one says why in the status text, while its error text is always the same. Every journey ends within 72 hours
of the message's date or schedule, whichever is later; some end with 200, which is then for good (recorded).
"""

from random import Random
from typing import NamedTuple

from clicksend.sandbox.places import pick
from clicksend.sandbox.rows import Delivery

_MINUTE, _HOUR = 60, 3600
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
    """One step: between `earliest` and `latest` seconds after the step before, to one of `outcomes`."""

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
