"""The tables of the stand-in. Events and API writes change them; nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from clicksend.sandbox.world.rows import (
    Campaign,
    Contact,
    ContactList,
    EmailAddress,
    Forced,
    Inbound,
    InboundRule,
    Issue,
    Message,
    Mms,
    MmsCampaign,
    Number,
    Outgoing,
    Receipt,
    Sms,
    Subaccount,
    Template,
    Transaction,
    Voice,
)

T = TypeVar("T", Inbound, Receipt)
OPT_OUT_LIST_ID = 3555277
FIRST_IDS = {
    "lists": 3_555_285,
    "contacts": 1_581_565_667,
    "templates": 632_503,
    "email_addresses": 2_105,
    "uploads": 910_001,
    "campaigns": 1_000_001,
    "inbound_rules": 136_887,
    "calls": 1,
}
"""The first id that a write gives away, per table: beyond all that the made-up world will ever use.

For contacts it follows the largest one recorded. ``calls`` numbers the calls that send.
"""


class Inbox(Generic[T]):
    """Things that are listed until marked as read, and found by id afterwards too; oldest first.

    Attributes:
        unread: Those that are still listed.
        items: All that ever came.
    """

    def __init__(self) -> None:
        self.unread: list[T] = []
        self.items: list[T] = []

    def append(self, item: T) -> None:
        """Add a thing, unread."""
        self.unread.append(item)
        self.items.append(item)

    def mark(self, meant: Callable[[T], bool]) -> int:
        """Mark the unread ones that are meant as read; return how many there were."""
        before = len(self.unread)
        self.unread = [item for item in self.unread if not meant(item)]
        return before - len(self.unread)

    def copy(self) -> Inbox[T]:
        """Return an inbox with copies of the things."""
        twin: Inbox[T] = Inbox()
        copies = {id(item): copy(item) for item in self.items}
        twin.items = list(copies.values())
        twin.unread = [copies[id(item)] for item in self.unread]
        return twin


class Store(Struct):
    """All that the account holds now.

    Histories are sorted by ``date``, receipts and inbound messages by ``timestamp``: they only ever grow at
    the end, so that a range of time is found by bisection. ``next_ids`` are never given away twice.

    Attributes:
        scheduled: Messages that wait for their time, by id; they may be cancelled.
        arrived: Messages that were accepted from calls, in the order in which they came.
        refused: Messages of calls that were not accepted, each with its status.
        replies: What somebody was made to answer, in this order.
        inbound_rules: Rules for inbound messages that calls have made or changed; None where one is deleted.
        recent: When a body was last accepted for a recipient, by channel, recipient and body.
        forced: Statuses that a test has ordered.
        credit: What the account has left, in millionths; may be below zero.
    """

    sms: list[Sms] = field(default_factory=list)
    mms: list[Mms] = field(default_factory=list)
    voice: list[Voice] = field(default_factory=list)
    inbound: Inbox[Inbound] = field(default_factory=Inbox)
    sms_receipts: Inbox[Receipt] = field(default_factory=Inbox)
    mms_receipts: Inbox[Receipt] = field(default_factory=Inbox)
    voice_receipts: Inbox[Receipt] = field(default_factory=Inbox)
    templates: dict[int, Template] = field(default_factory=dict)
    lists: dict[int, ContactList] = field(default_factory=dict)
    contacts: dict[int, dict[int, Contact]] = field(default_factory=dict)
    email_addresses: dict[int, EmailAddress] = field(default_factory=dict)
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    mms_campaigns: dict[int, MmsCampaign] = field(default_factory=dict)
    subaccounts: dict[int, Subaccount] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    issues: dict[str, Issue] = field(default_factory=dict)
    next_ids: dict[str, int] = field(default_factory=FIRST_IDS.copy)
    scheduled: dict[str, Message] = field(default_factory=dict)
    arrived: list[Message] = field(default_factory=list)
    refused: list[Outgoing] = field(default_factory=list)
    replies: list[Sms] = field(default_factory=list)
    inbound_rules: dict[int, InboundRule | None] = field(default_factory=dict)
    recent: dict[tuple[str, str, str], int] = field(default_factory=dict)
    forced: list[Forced] = field(default_factory=list)
    credit: int = 0

    def copy(self) -> Store:
        """Return a store with copies of all rows; a message that stands in several tables is copied once."""
        twins: dict[int, Any] = {}
        return Store(**{name: _copied(getattr(self, name), twins) for name in self.__struct_fields__})

    def new_id(self, table: str) -> int:
        """Give away the next id of a table."""
        given = self.next_ids[table]
        self.next_ids[table] = given + 1
        return given

    def move(self, contact: Contact, list_id: int, at: int) -> None:
        """Move a contact to another list; it keeps its id."""
        del self.contacts[contact.list_id][contact.contact_id]
        contact.list_id, contact.moved_at = list_id, at
        self.contacts[list_id][contact.contact_id] = contact

    def receipts_of(self, message: Message) -> Inbox[Receipt]:
        """Return the receipts of the channel that the message belongs to."""
        match message:
            case Mms():
                return self.mms_receipts
            case Voice():
                return self.voice_receipts
            case _:
                return self.sms_receipts


def _copied(part: Any, twins: dict[int, Any]) -> Any:
    if isinstance(part, Struct):
        if id(part) not in twins:
            twins[id(part)] = copy(part)
        return twins[id(part)]
    if isinstance(part, list):
        return [_copied(one, twins) for one in part]
    if isinstance(part, dict):
        return {key: _copied(one, twins) for key, one in part.items()}
    return part.copy() if isinstance(part, Inbox) else part
