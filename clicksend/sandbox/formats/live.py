"""Rows as the live API spells them: integers where integers were recorded, current field names.

The recorded quirks are part of it: SMS history has ``schedule`` as a string, MMS history has
``message_parts`` as "1.00", failed calls have neither, identifiers of lists and contacts come as integer,
string, 0 or null.
"""

from __future__ import annotations

from typing import Any

from clicksend.sandbox.world.rows import (
    SUBACCOUNT_ID,
    USER_ID,
    USERNAME,
    Contact,
    ContactList,
    EmailAddress,
    Inbound,
    Message,
    Mms,
    Receipt,
    Sms,
    Template,
    Voice,
)

Shape = dict[str, Any]


def as_text(shape: Shape, *names: str) -> None:
    """Turn integers into numeric strings; null and "" stay."""
    for name in names:
        if isinstance(shape[name], int):
            shape[name] = str(shape[name])


def _identifier(value: int | None, flavour: int) -> int | str | None:
    """Spell a list or contact id in one of the recorded ways; ``flavour`` (the row's date) decides which."""
    if value is None:
        return 0 if flavour & 1 else None
    return str(value) if flavour & 1 else value


def _message(row: Message) -> Shape:
    delivery = row.delivery
    return {
        "direction": row.direction,
        "to": row.to,
        "body": row.body,
        "status": delivery.status,
        "from": row.sender,
        "status_code": delivery.code,
        "status_text": delivery.text,
        "error_code": delivery.error_code,
        "error_text": delivery.error_text,
        "message_id": row.message_id,
        "message_parts": row.parts,
        "message_price": row.price,
        "list_id": _identifier(row.list_id, row.date >> 1),
        "custom_string": row.custom_string,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "country": row.country,
        "carrier": row.carrier,
        "_api_username": USERNAME,
    }


def sms_history(row: Sms) -> Shape:
    """Spell a row of ``/sms/history``."""
    return {
        **_message(row),
        "date": row.date,
        "schedule": "" if row.schedule is None else str(row.schedule),
        "from_email": row.from_email,
        "contact_id": _identifier(row.contact_id, row.date),
        "first_name": row.first_name,
        "last_name": row.last_name,
    }


def mms_history(row: Mms) -> Shape:
    """Spell a row of ``/mms/history``; ``date_added`` is the usable time, ``date`` a string of the same."""
    return {
        **_message(row),
        "date": str(row.date),
        "date_added": row.date,
        "subject": row.subject,
        "priority": 3,
        "_media_file_url": row.media_url,
        "schedule": "" if row.schedule is None else str(row.schedule),
        "message_parts": f"{row.parts}.00",
        "from_email": row.from_email,
        "contact_id": row.contact_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
    }


def voice_history(row: Voice) -> Shape:
    """Spell a row of ``/voice/history``."""
    shape = _message(row)
    del shape["direction"], shape["error_code"], shape["error_text"]
    return {
        **shape,
        "date": None,
        "date_added": row.date,
        "digits": row.digits,
        "lang": row.lang,
        "voice": row.voice,
        "list_id": None if row.list_id is None else str(row.list_id),
        "machine_detected": row.machine_detected,
        "machine_detection": row.machine_detection,
        "message_parts": row.parts or "",
        "require_input": row.require_input,
        "schedule": "" if row.schedule is None else row.schedule,
        "to_type": row.to_type,
    }


def _receipt(row: Receipt, message_type: str) -> Shape:
    delivery = row.delivery
    code = delivery.code or ""
    return {
        "timestamp_send": row.sent_at,
        "timestamp": row.timestamp,
        "message_id": row.message_id,
        "status_code": int(code) if code.isdigit() else code,
        "status_text": delivery.text,
        "error_code": delivery.error_code and int(delivery.error_code),
        "error_text": delivery.error_text,
        "custom_string": row.custom_string,
        "subaccount_id": SUBACCOUNT_ID,
        "message_type": message_type,
        "digits": row.digits,
    }


def sms_receipts(row: Receipt) -> Shape:
    """Spell a row of ``/sms/receipts``."""
    return _receipt(row, "sms")


def mms_receipts(row: Receipt) -> Shape:
    """Spell a row of ``/mms/receipts``; its codes are words."""
    return _receipt(row, "mms")


def voice_receipts(row: Receipt) -> Shape:
    """Spell a row of ``/voice/receipts``: times and codes are text, as documented."""
    shape = _receipt(row, "voice")
    as_text(shape, "timestamp_send", "timestamp", "status_code", "error_code")
    return shape


def sms_inbound(row: Inbound) -> Shape:
    """Spell a row of ``/sms/inbound``."""
    words = row.body.split()
    return {
        "timestamp": row.timestamp,
        "from": row.sender,
        "body": row.body,
        "original_body": row.original_body,
        "original_message_id": row.original_message_id,
        "to": row.to,
        "custom_string": row.custom_string,
        "message_id": row.message_id,
        "_keyword": words[0].lower() if words else "",
    }


def sms_templates(row: Template) -> Shape:
    """Spell a template."""
    return {"template_id": row.template_id, "body": row.body, "template_name": row.template_name}


def lists(row: ContactList, size: int) -> Shape:
    """Spell a contact list of ``size`` contacts; it has no date at all."""
    return {
        "list_id": row.list_id,
        "list_name": row.list_name,
        "list_email_id": row.list_email_id,
        "_contacts_count": size,
        "_import_in_progress": 0,
        "_optout_in_progress": 0,
    }


_CONTACT = tuple(name for name in Contact.__struct_fields__ if name != "moved_at")


def contacts(row: Contact, list_name: str) -> Shape:
    """Spell a contact."""
    return {name: getattr(row, name) for name in _CONTACT} | {"_list_name": list_name}


def email_addresses(row: EmailAddress) -> Shape:
    """Spell a sender's e-mail address."""
    return {
        "email_address_id": row.email_address_id,
        "email_address": row.email_address,
        "verified": row.verified,
        "date_added": str(row.date_added),
    }
