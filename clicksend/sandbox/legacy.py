"""Rows as older documentation spells them: numeric strings, older names, fields left out.

Each is made from the live spelling of the same row, so that both modes hold the same facts by construction.
"""

from clicksend.sandbox import live
from clicksend.sandbox.live import Shape, as_text
from clicksend.sandbox.rows import (
    Contact,
    ContactList,
    EmailAddress,
    Inbound,
    Mms,
    Receipt,
    Sms,
    Template,
    Voice,
)


def without_null(shape: Shape, *names: str) -> None:
    """Leave fields out that are null."""
    for name in names:
        if shape[name] is None:
            del shape[name]


def sms_history(row: Sms) -> Shape:
    """Age a row of `/sms/history`."""
    shape = live.sms_history(row)
    as_text(shape, "date")
    without_null(shape, "first_name", "last_name")
    shape["message_parts"] = f"{row.parts}.00"
    shape["contact_id"] = row.contact_id or 0
    shape["custom_string"] = row.custom_string or None
    return shape


def mms_history(row: Mms) -> Shape:
    """Age a row of `/mms/history`."""
    shape = live.mms_history(row)
    as_text(shape, "date_added")
    without_null(shape, "first_name", "last_name", "error_code", "error_text")
    shape["carrier"] = row.carrier or None
    return shape


def voice_history(row: Voice) -> Shape:
    """Age a row of `/voice/history`."""
    shape = live.voice_history(row)
    as_text(shape, "date_added", "schedule")
    shape["message_parts"] = f"{row.parts}.00" if row.parts else ""
    shape["custom_string"] = row.custom_string or None
    return shape


def _receipt(shape: Shape) -> Shape:
    as_text(shape, "timestamp_send", "timestamp", "status_code", "error_code")
    shape["error_code"] = shape["error_code"] or ""
    shape["error_text"] = shape["error_text"] or ""
    shape["custom_string"] = shape["custom_string"] or None
    return shape


def sms_receipts(row: Receipt) -> Shape:
    """Age a row of `/sms/receipts`; the older list calls the type `_message_type`."""
    shape = _receipt(live.sms_receipts(row))
    without_null(shape, "digits")
    shape["_message_type"] = shape.pop("message_type")
    return shape


def mms_receipts(row: Receipt) -> Shape:
    """Age a row of `/mms/receipts`."""
    return _receipt(live.mms_receipts(row))


def voice_receipts(row: Receipt) -> Shape:
    """Age a row of `/voice/receipts`."""
    return _receipt(live.voice_receipts(row))


def sms_inbound(row: Inbound) -> Shape:
    """Age a row of `/sms/inbound`: the time is called `timestamp_send`, and there may be no original."""
    shape = live.sms_inbound(row)
    shape["timestamp_send"] = str(shape.pop("timestamp"))
    shape["custom_string"] = row.custom_string or None
    if not row.original_message_id:
        del shape["original_message_id"], shape["original_body"]
    return shape


def sms_templates(row: Template) -> Shape:
    """Age a template: nothing has changed."""
    return live.sms_templates(row)


def lists(row: ContactList, size: int) -> Shape:
    """Age a contact list: nothing has changed."""
    return live.lists(row, size)


def contacts(row: Contact, list_name: str) -> Shape:
    """Age a contact: times as text, nothing is null instead of empty."""
    shape = live.contacts(row, list_name)
    as_text(shape, "date_added", "date_updated")
    for name in ("fax_number", "organization_name", "email", *_ADDRESS):
        shape[name] = shape[name] or None
    return shape


def email_addresses(row: EmailAddress) -> Shape:
    """Age a sender's e-mail address: nothing has changed."""
    return live.email_addresses(row)


_ADDRESS = (
    "address_line_1",
    "address_line_2",
    "address_city",
    "address_state",
    "address_postal_code",
    "address_country",
)
