"""Rows and answers in the form of older documentation: numeric strings, older names, fields left out.

All are made from the live form.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from clicksend.sandbox.formats import live, live_account, live_sent
from clicksend.sandbox.formats.live import Shape, as_text
from clicksend.sandbox.formats.live_account import CURRENCY, as_number
from clicksend.sandbox.world.rows import (
    Campaign,
    Contact,
    ContactList,
    EmailAddress,
    Inbound,
    InboundRule,
    Issue,
    Mms,
    MmsCampaign,
    Number,
    Outgoing,
    Receipt,
    Sms,
    Subaccount,
    Template,
    Transaction,
    Upload,
    Voice,
)
from clicksend.sandbox.world.usage import Day, Usage


def without_null(shape: Shape, *names: str) -> None:
    """Leave fields out that are null."""
    for name in names:
        if shape[name] is None:
            del shape[name]


def sms_history(row: Sms) -> Shape:
    """Age a row of ``/sms/history``."""
    shape = live.sms_history(row)
    as_text(shape, "date")
    without_null(shape, "first_name", "last_name")
    shape["message_parts"] = f"{row.parts}.00"
    shape["contact_id"] = row.contact_id or 0
    shape["custom_string"] = row.custom_string or None
    return shape


def mms_history(row: Mms) -> Shape:
    """Age a row of ``/mms/history``."""
    shape = live.mms_history(row)
    as_text(shape, "date_added")
    without_null(shape, "first_name", "last_name", "error_code", "error_text")
    shape["carrier"] = row.carrier or None
    return shape


def voice_history(row: Voice) -> Shape:
    """Age a row of ``/voice/history``."""
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
    """Age a row of ``/sms/receipts``; the older list calls the type ``_message_type``."""
    shape = _receipt(live.sms_receipts(row))
    without_null(shape, "digits")
    shape["_message_type"] = shape.pop("message_type")
    return shape


def mms_receipts(row: Receipt) -> Shape:
    """Age a row of ``/mms/receipts``."""
    return _receipt(live.mms_receipts(row))


def voice_receipts(row: Receipt) -> Shape:
    """Age a row of ``/voice/receipts``."""
    return _receipt(live.voice_receipts(row))


def sms_inbound(row: Inbound) -> Shape:
    """Age a row of ``/sms/inbound``: the time is called ``timestamp_send``, and there may be no original."""
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


def account(balance: str, part_limit: int) -> Shape:
    """Age the account: the end of the trial is text."""
    shape = live_account.account(balance, part_limit)
    as_text(shape, "trial_expiry")
    without_null(shape, "_referrer_chosen", "delivery_to")
    return shape


def subaccounts(row: Subaccount) -> Shape:
    """Age a subaccount: nothing has changed."""
    return live_account.subaccounts(row)


def sms_campaigns(row: Campaign, list_name: str | None) -> Shape:
    """Age a campaign: times as text."""
    shape = live_account.sms_campaigns(row, list_name)
    as_text(shape, "schedule", "date_added")
    shape["schedule"] = shape["schedule"] or ""
    without_null(shape, "url_to_shorten", "senders", "_list_name")
    return shape


def mms_campaigns(row: MmsCampaign, list_name: str | None) -> Shape:
    """Age a picture campaign: times as text."""
    shape = live_account.mms_campaigns(row, list_name)
    as_text(shape, "schedule", "date_added")
    without_null(shape, "_list_name")
    return shape


def inbound_rules(row: InboundRule) -> Shape:
    """Age a rule for inbound messages: nothing is said of a webhook's format."""
    shape = live_account.inbound_rules(row)
    without_null(shape, "webhook_type")
    return shape


def numbers(row: Number) -> Shape:
    """Age a rented number: nothing is null."""
    shape = live_account.numbers(row)
    without_null(shape, "notes", "number_category", "form_submission_id", "usage_restriction")
    return shape


def transactions(row: Transaction) -> Shape:
    """Age a purchase: the amount is text."""
    return {**live_account.transactions(row), "amount": row.amount}


def delivery_issues(row: Issue) -> Shape:
    """Age a complaint: its id is a number."""
    return {**live_account.delivery_issues(row), "issue_id": row.issue_id}


def account_usage(channels: dict[str, Usage]) -> Shape:
    """Age a month: prices as text."""
    shape = live_account.account_usage(channels)
    for name, usage in channels.items():
        price = f"{usage.price:.6f}"
        shape[name] = [{**row, "total_price": price} for row in shape[name]]
        shape[f"{name}_total"]["price"] = price
        for row in shape[name]:
            without_null(row, "notes")
    return shape


def statistics(days: Sequence[Day], total: Day, *, inbound: bool) -> Shape:
    """Age thirty days: other names."""
    shape = live_account.statistics(days, total, inbound=inbound)
    return {"total": shape["total"], "stat": shape["stats"], "currency": shape["_currency"]}


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
    """Age a row of ``/sms/send``."""
    return _aged(live_sent.sms_send(row))


def sms_price(row: Outgoing) -> Shape:
    """Age a row of ``/sms/price``: it has no date yet."""
    shape = _aged(live_sent.sms_price(row))
    shape.pop("date", None)
    return shape


def mms_send(row: Outgoing) -> Shape:
    """Age a row of ``/mms/send``: nothing has changed."""
    return live_sent.mms_send(row)


def voice_send(row: Outgoing) -> Shape:
    """Age a row of ``/voice/send``: the time has another name."""
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
