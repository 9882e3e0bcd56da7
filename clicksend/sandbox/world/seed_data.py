"""Lists, templates and e-mail addresses: few rows, whose history is written by hand.

Within three days after the epoch something of every kind is added, changed and deleted; from then on the
account edits one template a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from clicksend.sandbox.world.events import (
    EmailAddressDeleted,
    EmailAddressSaved,
    Event,
    ListAdded,
    ListDeleted,
    TemplateDeleted,
    TemplateSaved,
)
from clicksend.sandbox.world.rows import ContactList, EmailAddress, Template
from clicksend.sandbox.world.store import OPT_OUT_LIST_ID

_HOUR, _DAY = 3600, 86_400
HISTORY_DAYS = 117
"""How far back before the epoch the messages begin; days."""
FOUNDED_BEFORE = 2 * 365 * _DAY
"""How long before the first message the account was opened; seconds."""

OPT_OUTS = OPT_OUT_LIST_ID
CUSTOMERS, NEWSLETTER, VIP, LEADS, EMPTY, RAFFLE, AUTUMN = range(OPT_OUTS + 1, OPT_OUTS + 8)
_LISTS = (
    (OPT_OUTS, "Opt-Out List", "ZKWV60QGQ5M1X1PB"),
    (CUSTOMERS, "Customers", "6O7JRX2YD4WTS80Q"),
    (NEWSLETTER, 'Newsletter "À la carte"', "R2L5D9XQ0ABC7ZKM"),
    (VIP, "VIP & friends", "VTY3H1QW8E5N6B0C"),
    (LEADS, "Leads (Köln)", "9GJ4LQ2PX7ZRT1M8"),
    (EMPTY, "Empty list", "E0E1E2E3E4E5E6E7"),
    (RAFFLE, "Summer raffle", "S8K2MM4NXW0D3F6H"),
)
_TEMPLATES = (
    (632497, "Test Template", "Hello {name}, this is a test message."),
    (632498, "Welcome", "Hello (First Name), welcome to ACME! 🎉\nReply STOP to opt out."),
    (632499, "Appointment", 'Your appointment is on {custom_1}; bring the form "A\\B".'),
    (632500, "Größe L", "Grüße! Ihr Artikel in Größe L ist wieder da: https://example.com/l"),
    (632501, "Old offer", "Only today: 10% off. O'Reilly's, Main Street."),
)
_EMAIL_ADDRESSES = (
    (2101, "sender@example.com", 1),
    (2102, "no-reply@example.org", 1),
    (2103, "jürgen@example.net", 0),
)
_EDITED = Template(
    template_id=632499, template_name="Appointment", body="See you on {custom_1} at {custom_2} 📅"
)


def milestones(start: int, epoch: int) -> Iterator[Event]:
    """Yield the set-up, two years before ``start``, and what happens after ``epoch``; in time order."""
    yield from _set_up(start - FOUNDED_BEFORE)
    yield TemplateSaved(epoch + 6 * _HOUR, _EDITED, edit=True)
    yield TemplateSaved(
        epoch + 8 * _HOUR, Template(template_id=632502, template_name="Flash", body="⚡ {name}!")
    )
    yield TemplateDeleted(epoch + 18 * _HOUR, 632501)
    yield EmailAddressSaved(
        epoch + 20 * _HOUR, _email_address(2104, "news@example.com", 0, epoch + 20 * _HOUR)
    )
    yield ListDeleted(epoch + 2 * _DAY, RAFFLE)
    yield EmailAddressSaved(
        epoch + 52 * _HOUR, _email_address(2104, "news@example.com", 1, epoch + 20 * _HOUR), edit=True
    )
    yield EmailAddressDeleted(epoch + 54 * _HOUR, 2102)
    autumn = ContactList(list_id=AUTUMN, list_name="Autumn 🍂", list_email_id="A7T8U9M0N1C2D3E4")
    yield ListAdded(epoch + 3 * _DAY, autumn)
    for week in count(1):
        body = f"Hello {{name}}, this is test message no. {week}."
        edited = Template(template_id=632497, template_name="Test Template", body=body)
        yield TemplateSaved(epoch + week * 7 * _DAY, edited, edit=True)


def _set_up(founded: int) -> Iterator[Event]:
    for list_id, name, email_id in _LISTS:
        yield ListAdded(founded, ContactList(list_id=list_id, list_name=name, list_email_id=email_id))
    for template_id, name, body in _TEMPLATES:
        yield TemplateSaved(founded, Template(template_id=template_id, template_name=name, body=body))
    for address_id, address, verified in _EMAIL_ADDRESSES:
        yield EmailAddressSaved(founded, _email_address(address_id, address, verified, founded))


def _email_address(address_id: int, address: str, verified: int, date_added: int) -> EmailAddress:
    return EmailAddress(
        email_address_id=address_id, email_address=address, verified=verified, date_added=date_added
    )
