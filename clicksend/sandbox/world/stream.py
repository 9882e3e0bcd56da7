"""The made-up world: an endless stream of events, a function of seed, epoch and sizes and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush, merge
from itertools import count, pairwise
from operator import attrgetter
from random import Random

from msgspec import Struct

from clicksend.sandbox.world import account
from clicksend.sandbox.world.contacts import People
from clicksend.sandbox.world.events import Event
from clicksend.sandbox.world.seed_data import HISTORY_DAYS, milestones
from clicksend.sandbox.world.traffic import Composer

_DAY = 86_400
_SMS_SHARE, _MMS_SHARE = 0.91, 0.045  # the rest are calls
_SLOTS_PER_SMS_ROW = 1.03  # answers are rows too, other channels are not
_BLOCK, _CAMPAIGN_EVERY, _CAMPAIGN_SIZE, _PER_SECOND = 25, 8, 12, 10
_RHYTHM = ((0.0, 0), (0.06, 7 * 3600), (0.86, 20 * 3600), (1.0, _DAY))
"""Share of the day's traffic until a second of the (UTC) day: most goes out between 07:00 and 20:00."""


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
    composer = Composer(Random(f"messages {plan.seed}"), people)
    rhythm = Random(f"rhythm {plan.seed}")
    return merge(
        milestones(start, plan.epoch),
        people.life(start),
        account.life(start, plan.epoch, Random(f"account {plan.seed}")),
        _traffic(plan, start, composer, rhythm),
        key=attrgetter("at"),
    )


def _traffic(plan: Plan, start: int, composer: Composer, rng: Random) -> Iterator[Event]:
    """Yield messages as they are sent, and what follows from each when its time has come."""
    if not plan.messages:
        return
    interval = HISTORY_DAYS * _DAY / (plan.messages * _SLOTS_PER_SMS_ROW)
    pending: list[tuple[int, int, Event]] = []
    serial = 0
    for at, campaign in _moments(start, interval, rng):
        while pending and pending[0][0] <= at:
            yield heappop(pending)[2]
        channel = rng.random()
        if campaign is not None or channel < _SMS_SHARE:
            happenings = composer.sms(at, campaign)
        elif channel < _SMS_SHARE + _MMS_SHARE:
            happenings = composer.mms(at)
        else:
            happenings = composer.voice(at)
        yield happenings[0]
        for event in happenings[1:]:
            serial += 1
            heappush(pending, (event.at, serial, event))


def _moments(start: int, interval: float, rng: Random) -> Iterator[tuple[int, int | None]]:
    """Yield when messages are sent and the number of the campaign, if any; never goes back in time.

    The messages come in blocks of 25. Every eighth block opens with a campaign, which goes out ten to a
    second; the rest of the block fills the same time more thinly, so that no day of a small world stays
    silent.
    """
    latest = start
    for block in count():
        first = start + block * _BLOCK * interval
        burst = _CAMPAIGN_SIZE if block % _CAMPAIGN_EVERY == _CAMPAIGN_EVERY // 2 else 0
        for number in range(burst):
            latest = max(latest, _by_day(first) + number // _PER_SECOND)
            yield latest, block // _CAMPAIGN_EVERY
        spacing = interval * _BLOCK / (_BLOCK - burst)
        for number in range(_BLOCK - burst):
            latest = max(latest, _by_day(first + (number + rng.random()) * spacing))
            yield latest, None


def _by_day(moment: float) -> int:
    """Shift a moment within its day, keeping the order, so that the traffic follows the rhythm of the day."""
    day, second = divmod(moment, _DAY)
    share = second / _DAY
    for (low, begins), (high, ends) in pairwise(_RHYTHM):
        if share < high:
            return int(day * _DAY + begins + (share - low) / (high - low) * (ends - begins))
    return int(day * _DAY + _DAY - 1)
