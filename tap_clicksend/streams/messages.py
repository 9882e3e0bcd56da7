"""Messages: what was sent and received, by SMS, MMS and voice, and what goes with it."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from typing_extensions import override

from clicksend.errors import ForbiddenError, MethodNotAllowedError, NotFoundError
from tap_clicksend.readers.acknowledge import Receipts, Unread
from tap_clicksend.readers.collection import Collection
from tap_clicksend.readers.history import History
from tap_clicksend.rows.columns import Column, Row, integer, price, text, time, words
from tap_clicksend.rows.schema import RecordBatch

MOST_ACKNOWLEDGED = 5000
"""Replies that one run marks as read, oldest first: each takes a request, and a place in the state."""

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
STATUS_CODE = text(
    "Delivery: 200 sent (some stay at it for good), 201 on the handset, 300 and 302 not yet, 301 failed for"
    " good."
)
STATUS_TEXT = text("What status_code means; of a failed message the reason.")
ERROR_CODE = text(
    "Number of what came of the message, delivered ones have one too (4): go by status_code. ClickSend"
    " renumbers them, so group failures by status_text."
)
ERROR_TEXT = text(
    "Text of error_code: of a delivered message that it was, of failed ones Unknown error; see status_text."
)
LIST_ID = integer("Contact list that the message went to, null when none.", zero_is_none=True)
CONTACT_ID = integer("Contact that was messaged, null when none.", zero_is_none=True)
USER_ID = integer("Account that owns the message.")
SUBACCOUNT_ID = integer("Subaccount that the message belongs to.")
API_USERNAME = text("Username of the subaccount.", personal=True)


DELIVERY: dict[str, Column] = {
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
"""What SMS and MMS say alike: when, how it went, what it cost, whom it was for."""


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
        **DELIVERY,
    }


class SmsInbound(Unread):
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

    @override
    def parse(self, raw_rows: list[Row]) -> RecordBatch:
        batch = super().parse(raw_rows)
        self.list_unread(zip(batch["message_id"], batch["timestamp"], strict=True))
        return batch

    @override
    def acknowledge(self, delivered: Any, listed: dict[str, int | None]) -> None:
        known = [one for one in delivered if one in listed] if isinstance(delivered, list) else []
        marked = [one for one in self.tap.client.map(self._mark, known) if one is not None]
        for message_id in marked:
            del listed[message_id]
        if marked or not known:
            self.logger.info(
                "%s: %d replies that an earlier run loaded are marked as read.", self.path, len(marked)
            )
        else:
            self.logger.info("%s: ClickSend does not offer to mark them as read.", self.path)

    @override
    def snapshot(self, listed: dict[str, int | None]) -> Any:
        oldest_first = sorted(listed, key=lambda one: (listed[one] or 0, one))
        return oldest_first[:MOST_ACKNOWLEDGED] or None

    def _mark(self, message_id: str) -> str | None:
        """Mark a reply as read; return its id, None when ClickSend has it no more."""
        try:
            self.tap.client.put(f"/sms/inbound-read/{quote(message_id, safe='')}")
        except (NotFoundError, MethodNotAllowedError):
            return None  # one that is gone must not keep the others waiting
        return message_id


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
        **DELIVERY,
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
