"""Every stream: its path, keys, replication key and columns. What they do is in ``collections``."""

from __future__ import annotations

from typing import ClassVar

from clicksend.errors import ForbiddenError, NotFoundError
from tap_clicksend.collections import (
    Collection,
    ContactCollection,
    History,
    ListCollection,
    Receipts,
    SingleObject,
)
from tap_clicksend.columns import Column, integer, mapping, price, text, time, words
from tap_clicksend.sdk import ClickSendStream

NO_VOICE = "the account has no voice access; ask ClickSend for it, or deselect the stream."

FIRST_NAME = text("First name of the contact that was messaged.", personal=True)
LAST_NAME = text("Last name of the contact that was messaged.", personal=True)
TO = text("Recipient's number, E.164.", personal=True)
BODY = text("Text of the message.", personal=True)
COUNTRY = text("Recipient's country, ISO 3166 alpha-2.")
CARRIER = text("Recipient's network.")
CUSTOM_STRING = text("Reference that the sender gave the message.")
MESSAGE_PARTS = integer("Parts that the message was split into and billed as.")
MESSAGE_PRICE = price("Price of all parts, in the account's currency.")
SCHEDULE = time("When the message is to go out; an immediate one's own time.")
STATUS_CODE = text("Delivery: 200 sent, 201 on the handset, 300 and 302 not yet, 301 failed for good.")
STATUS_TEXT = text("What status_code means.")
ERROR_CODE = text("Network's error; ClickSend renumbers these, so join on error_text.")
ERROR_TEXT = text("What error_code means.")
LIST_ID = integer("Contact list that the message went to, null when none.", zero_is_none=True)
CONTACT_ID = integer("Contact that was messaged, null when none.", zero_is_none=True)
USER_ID = integer("Account that owns the message.")
SUBACCOUNT_ID = integer("Subaccount that the message belongs to.")
API_USERNAME = text("Username of the subaccount.", personal=True)


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


class SmsHistory(History):
    """Every SMS, sent (direction out) and received (in), with its delivery."""

    name = "sms_history"
    path = "/sms/history"
    primary_keys = ("message_id",)
    replication_key = "date"
    columns: ClassVar[dict[str, Column]] = {
        "message_id": text("The message's id, a UUID (version 6)."),
        "direction": text("out or in."),
        "date": time("When the message was accepted or received."),
        "to": TO,
        "from": text("Sender: number, alpha tag or shared number.", personal=True),
        "body": BODY,
        "status": text(
            "Progress: Queued, Scheduled, Sent, Completed, Failed, Received and others; not the delivery."
        ),
        "schedule": SCHEDULE,
        "status_code": STATUS_CODE,
        "status_text": STATUS_TEXT,
        "error_code": ERROR_CODE,
        "error_text": ERROR_TEXT,
        "message_parts": MESSAGE_PARTS,
        "message_price": MESSAGE_PRICE,
        "from_email": text("Where replies are e-mailed.", personal=True),
        "list_id": LIST_ID,
        "custom_string": CUSTOM_STRING,
        "contact_id": CONTACT_ID,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "country": COUNTRY,
        "carrier": CARRIER,
        "first_name": FIRST_NAME,
        "last_name": LAST_NAME,
        "_api_username": API_USERNAME,
    }


class SmsInbound(Collection):
    """Replies that nobody has marked as read; needs an inbound rule with the action POLL."""

    name = "sms_inbound"
    path = "/sms/inbound"
    primary_keys = ("message_id",)
    columns: ClassVar[dict[str, Column]] = {
        "message_id": text("Id of the inbound message, a UUID."),
        "timestamp": time("When the message arrived.", old_names=("timestamp_send",)),
        "from": text("Who wrote, E.164.", personal=True),
        "to": text("Your number that received it.", personal=True),
        "body": BODY,
        "original_body": text("Text of the message that this answers.", personal=True),
        "original_message_id": text("Id of the message that this answers."),
        "custom_string": text("Reference of the message that this answers."),
        "_keyword": text("First word of the body, lower case; deprecated.", personal=True),
    }


RECEIPT_COLUMNS: dict[str, Column] = {
    "receipt_id": text("UUIDv5 of channel, message_id, status_code, timestamp and digits."),
    "message_id": text("The message that this is about."),
    "timestamp_send": time("When the message was sent."),
    "timestamp": time("When the receipt was made."),
    "status_code": STATUS_CODE,
    "status_text": STATUS_TEXT,
    "error_code": ERROR_CODE,
    "error_text": ERROR_TEXT,
    "custom_string": CUSTOM_STRING,
    "subaccount_id": SUBACCOUNT_ID,
    "message_type": text("sms, mms or voice.", old_names=("_message_type",)),
    "digits": text("Keys that were pressed in a call.", personal=True),
}


class SmsReceipts(Receipts):
    """Delivery receipts that nobody has marked as read; needs a receipt rule with the action POLL."""

    name = "sms_receipts"
    path = "/sms/receipts"
    primary_keys = ("receipt_id",)
    channel = "sms"
    columns = RECEIPT_COLUMNS


class SmsTemplates(Collection):
    """Message templates."""

    name = "sms_templates"
    path = "/sms/templates"
    primary_keys = ("template_id",)
    marks_deleted = True
    columns: ClassVar[dict[str, Column]] = {
        "template_id": integer("The template's id."),
        "template_name": text("Its name."),
        "body": text("Its text, with placeholders."),
    }


class MmsHistory(History):
    """Every MMS with its delivery."""

    name = "mms_history"
    path = "/mms/history"
    primary_keys = ("message_id",)
    replication_key = "date_added"
    columns: ClassVar[dict[str, Column]] = {
        "message_id": text("The message's id, a UUID."),
        "direction": text("out or in."),
        "date_added": time("When the message was accepted or received."),
        "date": time("Date that some answers carry beside date_added."),
        "to": TO,
        "from": text("Sender's number.", personal=True),
        "subject": text("Subject.", personal=True),
        "body": BODY,
        "_media_file_url": text("Signed, short-lived URL of the attachment.", personal=True),
        "priority": integer("Priority in the queue."),
        "status": text("Progress: Queued, Queued:WaitSend, Sent, Failed, Completed and others."),
        "schedule": SCHEDULE,
        "status_code": STATUS_CODE,
        "status_text": STATUS_TEXT,
        "error_code": ERROR_CODE,
        "error_text": ERROR_TEXT,
        "message_parts": MESSAGE_PARTS,
        "message_price": MESSAGE_PRICE,
        "from_email": text("Where replies are e-mailed.", personal=True),
        "list_id": LIST_ID,
        "custom_string": CUSTOM_STRING,
        "contact_id": CONTACT_ID,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "country": COUNTRY,
        "carrier": CARRIER,
        "first_name": FIRST_NAME,
        "last_name": LAST_NAME,
        "_api_username": API_USERNAME,
    }


class MmsReceipts(Receipts):
    """MMS receipts that nobody has marked as read; absent from ClickSend's current SDKs."""

    name = "mms_receipts"
    path = "/mms/receipts"
    primary_keys = ("receipt_id",)
    channel = "mms"
    columns = RECEIPT_COLUMNS
    unavailable: ClassVar = {
        NotFoundError: "ClickSend no longer serves it; mms_history has the delivery of each MMS."
    }


class VoiceHistory(History):
    """Every voice call with its outcome."""

    name = "voice_history"
    path = "/voice/history"
    primary_keys = ("message_id",)
    replication_key = "date_added"
    unavailable: ClassVar = {ForbiddenError: NO_VOICE}
    columns: ClassVar[dict[str, Column]] = {
        "message_id": text("The call's id, a UUID."),
        "date_added": time("When the call was accepted."),
        "date": time("Date that some answers carry beside date_added."),
        "to": TO,
        "to_type": text("Kind of number: mobile, landline."),
        "from": text("Caller's number.", personal=True),
        "body": text("Text that is spoken.", personal=True),
        "lang": text("Language of the voice, like en-us."),
        "voice": text("female or male."),
        "status": text("Progress of the call."),
        "schedule": SCHEDULE,
        "status_code": STATUS_CODE,
        "status_text": STATUS_TEXT,
        "message_parts": MESSAGE_PARTS,
        "message_price": MESSAGE_PRICE,
        "require_input": integer("1 when the callee is asked to press a key."),
        "digits": text("Keys that the callee pressed.", personal=True),
        "machine_detection": integer("1 when answering machines are looked for."),
        "machine_detected": integer("1 when a machine answered."),
        "list_id": LIST_ID,
        "custom_string": CUSTOM_STRING,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "country": COUNTRY,
        "carrier": CARRIER,
        "_api_username": API_USERNAME,
    }


class VoiceReceipts(Receipts):
    """Call receipts that nobody has marked as read; needs a receipt rule with the action POLL."""

    name = "voice_receipts"
    path = "/voice/receipts"
    primary_keys = ("receipt_id",)
    channel = "voice"
    columns = RECEIPT_COLUMNS
    unavailable: ClassVar = {ForbiddenError: NO_VOICE}


class VoiceLanguages(Collection):
    """Languages that calls can be made in."""

    name = "voice_languages"
    path = "/voice/lang"
    primary_keys = ("code",)
    columns: ClassVar[dict[str, Column]] = {
        "code": text("Language, like en-us."),
        "country": text("Its name."),
        "gender": words("Voices that there are: female, male."),
    }


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
        "date_updated": time("When the contact last changed."),
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


class Countries(Collection):
    """Countries that ClickSend knows."""

    name = "countries"
    path = "/countries"
    primary_keys = ("code",)
    columns: ClassVar[dict[str, Column]] = {
        "code": text("ISO 3166 alpha-2."),
        "value": text("English name."),
    }


ALL: tuple[type[ClickSendStream], ...] = (
    Account,
    SmsHistory,
    SmsInbound,
    SmsReceipts,
    SmsTemplates,
    MmsHistory,
    MmsReceipts,
    VoiceHistory,
    VoiceReceipts,
    VoiceLanguages,
    Lists,
    Contacts,
    EmailAddresses,
    Countries,
)
