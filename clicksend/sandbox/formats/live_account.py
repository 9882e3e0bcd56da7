"""The account's own rows as the live API spells them, the secrets included that the real one gives away."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import asdict

from clicksend.sandbox.formats.live import Shape
from clicksend.sandbox.world.countries import country_name
from clicksend.sandbox.world.rows import (
    AREAS,
    SUBACCOUNT_ID,
    USER_ID,
    USERNAME,
    Campaign,
    InboundRule,
    Issue,
    MmsCampaign,
    Number,
    Subaccount,
    Transaction,
)
from clicksend.sandbox.world.usage import Counted, Day, Usage

CURRENCY: Shape = {
    "currency_name_short": "USD",
    "currency_prefix_d": "$",
    "currency_prefix_c": "¢",
    "currency_name_long": "US Dollars",
}
_NUMBER_STATUS = (
    ("REGISTRATION_NOT_REQUIRED", "Your number is ready to go.", "Ready to use"),
    ("REGISTRATION_NOT_INITIATED", "Your number is unregistered.", "Unregistered"),
)
_UNUSED_CHANNELS = ("fax", "post", "email", "email_transactional", "postcards")


def account(balance: str, part_limit: int) -> Shape:
    """Spell the account, with the API key that the real one gives away in ``_subaccount``."""
    return {
        "user_id": USER_ID,
        "username": USERNAME,
        "user_email": "user@example.com",
        "active": 1,
        "banned": 0,
        "date_sign_up": 1_577_836_800,
        "balance": balance,
        "user_phone": "+18019234886",
        "reply_to": "originalemail",
        "delivery_to": None,
        "user_first_name": "Zoë",
        "user_last_name": "O'Brien",
        "account": 1,
        "account_name": "ACME Pty Ltd",
        "account_billing_email": "billing@example.com",
        "account_billing_mobile": "+18019234886",
        "priority": 3,
        "country": "US",
        "country_ip": "US",
        "default_country_sms": "US",
        "auto_recharge": 0,
        "auto_recharge_amount": "20.00",
        "low_credit_amount": "0.00",
        "setting_unicode_sms": 1,
        "setting_email_sms_subject": 0,
        "setting_fix_sender_id": 0,
        "setting_sms_message_char_limit": part_limit,
        "old_dashboard": 0,
        "balance_commission": "0.000000",
        "timezone": "America/Chicago",
        "private_uploads": 0,
        "on_trial": 0,
        "trial_expiry": 1_580_428_800,
        "_currency": {
            **CURRENCY,
            "min_recharge_amount": "20.00",
            "max_recharge_amount": "5000.00",
        },
        "_subaccount": _SUBACCOUNT,
        "_referrer_chosen": None,
    }


def subaccounts(row: Subaccount) -> Shape:
    """Spell a subaccount, with its key."""
    return {
        "subaccount_id": row.subaccount_id,
        "api_username": row.api_username,
        "email": row.email,
        "phone_number": row.phone_number,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "api_key": f"THIS-IS-A-LIVE-API-KEY-{row.subaccount_id:012}",
        **{f"access_{area}": int(area in row.access) for area in AREAS},
        "hide_pricing": 0,
        "share_campaigns": 0,
        "notes": row.notes,
        "is_main": row.is_main,
        "sign_up_type": None,
    }


def sms_campaigns(row: Campaign, list_name: str | None) -> Shape:
    """Spell a campaign; its list may be gone."""
    return {
        "sms_campaign_id": row.sms_campaign_id,
        "name": row.name,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "list_id": row.list_id,
        "from": row.sender,
        "body": row.body,
        "schedule": row.schedule,
        "status": row.status,
        "date_added": row.date_added,
        "custom_string": row.custom_string or None,
        "url_to_shorten": None,
        "unsubscribe_link": int("STOP" in row.body),
        "source": None,
        "senders": None if row.sent else [],
        "_total_count": row.sent,
        "_list_name": list_name,
    }


def mms_campaigns(row: MmsCampaign, list_name: str | None) -> Shape:
    """Spell a picture campaign; its list may be gone."""
    return {
        "mms_campaign_id": row.mms_campaign_id,
        "name": row.name,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "list_id": row.list_id,
        "from": row.sender,
        "subject": row.subject,
        "file_name": row.file_name,
        "body": row.body,
        "schedule": row.schedule,
        "status": row.status,
        "date_added": row.date_added,
        "_total_count": row.sent,
        "_list_name": list_name,
        "_media_file_url": f"https://media.example.com/files/{row.file_name}",
    }


def inbound_rules(row: InboundRule) -> Shape:
    """Spell a rule for inbound messages."""
    return asdict(row)


def numbers(row: Number) -> Shape:
    """Spell a rented number."""
    label, description, name = _NUMBER_STATUS[row.status]
    return {
        "dedicated_number": row.dedicated_number,
        "country": row.country,
        "price": row.price,
        "_country_name": country_name(row.country),
        "notes": row.notes,
        "type": "sms",
        "number_type": "longcode",
        "number_category": None,
        "number_guid": row.guid,
        "form_submission_id": None,
        "usage_restriction": None,
        "status": {"value": row.status, "label": label, "description": description, "name": name},
    }


def transactions(row: Transaction) -> Shape:
    """Spell a purchase; the amount is a number."""
    return {
        "invoice_number": row.invoice_number,
        "amount": as_number(Decimal(row.amount)),
        "currency": CURRENCY["currency_name_short"],
        "date": row.date,
    }


def delivery_issues(row: Issue) -> Shape:
    """Spell a complaint; its id is a string."""
    return {
        "issue_id": str(row.issue_id),
        "user_id": USER_ID,
        "message_id": row.message_id,
        "type": row.type,
        "description": row.description,
        "client_comments": None,
        "support_comments": row.support_comments,
        "status": "Closed" if row.resolved else None,
        "date_added": row.date_added,
        "resolved": row.resolved,
        "email_address": "user@example.com",
    }


def account_usage(channels: dict[str, Usage]) -> Shape:
    """Spell a month: a row where something was sent, counts as text except for e-mail; and totals."""
    shape: Shape = {name: [] for name in (*channels, *_UNUSED_CHANNELS)}
    for name, usage in channels.items():
        if usage.messages:
            row = {"subaccount_id": SUBACCOUNT_ID, "username": USERNAME, "total_count": f"{usage.parts}.00"}
            shape[name].append({**row, "total_price": as_number(usage.price), "notes": None})
        shape[f"{name}_total"] = {"count": usage.parts, "price": as_number(usage.price)}
    shape |= {f"{name}_total": {"count": 0, "price": 0} for name in _UNUSED_CHANNELS}
    return {**shape, "_currency": CURRENCY}


def statistics(days: Sequence[Day], total: Day, *, inbound: bool) -> Shape:
    """Spell thirty days; calls have nothing inbound."""
    shapes = [{"date": day.date, **_counts(day, inbound=inbound)} for day in days]
    return {"total": _counts(total, inbound=inbound), "stats": shapes, "_currency": CURRENCY}


def _counts(day: Day, *, inbound: bool) -> Shape:
    shape = {"outbound": _counted(day.outbound)}
    if inbound:
        shape["inbound"] = {"count": day.inbound}
    return {**shape, "bounced": {"count": day.bounced}}


def _counted(counted: Counted) -> Shape:
    return {"count": counted.count, "price": as_number(counted.price)}


def as_number(amount: Decimal) -> float:
    """Turn an amount into a JSON number; whole ones have no fraction, as recorded."""
    return int(amount) if amount == int(amount) else float(amount)


_SUBACCOUNT = subaccounts(
    Subaccount(
        subaccount_id=SUBACCOUNT_ID,
        api_username=USERNAME,
        first_name="Zoë",
        last_name="O'Brien",
        email="user@example.com",
        phone_number="+18019234886",
        access=AREAS,
        is_main=1,
    )
)
