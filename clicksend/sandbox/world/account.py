"""The account's own life: who may use it, numbers it rents, credit it buys, campaigns and complaints."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import count
from operator import attrgetter
from random import Random

from msgspec.structs import replace

from clicksend.sandbox.world.countries import PLACES, millionths
from clicksend.sandbox.world.events import Event, MessageSent
from clicksend.sandbox.world.identifiers import random_uuid
from clicksend.sandbox.world.rows import (
    AREAS,
    SUBACCOUNT_ID,
    USERNAME,
    Campaign,
    Issue,
    Message,
    MmsCampaign,
    Number,
    Subaccount,
    Transaction,
)
from clicksend.sandbox.world.seed_data import FOUNDED_BEFORE, NEWSLETTER, VIP
from clicksend.sandbox.world.store import Store

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
        for sender in dict.fromkeys(place.senders):
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


_COMPLAINTS = ("The customer says nothing came.", 'She waited "all day"; nothing.', "Pas reçu, déjà 2 fois")
_COMPLAINING = 4  # one of so many


class CampaignSaved(Event):
    """A campaign is written, or replaced by a new version."""

    campaign: Campaign

    def apply(self, store: Store) -> None:
        """Write it."""
        store.campaigns[self.campaign.sms_campaign_id] = self.campaign


class CampaignSent(MessageSent):
    """A message of a campaign enters the history; the first one makes the campaign."""

    campaign: Campaign

    def apply(self, store: Store) -> None:
        """Append and pay as for any message, and count it."""
        MessageSent.apply(self, store)
        key = self.campaign.sms_campaign_id
        store.campaigns.setdefault(key, self.campaign).sent += 1


class CampaignEnded(Event):
    """A campaign gets its last status."""

    campaign_id: int
    status: str

    def apply(self, store: Store) -> None:
        """Write the status."""
        store.campaigns[self.campaign_id].status = self.status


class MmsCampaignSaved(Event):
    """A picture campaign is written, or replaced by a new version."""

    campaign: MmsCampaign

    def apply(self, store: Store) -> None:
        """Write it."""
        store.mms_campaigns[self.campaign.mms_campaign_id] = self.campaign


class SubaccountSaved(Event):
    """A subaccount is created or changed."""

    subaccount: Subaccount

    def apply(self, store: Store) -> None:
        """Write it."""
        store.subaccounts[self.subaccount.subaccount_id] = self.subaccount


class SubaccountDeleted(Event):
    """A subaccount is deleted."""

    subaccount_id: int

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.subaccounts.pop(self.subaccount_id, None)


class NumberRented(Event):
    """A number is rented."""

    number: Number

    def apply(self, store: Store) -> None:
        """Write it."""
        store.numbers[self.number.dedicated_number] = self.number


class NumberReturned(Event):
    """A number is given back."""

    dedicated_number: str

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.numbers.pop(self.dedicated_number, None)


class Recharged(Event):
    """Credit is bought."""

    transaction: Transaction

    def apply(self, store: Store) -> None:
        """Append it; purchases come in time order."""
        store.transactions.append(self.transaction)
        store.credit += millionths(self.transaction.amount)


class IssueRaised(Event):
    """Somebody complains about a message."""

    message: Message
    type: str

    def apply(self, store: Store) -> None:
        """Number the complaint and write it, if the message was lost and not cancelled before."""
        if self.message.delivery.code != "301":
            return
        number = len(store.issues) + 1
        store.issues[self.message.message_id] = Issue(
            issue_id=number,
            message_id=self.message.message_id,
            type=self.type,
            description=_COMPLAINTS[number % len(_COMPLAINTS)],
            date_added=self.at,
        )


class IssueResolved(Event):
    """ClickSend answers the complaint about a message."""

    message_id: str

    def apply(self, store: Store) -> None:
        """Close it."""
        issue = store.issues.get(self.message_id)
        if issue is not None:
            issue.resolved, issue.support_comments = 1, "Carrier fault, fixed."


def complaint(at: int, message: Message, channel: str) -> list[Event]:
    """Return the complaint about a lost message, if anybody complains."""
    if int(message.message_id[-4:], 16) % _COMPLAINING:
        return []
    raised = IssueRaised(at + _HOUR, message, channel.upper())
    return [raised, IssueResolved(at + 3 * _DAY, message.message_id)]
