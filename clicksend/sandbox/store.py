"""The tables of the stand-in. Events and, later, API writes change them; nothing else does."""

from collections.abc import Iterator
from itertools import chain
from typing import Generic, TypeVar

from msgspec import Struct, field

from clicksend.sandbox.rows import (
    Campaign,
    Contact,
    ContactList,
    EmailAddress,
    Inbound,
    Issue,
    Message,
    Mms,
    Number,
    Receipt,
    Sms,
    Subaccount,
    Template,
    Transaction,
    Voice,
)

T = TypeVar("T")
OPT_OUT_LIST_ID = 3555277


class Inbox(Generic[T]):
    """Things that are listed until marked as read, and found by id afterwards too; oldest first."""

    def __init__(self) -> None:
        self.unread: list[T] = []
        self.read: list[T] = []

    def append(self, item: T) -> None:
        """Add a thing, unread."""
        self.unread.append(item)

    def all(self) -> Iterator[T]:
        """Go through the read ones, then the unread ones."""
        return chain(self.read, self.unread)


class Store(Struct):
    """All that the account holds now.

    Histories are sorted by `date`, receipts and inbound messages by `timestamp`: they only ever grow at the
    end, so that a range of time is found by bisection.
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
    subaccounts: dict[int, Subaccount] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    issues: dict[str, Issue] = field(default_factory=dict)

    def receipts_of(self, message: Message) -> Inbox[Receipt]:
        """Return the receipts of the channel that the message belongs to."""
        match message:
            case Mms():
                return self.mms_receipts
            case Voice():
                return self.voice_receipts
            case _:
                return self.sms_receipts
