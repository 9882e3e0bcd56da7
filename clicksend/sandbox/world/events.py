"""What happens in the world, and what each happening does to the store."""

from __future__ import annotations

from msgspec import Struct

from clicksend.sandbox.world.countries import millionths
from clicksend.sandbox.world.rows import (
    Contact,
    ContactList,
    Delivery,
    EmailAddress,
    Inbound,
    Message,
    Mms,
    Receipt,
    Sms,
    Template,
    Voice,
)
from clicksend.sandbox.world.store import OPT_OUT_LIST_ID, Store


class Event(Struct, gc=False):
    """Something that happens ``at`` a time (Unix seconds); hidden from the garbage collector, as rows are."""

    at: int

    def apply(self, store: Store) -> None:
        """Change the store."""
        raise NotImplementedError


class MessageSent(Event):
    """A message enters its channel's history."""

    message: Message

    def apply(self, store: Store) -> None:
        """Append to the history and pay; events come in time order, so it stays sorted."""
        match self.message:
            case Sms():
                store.sms.append(self.message)
            case Mms():
                store.mms.append(self.message)
            case Voice():
                store.voice.append(self.message)
        if self.message.direction == "out":
            store.credit -= millionths(self.message.price)
        if self.message.delivery.status == "Scheduled":
            store.scheduled[self.message.message_id] = self.message


class StatusChanged(Event):
    """The network reports on a message; ``reported`` makes a receipt of it, one per entry of ``digits``."""

    message: Message
    delivery: Delivery
    reported: bool
    digits: tuple[str | None, ...] = (None,)

    def apply(self, store: Store) -> None:
        """Move the message on, unless its fate is already final (cancelled meanwhile, for one)."""
        message = self.message
        if message.delivery.final:
            return
        store.scheduled.pop(message.message_id, None)
        message.delivery = self.delivery
        if isinstance(message, Voice):
            message.digits = self.digits[-1]
        if not self.reported:
            return
        receipts = store.receipts_of(message)
        for digits in self.digits:
            receipts.append(
                Receipt(
                    message_id=message.message_id,
                    sent_at=message.schedule or message.date,
                    timestamp=self.at,
                    delivery=self.delivery,
                    custom_string=message.custom_string,
                    digits=digits,
                )
            )


class Cancelled(Event):
    """A scheduled message is cancelled."""

    message: Message

    def apply(self, store: Store) -> None:
        """Take it back, and give back what it cost."""
        del store.scheduled[self.message.message_id]
        self.message.delivery = Delivery("Cancelled", final=True)
        store.credit += millionths(self.message.price)


class Replied(Event):
    """A text message comes in: one row of the history, and one unread inbound message."""

    message: Sms
    inbound: Inbound
    original: Message | None = None

    def apply(self, store: Store) -> None:
        """Append both, unless the message that is answered has been cancelled meanwhile."""
        if self.original is None or self.original.delivery.status != "Cancelled":
            store.sms.append(self.message)
            store.inbound.append(self.inbound)


class OptedOut(Event):
    """A recipient wrote STOP: the contact leaves the list that was messaged, and that list only."""

    list_id: int
    contact_id: int
    original: Message | None = None

    def apply(self, store: Store) -> None:
        """Move the contact, if it and the Opt-Out List are still there and the message was sent."""
        if self.original is not None and self.original.delivery.status == "Cancelled":
            return
        contact = store.contacts.get(self.list_id, {}).get(self.contact_id)
        if contact is not None and OPT_OUT_LIST_ID in store.lists:
            store.move(contact, OPT_OUT_LIST_ID, self.at)
            contact.date_added = self.at  # recorded


class ContactAdded(Event):
    """A contact is created; the row is handed over to the store."""

    contact: Contact

    def apply(self, store: Store) -> None:
        """Add it, if its list still exists."""
        members = store.contacts.get(self.contact.list_id)
        if members is not None:
            members[self.contact.contact_id] = self.contact


class ContactChanged(Event):
    """Some fields of a contact get new values."""

    list_id: int
    contact_id: int
    values: dict[str, str]

    def apply(self, store: Store) -> None:
        """Write the fields and the time of change, if the contact is still there."""
        contact = store.contacts.get(self.list_id, {}).get(self.contact_id)
        if contact is None:
            return
        for field, value in self.values.items():
            setattr(contact, field, value)
        contact.date_updated = self.at


class ContactDeleted(Event):
    """A contact is deleted; nothing of it remains."""

    list_id: int
    contact_id: int

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.contacts.get(self.list_id, {}).pop(self.contact_id, None)


class ListAdded(Event):
    """A contact list is created, empty."""

    contact_list: ContactList

    def apply(self, store: Store) -> None:
        """Add the list and room for its contacts."""
        store.lists[self.contact_list.list_id] = self.contact_list
        store.contacts[self.contact_list.list_id] = {}


class ListDeleted(Event):
    """A contact list is deleted, its contacts with it."""

    list_id: int

    def apply(self, store: Store) -> None:
        """Forget both."""
        store.lists.pop(self.list_id, None)
        store.contacts.pop(self.list_id, None)


class TemplateSaved(Event):
    """A template is created, or replaced by a new version (``edit``)."""

    template: Template
    edit: bool = False

    def apply(self, store: Store) -> None:
        """Write it; what a write has deleted meanwhile is not edited."""
        key = self.template.template_id
        if not self.edit or key in store.templates:
            store.templates[key] = self.template


class TemplateDeleted(Event):
    """A template is deleted."""

    template_id: int

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.templates.pop(self.template_id, None)


class EmailAddressSaved(Event):
    """A sender's e-mail address is added, or verified (``edit``)."""

    email_address: EmailAddress
    edit: bool = False

    def apply(self, store: Store) -> None:
        """Write it; what a write has deleted meanwhile is not verified."""
        key = self.email_address.email_address_id
        if not self.edit or key in store.email_addresses:
            store.email_addresses[key] = self.email_address


class EmailAddressDeleted(Event):
    """A sender's e-mail address is deleted."""

    email_address_id: int

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.email_addresses.pop(self.email_address_id, None)
