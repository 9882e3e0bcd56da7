"""The account's own life: who may use it, which numbers it rents, what credit it buys.

Within a day after the epoch a subaccount, a number and a campaign of every fate come, change and go.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import count
from operator import attrgetter
from random import Random

from msgspec.structs import replace

from clicksend.sandbox.dealings import (
    CampaignEnded,
    CampaignSaved,
    MmsCampaignSaved,
    NumberRented,
    NumberReturned,
    Recharged,
    SubaccountDeleted,
    SubaccountSaved,
)
from clicksend.sandbox.events import Event
from clicksend.sandbox.identifiers import random_uuid
from clicksend.sandbox.live import SUBACCOUNT_ID, USERNAME
from clicksend.sandbox.milestones import FOUNDED_BEFORE, NEWSLETTER, VIP
from clicksend.sandbox.places import PLACES
from clicksend.sandbox.rows import AREAS, Campaign, MmsCampaign, Number, Subaccount, Transaction

_HOUR, _DAY = 3600, 86_400
_FEW = ("sms", "contacts", "reporting")
_RECHARGED_EVERY = 30 * _DAY
_AMOUNTS = ("20.00", "50.00", "61.86", "100.00", "1000.00")
DRAFT_ID, PLANNED_ID = 7001, 7002
MENU_ID, POSTER_ID, COUPON_ID = 901, 902, 903
SHOP, OLD, NEW = 717412, 717413, 717414
"""Subaccounts beside the main one: one that changes, one that goes, one that comes."""


def life(start: int, epoch: int, rng: Random) -> Iterator[Event]:
    """Yield everything that does not follow from messages, in time order and for ever."""
    founded = start - FOUNDED_BEFORE
    uuids = Random(rng.random())
    return merge(
        _set_up(founded, rng),
        _after(epoch, rng),
        _mms_campaigns(epoch),
        _purchases(founded + _HOUR, uuids),
        key=attrgetter("at"),
    )


def _set_up(founded: int, rng: Random) -> Iterator[Event]:
    yield SubaccountSaved(founded, _subaccount(SUBACCOUNT_ID, USERNAME, "Zoë", "O'Brien", AREAS))
    yield SubaccountSaved(founded, _subaccount(SHOP, "sandbox-shop", "Siân", "Núñez", _FEW))
    yield SubaccountSaved(founded, _subaccount(OLD, "sandbox-old", "Noah", "Doe", ()))
    for place in PLACES:
        for sender in place.senders:
            if sender.startswith("+"):
                number = Number(
                    dedicated_number=sender, country=place.code, price="18.59", guid=random_uuid(rng)
                )
                yield NumberRented(founded, number)


def _after(epoch: int, rng: Random) -> Iterator[Event]:
    planned = Campaign(
        sms_campaign_id=PLANNED_ID,
        name='Black "Friday"',
        list_id=VIP,
        sender="ACME",
        body="(First Name), everything half price",
        schedule=epoch + 30 * _DAY,
        status="Scheduled",
        date_added=epoch - _DAY,
    )
    draft = Campaign(
        sms_campaign_id=DRAFT_ID,
        name="Not yet: été",
        list_id=NEWSLETTER,
        sender="ACME",
        body="",
        schedule=None,
        status="Draft",
        date_added=epoch - 2 * _DAY,
    )
    yield CampaignSaved(draft.date_added, draft)
    yield CampaignSaved(planned.date_added, planned)
    yield CampaignEnded(epoch + 10 * _HOUR, PLANNED_ID, "Cancelled")
    shop = _subaccount(SHOP, "sandbox-shop", "Siân", "Núñez-Smith", (*_FEW, "mms"))
    yield SubaccountSaved(epoch + 12 * _HOUR, shop)
    yield SubaccountSaved(epoch + 14 * _HOUR, _subaccount(NEW, "sandbox-new", "Aroha", "Ngata", _FEW))
    yield SubaccountDeleted(epoch + 16 * _HOUR, OLD)
    bought = Number(
        dedicated_number="+12025550142",
        country="US",
        price="26.94",
        guid=random_uuid(rng),
        notes='Second "line"',
        status=1,
    )
    yield NumberRented(epoch + 18 * _HOUR, bought)
    yield NumberReturned(epoch + 20 * _HOUR, "+27820055501")


def _mms_campaigns(epoch: int) -> Iterator[Event]:
    """Yield the picture campaigns: one was sent, one is scheduled and goes out, one comes."""
    sent = MmsCampaign(
        mms_campaign_id=MENU_ID,
        name="Menü der Woche",
        list_id=VIP,
        sender="+12025550188",
        subject="Menü",
        file_name="8EA5FA8C-3216-4A5D-86EA-6BE78050E439.jpg",
        body="(First Name), this week's menu: http://smsu.io/mEnU1",
        schedule=epoch - 40 * _DAY,
        status="Sent",
        date_added=epoch - 40 * _DAY,
        sent=12,
    )
    changes = {"mms_campaign_id": POSTER_ID, "name": 'The "poster"', "subject": "Été", "sent": 0}
    planned = replace(
        sent, **changes, status="Scheduled", schedule=epoch + 5 * _HOUR, date_added=epoch - _DAY
    )
    later = {"status": "Queued", "schedule": epoch + 22 * _HOUR, "date_added": epoch + 22 * _HOUR}
    yield MmsCampaignSaved(sent.date_added, sent)
    yield MmsCampaignSaved(planned.date_added, planned)
    yield MmsCampaignSaved(planned.schedule, replace(planned, status="Sent", sent=9))
    yield MmsCampaignSaved(
        epoch + 22 * _HOUR, replace(planned, mms_campaign_id=COUPON_ID, name="Coupon", **later)
    )


def _purchases(first: int, rng: Random) -> Iterator[Event]:
    for number in count():
        at = first + number * _RECHARGED_EVERY
        invoice = random_uuid(rng).lower()
        amount = _AMOUNTS[number % len(_AMOUNTS)]
        yield Recharged(at, Transaction(invoice_number=invoice, amount=amount, date=at))


def _subaccount(key: int, username: str, first: str, last: str, access: tuple[str, ...]) -> Subaccount:
    return Subaccount(
        subaccount_id=key,
        api_username=username,
        first_name=first,
        last_name=last,
        email=f"{username}@example.com",
        phone_number=f"+1801923{key % 10_000}",
        access=access,
        notes=None if access == AREAS else f'Shop "{key % 100}"',
        is_main=int(key == SUBACCOUNT_ID),
    )
