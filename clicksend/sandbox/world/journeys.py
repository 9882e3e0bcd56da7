"""What becomes of messages: the states they go through and how long each takes, by channel and network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from clicksend.sandbox.world.countries import pick
from clicksend.sandbox.world.profiles import (
    BLOCKED,
    ELSEWHERE,
    LATE_MEDIAN,
    LATE_SPREAD,
    LOST_AFTER_RETRY,
    LOST_BECAUSE,
    NETWORKS,
    OUTAGE,
    SPREAD,
    Network,
)
from clicksend.sandbox.world.rows import Delivery, Message

_HOUR = 3600
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
_LOST = {
    code: Delivery("Failed", "301", text, code, _NO_REASON, final=True) for _, code, text in LOST_BECAUSE
}
_LOST_SOMEHOW = tuple(_LOST[code] for share, code, _ in LOST_BECAUSE for _ in range(share))
_LOST_AFTER_RETRY = tuple(_LOST[code] for code in LOST_AFTER_RETRY)

MMS_QUEUED = Delivery("Queued:WaitSend")
_MMS_SENT = Delivery("Sent", None, "Sent")
_MMS_DONE = Delivery("Completed", "Completed", "Delivered", final=True)
_MMS_FAILED = Delivery("Failed", "Failed", "Not delivered", final=True)


class Leg(NamedTuple):
    """One step: one of ``delays`` (seconds) after the step before, to one of ``outcomes``; all as likely."""

    delays: Sequence[int]
    outcomes: tuple[Delivery, ...]


class Journey(NamedTuple):
    """A first state and the steps after it; the first step counts from the schedule."""

    start: Delivery
    legs: tuple[Leg, ...]


def _log_normal(median: float, spread: float, latest: int) -> tuple[int, ...]:
    """Return 500 delays, one as likely as the other; drawing one is faster than drawing a number."""
    normal = NormalDist(0, spread)
    delays = (median * exp(normal.inv_cdf((place + 0.5) / 500)) for place in range(500))
    return tuple(min(latest, max(1, round(delay))) for delay in delays)


_LATEST = 69 * _HOUR
_TO_NETWORK = Leg(range(1, 3), (_SENT,))
_NOTICED = Leg(_log_normal(60, 1.8, 2 * _HOUR), _LOST_SOMEHOW)
_LATE = _log_normal(LATE_MEDIAN, LATE_SPREAD, _LATEST)
_SOON = range(20, 600)
_TO_REVIEW = range(600, 24 * _HOUR)
_FAILS = Journey(QUEUED, (_TO_NETWORK, _NOTICED))
_ANYWHERE = (
    (10, Journey(QUEUED, (_TO_NETWORK, Leg(_LATE, (_ARRIVED,))))),
    (
        12,
        Journey(
            QUEUED,
            (_TO_NETWORK, Leg(_SOON, (_BUSY,)), Leg(_LATE, (*(_ARRIVED,) * 4, *_LOST_AFTER_RETRY))),
        ),
    ),
    (8, Journey(QUEUED, (_TO_NETWORK, Leg(_SOON, (_REROUTED,)), Leg(range(60, 6 * _HOUR), (_ARRIVED,))))),
    (30, Journey(QUEUED, (_TO_NETWORK,))),
    (5, Journey(_WAITING, (Leg(_TO_REVIEW, (_REVIEWED,)),))),
    (6, Journey(REFUSED, ())),
)
"""What becomes of text messages in any network, of a thousand each."""
_COMPLETED_FIRST, _REVIEWED_FIRST = 20, 8  # of a thousand; then they are delivered like others


@cache
def _journeys(country: str, carrier: str) -> tuple[Journey, ...]:
    """Return a thousand journeys, one as likely as the other, of text messages through a network."""
    network = _network(country, carrier)
    handset = Leg(
        _log_normal(network.seconds, SPREAD, _LATEST), (_ARRIVED, _ARRIVED, _ARRIVED, _ARRIVED_COMPLETED)
    )
    shares = (
        *_ANYWHERE,
        (network.lost, _FAILS),
        (_COMPLETED_FIRST, Journey(QUEUED, (Leg(range(1, 2), (_COMPLETED,)), _TO_NETWORK, handset))),
        (_REVIEWED_FIRST, Journey(_WAITING, (Leg(_TO_REVIEW, (_SENT,)), handset))),
    )
    known = [journey for share, journey in shares for _ in range(share)]
    delivered = Journey(QUEUED, (_TO_NETWORK, handset))
    return (*known, *(delivered,) * (1000 - len(known)))


def _network(country: str, carrier: str) -> Network:
    """Return a network; where the carrier is not known, what is usual in its country."""
    networks = NETWORKS.get(country, (ELSEWHERE,))
    usual = Network(
        "",
        100,
        round(sum(one.share * one.lost for one in networks) / 100),
        sum(one.share * one.seconds for one in networks) / 100,
    )
    return next((one for one in networks if one.name == carrier), usual)


_BLOCKED = (
    *(Journey(QUEUED, (_TO_NETWORK, Leg(_NOTICED.delays, tuple(_LOST[code] for code in BLOCKED.errors)))),)
    * BLOCKED.lost,
    *(Journey(QUEUED, (_TO_NETWORK, Leg(range(2, 30), (_ARRIVED,)))),) * (100 - BLOCKED.lost),
)
_LOST_IN_OUTAGE = tuple(_LOST[code] for code in OUTAGE.errors)
CANCELLED_IN_TIME = Journey(SCHEDULED, (Leg(range(-2 * _HOUR, -_HOUR), (_CANCELLED,)),))
_PICTURES = (
    *(Journey(MMS_QUEUED, (Leg(range(5, 60), (_MMS_SENT,)), Leg(range(10, 2 * _HOUR), (_MMS_DONE,)))),) * 8,
    Journey(QUEUED, (Leg(range(5, 60), (_MMS_SENT,)),)),
    Journey(MMS_QUEUED, (Leg(range(30, 2 * _HOUR), (_MMS_FAILED,)),)),
)
_BUSY_LINE = Leg(range(20, 60), (_BUSY,))
_CALLS = (
    *(Journey(QUEUED, (Leg(range(20, 120), (_ARRIVED_COMPLETED,)),)),) * 8,
    Journey(QUEUED, (_BUSY_LINE, Leg(range(300, 2 * _HOUR), (_ARRIVED_COMPLETED, _LOST["12"])))),
    Journey(REFUSED, ()),
)
JOURNEYS = {"mms": _PICTURES, "voice": _CALLS}
"""What becomes of picture messages and calls; the codes of pictures are words, as in the documentation."""


def sms_journey(rng: Random, message: Message) -> Journey:
    """Draw what becomes of a text message that is sent at once."""
    if message.sender == BLOCKED.sender and message.country == BLOCKED.country:
        return pick(rng, _BLOCKED)
    return pick(rng, _journeys(message.country, message.carrier))


def sent_legs(rng: Random, message: Message, channel: str) -> tuple[Leg, ...]:
    """Draw what becomes of a message that a call has sent: nobody reviews it, it is not refused later."""
    while True:
        drawn = sms_journey(rng, message) if channel == "sms" else pick(rng, JOURNEYS[channel])
        if drawn.start in {QUEUED, MMS_QUEUED}:
            return drawn.legs


def legs_in_outage(rng: Random, seconds: int) -> tuple[Leg, ...]:
    """Draw what becomes of a text message whose network is out for so many more seconds."""
    if rng.random() * 100 < OUTAGE.lost:
        return _TO_NETWORK, Leg(_NOTICED.delays, _LOST_IN_OUTAGE)
    return _TO_NETWORK, Leg(range(seconds, seconds + 2 * _HOUR), (_ARRIVED,))
