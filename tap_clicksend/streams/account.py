"""The account: its settings and subaccounts, what it rents and buys, what it complained about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from typing_extensions import override

from clicksend.errors import ApiError, ForbiddenError
from tap_clicksend.readers.collection import Collection
from tap_clicksend.rows.columns import Column, Row, integer, mapping, price, text, time
from tap_clicksend.sdk import ClickSendStream

NO_PERMISSION: dict[type[ApiError], str] = {
    ForbiddenError: "the key belongs to a subaccount that may not see it; use the main account's key."
}


class Account(ClickSendStream):
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

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        yield [self.tap.client.get(self.path).data]


class Countries(Collection):
    """Countries that ClickSend knows."""

    name = "countries"
    path = "/countries"
    primary_keys = ("code",)
    columns: ClassVar[dict[str, Column]] = {
        "code": text("ISO 3166 alpha-2."),
        "value": text("English name."),
    }


class Subaccounts(Collection):
    """Subaccounts and what they may do, without their keys."""

    name = "subaccounts"
    path = "/subaccounts"
    primary_keys = ("subaccount_id",)
    selected_by_default = False
    marks_deleted = True
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "subaccount_id": integer("The subaccount's id."),
        "api_username": text("Name to sign in with.", personal=True),
        "email": text("E-mail address.", personal=True),
        "phone_number": text("Phone number, E.164.", personal=True),
        "first_name": text("First name.", personal=True),
        "last_name": text("Last name.", personal=True),
        "is_main": integer("1 for the account itself."),
        "access_sms": integer("1 when SMS is allowed."),
        "access_mms": integer("1 when MMS is allowed."),
        "access_voice": integer("1 when calls are allowed."),
        "access_email": integer("1 when e-mail is allowed."),
        "access_fax": integer("1 when fax is allowed."),
        "access_post": integer("1 when post is allowed."),
        "access_smpp": integer("1 when SMPP is allowed."),
        "access_global_sending": integer("1 when sending to all countries is allowed."),
        "access_contacts": integer("1 when contacts may be seen."),
        "access_reporting": integer("1 when reports may be seen."),
        "access_billing": integer("1 when billing may be seen."),
        "access_users": integer("1 when users may be managed."),
        "access_settings": integer("1 when settings may be changed."),
        "access_reseller": integer("1 when the reseller's part may be used."),
        "hide_pricing": integer("1 when prices are hidden."),
        "share_campaigns": integer("1 when campaigns are shared."),
        "notes": text("Notes.", personal=True),
        "sign_up_type": text("How it was created."),
    }


class Numbers(Collection):
    """Rented numbers."""

    name = "numbers"
    path = "/numbers"
    primary_keys = ("dedicated_number",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "dedicated_number": text("The number, E.164."),
        "number_guid": text("Its id, a UUID."),
        "country": text("Its country, ISO 3166 alpha-2."),
        "_country_name": text("Name of the country."),
        "type": text("What it is for: sms, mms and others."),
        "number_type": text("longcode, shortcode, tollfree or 10DLC."),
        "number_category": text("Category of the number."),
        "price": price("Price per month, in the account's currency."),
        "usage_restriction": text("What the number may not be used for; null so far."),
        "status": mapping("Registration: value (0 to 5), label, description and name."),
        "form_submission_id": text("Form that it was registered with."),
        "notes": text("Notes.", personal=True),
    }


class Transactions(Collection):
    """Credit that was bought."""

    name = "transactions"
    path = "/recharge/transactions"
    primary_keys = ("invoice_number",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "invoice_number": text("The invoice's id, a UUID."),
        "date": time("When it was bought."),
        "amount": price("What was paid, in the currency beside it."),
        "currency": text("ISO 4217."),
    }


class DeliveryIssues(Collection):
    """Complaints about messages that did not arrive."""

    name = "delivery_issues"
    path = "/delivery-issues"
    primary_keys = ("issue_id",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "issue_id": text("The complaint's id."),
        "message_id": text("The message that it is about, as it was typed in."),
        "type": text("Channel of the message: SMS, MMS, VOICE and others."),
        "date_added": time("When it was raised."),
        "status": text("Its progress."),
        "resolved": integer("1 when it is closed."),
        "description": text("What is wrong.", personal=True),
        "client_comments": text("What the account added.", personal=True),
        "support_comments": text("What ClickSend answered.", personal=True),
        "email_address": text("Where the answer goes.", personal=True),
        "user_id": integer("Account that raised it."),
    }
