"""Contact lists, contacts, and the e-mail addresses that may send."""

from __future__ import annotations

from typing import ClassVar

from tap_clicksend.collections import DATE_UPDATED, Collection, ContactCollection, ListCollection
from tap_clicksend.columns import Column, integer, text, time


class Lists(ListCollection):
    """Contact lists."""

    name = "lists"
    path = "/lists"
    primary_keys = ("list_id",)
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "list_id": integer("The list's id."),
        "list_name": text("Its name; one is the Opt-Out List."),
        "list_email_id": text("Id in the list's e-mail address."),
        "_contacts_count": integer("Contacts in it."),
        "_import_in_progress": integer("1 while an import runs."),
        "_optout_in_progress": integer("1 while opted-out contacts are removed."),
    }


class Contacts(ContactCollection):
    """Contacts of all lists; one person in two lists is two contacts."""

    name = "contacts"
    path = "/lists/{list_id}/contacts"
    primary_keys = ("list_id", "contact_id")
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "list_id": integer("The list that the contact is in."),
        "contact_id": integer("The contact's id."),
        "phone_number": text("Phone number, E.164.", personal=True),
        "first_name": text("First name.", personal=True),
        "last_name": text("Last name.", personal=True),
        "email": text("E-mail address.", personal=True),
        "fax_number": text("Fax number.", personal=True),
        "organization_name": text("Company.", personal=True),
        "custom_1": text("Custom field 1.", personal=True),
        "custom_2": text("Custom field 2.", personal=True),
        "custom_3": text("Custom field 3.", personal=True),
        "custom_4": text("Custom field 4.", personal=True),
        "address_line_1": text("Address, first line.", personal=True),
        "address_line_2": text("Address, second line.", personal=True),
        "address_city": text("City.", personal=True),
        "address_state": text("State.", personal=True),
        "address_postal_code": text("Postal code.", personal=True),
        "address_country": text("Country, ISO 3166 alpha-2."),
        "date_added": time("When the contact was created."),
        "date_updated": DATE_UPDATED,
        "_list_name": text("Name of the list."),
    }


class EmailAddresses(Collection):
    """E-mail addresses that may be used as senders."""

    name = "email_addresses"
    path = "/email/addresses"
    primary_keys = ("email_address_id",)
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "email_address_id": integer("The address's id."),
        "email_address": text("The address.", personal=True),
        "verified": integer("1 when it is verified."),
        "date_added": time("When it was added."),
    }
