"""The campaigns of the made-up world: one text a week, each to one list, by the recipients' clocks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from random import Random
from typing import NamedTuple

from msgspec import Struct

from clicksend.sandbox.world import texts
from clicksend.sandbox.world.contacts import People, Person
from clicksend.sandbox.world.countries import PLACES
from clicksend.sandbox.world.profiles import SALE_EVERY, SALE_WEEK
from clicksend.sandbox.world.rhythm import SALE_WEEKDAY, day_of, first_monday, local_time
from clicksend.sandbox.world.rows import Campaign
from clicksend.sandbox.world.seed_data import CUSTOMERS, LEADS, NEWSLETTER, VIP

_WEEK = 7 * 86_400
_FIRST_CAMPAIGN_ID = 7100
_PER_SECOND, _AT_LATEST = 10, 120  # seconds after the hour


class Kind(NamedTuple):
    """What is sent again and again.

    Attributes:
        label: Begins the campaign's name; its text is in ``texts.CAMPAIGNS``.
        size: Messages, in percent of the world's.
        stops: How many of a hundred that got it answer with a STOP.
        weekday: 0 is Monday.
        hour: Of the recipient's day.
    """

    label: str
    list_id: int
    size: float
    stops: float
    weekday: int
    hour: int


SALE = Kind("big-sale", CUSTOMERS, 7.0, 1.8, SALE_WEEKDAY, 10)
KINDS = (
    Kind("newsletter", NEWSLETTER, 2.5, 1.1, 3, 11),
    Kind("vip-night", VIP, 1.3, 1.0, 1, 17),
    Kind("flash", CUSTOMERS, 3.2, 1.5, 4, 10),
    Kind("flash-emoji", CUSTOMERS, 3.2, 1.6, 4, 10),
    Kind("Grüße 2.0", LEADS, 1.6, 2.2, 2, 14),
    Kind("survey", CUSTOMERS, 3.0, 1.2, 1, 18),
)
"""The campaigns, in the order of their weeks; a sale takes the place of the one whose week it is."""


class Mailing(Struct):
    """A campaign that goes out.

    Attributes:
        campaign: Its row; ``sender`` is that of its first message.
        due: Counts towards the next STOP.
    """

    kind: Kind
    campaign: Campaign
    text: str
    due: float

    def is_stop(self) -> bool:
        """Tell of somebody who got it whether they answer with a STOP; one of so many does."""
        self.due += self.kind.stops / 100
        if self.due < 1:
            return False
        self.due -= 1
        return True


class Recipient(NamedTuple):
    """To whom one message of a campaign goes: somebody of the list; None when nobody is in it.

    Attributes:
        again: They have had it already: the list is shorter than the campaign.
        last: Nobody comes after them.
    """

    mailing: Mailing
    person: Person | None
    again: bool
    last: bool


def messages_between(start: int, epoch: int, messages: int) -> int:
    """Return how many messages the campaigns that begin until the epoch have in a world of so many."""
    begun = takewhile(lambda one: _begin(*one) < epoch, _weekly(start))
    return sum(_size(kind, messages) for _, kind in begun)


def sendings(
    start: int, messages: int, people: People, rng: Random
) -> Iterator[tuple[int, Recipient | None]]:
    """Yield when each message of a campaign is sent, and to whom; in time order and for ever.

    Each campaign is opened by a moment without a recipient, so that its list is read when it begins.
    """
    for number, (monday, kind) in enumerate(_weekly(start)):
        on_the_hour = _local_starts(monday, kind).items()
        starts = {country: at + int(rng.random() * _AT_LATEST) for country, at in on_the_hour}
        at = min(starts.values())
        yield at, None
        mailing = _mailing(number, monday, kind, at, rng)
        recipients = _recipients(people.members(kind.list_id), _size(kind, messages), rng)
        recipients.sort(key=lambda one: starts[one[0].country] if one[0] else at)
        tick = 0
        for place, (person, again) in enumerate(recipients, 1):
            opens = starts[person.country] if person else at
            if opens > at + tick // _PER_SECOND:
                at, tick = opens, 0
            yield at + tick // _PER_SECOND, Recipient(mailing, person, again, place == len(recipients))
            tick += 1


def _weekly(start: int) -> Iterator[tuple[int, Kind]]:
    """Yield Monday (Unix seconds) and kind of the campaigns, one a week, for ever."""
    for number in count():
        is_sale = number >= SALE_WEEK and (number - SALE_WEEK) % SALE_EVERY == 0
        yield first_monday(start) + number * _WEEK, SALE if is_sale else KINDS[number % len(KINDS)]


def _size(kind: Kind, messages: int) -> int:
    return round(messages * kind.size / 100)


def _begin(monday: int, kind: Kind) -> int:
    """Return when a campaign begins: where the day does."""
    return min(_local_starts(monday, kind).values())


def _local_starts(monday: int, kind: Kind) -> dict[str, int]:
    day = day_of(monday, kind.weekday)
    return {place.code: local_time(day, kind.hour, place.code) for place in PLACES}


def _mailing(number: int, monday: int, kind: Kind, at: int, rng: Random) -> Mailing:
    year, week, _ = day_of(monday, kind.weekday).isocalendar()
    text = texts.CAMPAIGNS[kind.label]
    campaign = Campaign(
        sms_campaign_id=_FIRST_CAMPAIGN_ID + number,
        name=f"{kind.label} {year}-W{week:02}",
        list_id=kind.list_id,
        sender="",
        body=text.replace("{name}", "(First Name)"),
        schedule=at,
        status="Sending",
        date_added=at,
        custom_string=f"{kind.label}-{year}-w{week:02}",
    )
    return Mailing(kind, campaign, text, rng.random())


def _recipients(members: list[Person], number: int, rng: Random) -> list[tuple[Person | None, bool]]:
    """Draw so many of a list, each once as long as there are enough."""
    if not members:
        return [(None, False)] * number
    drawn = rng.sample(members, min(number, len(members)))
    return [(drawn[place % len(drawn)], place >= len(drawn)) for place in range(number)]
