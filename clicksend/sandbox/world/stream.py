"""The made-up world: an endless stream of events, a function of seed, epoch and sizes and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush, merge
from operator import attrgetter, itemgetter
from random import Random

from msgspec import Struct

from clicksend.sandbox.world import account, campaigns, rhythm
from clicksend.sandbox.world.campaigns import Recipient
from clicksend.sandbox.world.contacts import People
from clicksend.sandbox.world.events import Event
from clicksend.sandbox.world.rhythm import Hour
from clicksend.sandbox.world.seed_data import HISTORY_DAYS, milestones
from clicksend.sandbox.world.traffic import Composer

_DAY = 86_400
_SMS, _MMS, _CALLS = 0.947, 0.043, 0.0435
"""Messages that are sent for each row of SMS history that a plan asks for; the answers are rows too."""
_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, are spread evenly: a small world too has its share of every channel."""


class Plan(Struct, frozen=True):
    """What determines a world.

    Attributes:
        seed: Any integer.
        epoch: Unix seconds; the clock starts here.
        messages: Rows of SMS history at the epoch, about; MMS and voice have about a twentieth each.
        contacts: Contacts at the epoch, about.
    """

    seed: int
    epoch: int
    messages: int
    contacts: int


def events(plan: Plan) -> Iterator[Event]:
    """Yield everything that happens, in time order and for ever."""
    start = plan.epoch - HISTORY_DAYS * _DAY
    people = People(Random(f"people {plan.seed}"), plan.contacts)
    composer = Composer(Random(f"messages {plan.seed}"), people, rhythm.sale_day(start))
    return merge(
        milestones(start, plan.epoch),
        people.life(start),
        account.life(start, plan.epoch, Random(f"account {plan.seed}")),
        _traffic(plan, start, people, composer),
        key=attrgetter("at"),
    )


def _traffic(plan: Plan, start: int, people: People, composer: Composer) -> Iterator[Event]:
    """Yield messages as they are sent, and what follows from each when its time has come."""
    if not plan.messages:
        return
    number = plan.messages * (_SMS + _MMS + _CALLS) - campaigns.messages_between(
        start, plan.epoch, plan.messages
    )
    moments: Iterator[tuple[int, Hour | Recipient | None]] = merge(
        rhythm.moments(start, plan.epoch, number, Random(f"rhythm {plan.seed}")),
        campaigns.sendings(start, plan.messages, people, Random(f"campaigns {plan.seed}")),
        key=itemgetter(0),
    )
    calls = plan.messages * _CALLS / number
    pictures = plan.messages * _MMS / number
    pending: list[tuple[int, int, Event]] = []
    serial = single = 0
    for at, occasion in moments:
        while pending and pending[0][0] <= at:
            yield heappop(pending)[2]
        if occasion is None:
            continue
        if isinstance(occasion, Recipient):
            happenings = composer.campaign_sms(at, occasion)
        else:
            single += 1
            channel = single * _GOLDEN % 1
            if channel < calls:
                happenings = composer.voice(at, occasion)
            elif channel < calls + pictures:
                happenings = composer.mms(at, occasion)
            else:
                happenings = composer.sms(at, occasion)
        yield happenings[0]
        for event in happenings[1:]:
            serial += 1
            heappush(pending, (event.at, serial, event))
