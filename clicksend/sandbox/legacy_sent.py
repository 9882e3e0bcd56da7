"""Answers to calls that send, as older documentation spells them; made from the live spelling."""

from collections.abc import Sequence
from decimal import Decimal

from clicksend.sandbox import live_sent
from clicksend.sandbox.legacy import without_null
from clicksend.sandbox.live import Shape, as_text
from clicksend.sandbox.live_account import CURRENCY, as_number
from clicksend.sandbox.rows import Outgoing, Upload


def totals(price: float, rows: Sequence[Outgoing], shapes: list[Shape], channel: str) -> Shape:
    """Age the whole answer: nothing is counted as blocked, the currency has another name except for MMS."""
    shape = live_sent.totals(price, rows, shapes, channel)
    for name in ("_currency", "blocked_count"):
        shape.pop(name, None)
    return {**shape, "_currency" if channel == "mms" else "currency": CURRENCY}


def _aged(shape: Shape) -> Shape:
    """Make a price a number, and leave out what is null."""
    without_null(shape, *(name for name in ("from_email", "list_id", "contact_id") if name in shape))
    if "message_price" in shape:
        shape["message_price"] = as_number(Decimal(shape["message_price"]))
    return shape


def sms_send(row: Outgoing) -> Shape:
    """Age a row of `/sms/send`."""
    return _aged(live_sent.sms_send(row))


def sms_price(row: Outgoing) -> Shape:
    """Age a row of `/sms/price`: it has no date yet."""
    shape = _aged(live_sent.sms_price(row))
    shape.pop("date", None)
    return shape


def mms_send(row: Outgoing) -> Shape:
    """Age a row of `/mms/send`: nothing has changed."""
    return live_sent.mms_send(row)


def voice_send(row: Outgoing) -> Shape:
    """Age a row of `/voice/send`: the time has another name."""
    shape = _aged(live_sent.voice_send(row))
    if "date_added" in shape:
        shape["date"] = shape.pop("date_added")
    return shape


mms_price, voice_price = mms_send, voice_send


def uploads(row: Upload) -> Shape:
    """Age an upload: times as text."""
    shape = live_sent.uploads(row)
    as_text(shape, "date_added", "date_delete")
    return shape
