"""The account's dealings with ClickSend: who may use it, what it rents and buys, what it complained about."""

from __future__ import annotations

from typing import ClassVar

from clicksend.errors import ApiError, ForbiddenError
from tap_clicksend.collections import Collection
from tap_clicksend.columns import Column, integer, mapping, price, text, time

NO_PERMISSION: dict[type[ApiError], str] = {
    ForbiddenError: "the key belongs to a subaccount that may not see it; use the main account's key."
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
