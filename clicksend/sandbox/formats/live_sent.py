"""Answers to calls that send, as the live API spells them.

A row has one of three recorded shapes: accepted; blocked, for a country that may not be sent to; rejected,
for everything else. The two that fail have no ``schedule``, and a rejected one has not even a sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from clicksend.sandbox.formats.live import Shape
from clicksend.sandbox.formats.live_account import CURRENCY
from clicksend.sandbox.world.rows import (
    SUBACCOUNT_ID,
    SUCCESS,
    USER_ID,
    Message,
    Mms,
    Outgoing,
    Sms,
    Upload,
    Voice,
)
from clicksend.sandbox.world.traffic import FREE

BLOCKED = frozenset({"COUNTRY_NOT_ENABLED", "REGISTRATION_NEEDED"})
"""Statuses of messages that are blocked, not rejected."""


def totals(price: float, rows: Sequence[Outgoing], shapes: list[Shape], channel: str) -> Shape:
    """Spell the whole answer: ``rows`` are all messages, ``shapes`` those that it shows."""
    statuses = [row.status for row in rows]
    shape: Shape = {
        "total_price": price,
        "total_count": len(rows),
        "queued_count": statuses.count(SUCCESS),
        "messages": shapes,
    }
    if channel == "mms":
        return shape
    return {**shape, "_currency": CURRENCY, "blocked_count": sum(map(BLOCKED.__contains__, statuses))}


def sms_send(row: Outgoing) -> Shape:
    """Spell a row of ``/sms/send``."""
    message = row.message
    if row.status != SUCCESS:
        return _failed(row) | {"is_shared_system_number": row.shared}
    return {
        "direction": "out",
        "date": message.date,
        "to": message.to,
        "body": message.body,
        "from": message.sender,
        "schedule": message.schedule,
        "message_id": message.message_id,
        "message_parts": message.parts,
        "message_price": short(message.price),
        "from_email": message.from_email if isinstance(message, Sms) else None,
        "list_id": message.list_id,
        "custom_string": message.custom_string,
        "contact_id": message.contact_id,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "is_shared_system_number": row.shared,
        "country": message.country,
        "carrier": message.carrier,
        "status": row.status,
    }


def sms_price(row: Outgoing) -> Shape:
    """Spell a row of ``/sms/price``."""
    message = row.message
    if row.status != SUCCESS:
        return _failed(row) | {"is_shared_system_number": row.shared}
    return {
        **_core(message),
        "schedule": _later(message),
        "message_parts": message.parts,
        "message_price": short(message.price),
        "custom_string": message.custom_string,
        "country": message.country,
        "status": row.status,
        "date": "",
        "message_id": message.message_id,
        "contact_id": message.contact_id,
        "is_shared_system_number": row.shared,
    }


def mms_send(row: Outgoing) -> Shape:
    """Spell a row of ``/mms/send``."""
    message = row.message
    if not isinstance(message, Mms):
        raise TypeError("a picture message is wanted")
    own = {"subject": message.subject, "_media_file_url": message.media_url}
    if row.status != SUCCESS:
        return _failed(row) | own
    return {
        **_core(message),
        **own,
        "list_id": message.list_id,
        "contact_id": message.contact_id,
        "message_id": message.message_id,
        "country": message.country,
        "custom_string": message.custom_string,
        "schedule": _later(message),
        "message_parts": message.parts,
        "message_price": short(message.price),
        "status": row.status,
    }


def voice_send(row: Outgoing) -> Shape:
    """Spell a row of ``/voice/send``."""
    message = row.message
    if not isinstance(message, Voice):
        raise TypeError("a call is wanted")
    own = {
        "to_type": message.to_type,
        "lang": message.lang,
        "voice": message.voice,
        "require_input": message.require_input,
        "machine_detection": message.machine_detection,
    }
    if row.status != SUCCESS:
        return _failed(row) | own
    return {
        **_core(message),
        **own,
        "date_added": message.date,
        "schedule": message.schedule,
        "message_id": message.message_id,
        "message_parts": message.parts,
        "message_price": short(message.price),
        "custom_string": message.custom_string,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "country": message.country,
        "carrier": message.carrier,
        "status": row.status,
    }


mms_price, voice_price = mms_send, voice_send


def uploads(row: Upload) -> Shape:
    """Spell an upload."""
    return {
        "upload_id": row.upload_id,
        "user_id": USER_ID,
        "file_name": row.file_name,
        "date_added": row.date_added,
        "date_delete": row.date_delete,
        "_url": row.url,
    }


@cache
def short(price: str) -> str:
    """Spell a price with four places where they are enough, as recorded."""
    return price.removesuffix("00") if price != FREE else price


def _later(message: Message) -> str:
    """Spell the time that a message waits for, as documented for prices and picture messages."""
    return "" if message.schedule in {None, message.date} else str(message.schedule)


def _core(message: Message) -> Shape:
    return {"to": message.to, "body": message.body, "from": message.sender}


def _failed(row: Outgoing) -> Shape:
    """Spell a message that is blocked or rejected."""
    message = row.message
    rejected = {
        **_core(message),
        "from": "",
        "schedule": "",
        "message_id": message.message_id,
        "custom_string": message.custom_string,
        "status": row.status,
    }
    if row.status not in BLOCKED:
        return rejected
    return rejected | {
        "from": message.sender,
        "message_parts": 0,
        "message_price": FREE,
        "country": message.country,
        "carrier": message.carrier,
    }
