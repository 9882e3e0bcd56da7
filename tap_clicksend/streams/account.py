"""The account and what ClickSend offers it."""

from __future__ import annotations

from typing import ClassVar

from tap_clicksend.collections import Collection, SingleObject
from tap_clicksend.columns import Column, integer, mapping, price, text, time


class Account(SingleObject):
    """The account: balance, currency and settings."""

    name = "account"
    path = "/account"
    primary_keys = ("user_id",)
    columns: ClassVar[dict[str, Column]] = {
        "user_id": integer("The account's id."),
        "username": text("Name to sign in with.", personal=True),
        "user_email": text("Owner's e-mail address.", personal=True),
        "user_phone": text("Owner's phone number, E.164.", personal=True),
        "user_first_name": text("Owner's first name.", personal=True),
        "user_last_name": text("Owner's last name.", personal=True),
        "active": integer("1 when the account is active."),
        "banned": integer("1 when the account is suspended."),
        "date_sign_up": time("When the account was opened."),
        "balance": price("Credit left, in the account's currency."),
        "balance_commission": price("Commission earned and not paid out, in the account's currency."),
        "reply_to": text("Where replies go.", personal=True),
        "delivery_to": text("Where delivery reports go.", personal=True),
        "account": integer("Kind of account."),
        "account_name": text("Name of the company or person.", personal=True),
        "account_billing_email": text("Billing e-mail address.", personal=True),
        "account_billing_mobile": text("Billing phone number.", personal=True),
        "priority": integer("The account's priority."),
        "country": text("Country of the account, ISO 3166 alpha-2."),
        "country_ip": text("Country that the account was opened from, ISO 3166 alpha-2."),
        "default_country_sms": text("Country that local numbers are read in, ISO 3166 alpha-2."),
        "auto_recharge": integer("1 when credit is bought automatically."),
        "auto_recharge_amount": price("Credit bought automatically, in the account's currency."),
        "low_credit_amount": price("Credit below which a warning goes out, in the account's currency."),
        "setting_unicode_sms": integer("1 when messages may be Unicode."),
        "setting_email_sms_subject": integer("1 when an e-mail's subject goes into the SMS."),
        "setting_fix_sender_id": integer("1 when the sender is fixed."),
        "setting_sms_message_char_limit": integer("Most parts that a message may have."),
        "setting_sms_hide_your_number": integer("1 when the own number is hidden."),
        "setting_sms_hide_business_name": integer("1 when the business name is hidden."),
        "old_dashboard": integer("1 when the old dashboard is used."),
        "timezone": text("IANA name of the time zone that the dashboard shows; the API itself is UTC."),
        "price_rate": text("Price list of the account."),
        "pricing_variant": text("Variant of the price list."),
        "private_uploads": integer("1 when uploads are private."),
        "fax_quality": integer("Quality of faxes."),
        "on_trial": integer("1 while the account is on trial."),
        "trial_expiry": time("When the trial ends."),
        "ai_enabled": integer("1 when ClickSend's AI features are on."),
        "_currency": mapping(
            "The account's currency: names, prefixes, recharge limits.", old_names=("currency",)
        ),
        "_subaccount": mapping("The subaccount whose key was used, without the key.", personal=True),
        "_referrer_chosen": mapping("Who referred the account."),
    }


class Countries(Collection):
    """Countries that ClickSend knows."""

    name = "countries"
    path = "/countries"
    primary_keys = ("code",)
    columns: ClassVar[dict[str, Column]] = {
        "code": text("ISO 3166 alpha-2."),
        "value": text("English name."),
    }
