"""Campaigns: one text to a whole list."""

from __future__ import annotations

from typing import Any, ClassVar

from tap_clicksend.readers.collection import Collection
from tap_clicksend.rows.columns import Column, Row, integer, text, time
from tap_clicksend.streams.account import NO_PERMISSION


def _objects(value: Any) -> list[Row] | None:
    if value is None or value in ("", []):
        return None
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise ValueError(type(value))
    return value


LIST_ID = integer("Contact list that it goes to.", zero_is_none=True)
LIST_NAME = text("Name of the list.")
SCHEDULE = time("When it goes out.")
DATE_ADDED = time("When it was created or last changed.")
TOTAL_COUNT = integer("Messages in it.")
USER_ID = integer("Account that owns it.")
SUBACCOUNT_ID = integer("Subaccount that it belongs to.")
SENDERS = Column(
    _objects,
    {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    "Sender for each recipient country, where some differ.",
    personal=True,
)


class MmsCampaigns(Collection):
    """MMS campaigns; read whole, because their status changes."""

    name = "mms_campaigns"
    path = "/mms-campaigns"
    primary_keys = ("mms_campaign_id",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "mms_campaign_id": integer("The campaign's id."),
        "name": text("Its name."),
        "list_id": LIST_ID,
        "_list_name": LIST_NAME,
        "from": text("Sender's number.", personal=True),
        "subject": text("Its subject."),
        "body": text("Its text, with placeholders."),
        "file_name": text("Name of the file that is attached."),
        "_media_file_url": text("URL of the file.", personal=True),
        "status": text("Progress: Queued, Scheduled, Sent, Cancelled and others."),
        "schedule": SCHEDULE,
        "date_added": DATE_ADDED,
        "_total_count": TOTAL_COUNT,
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
    }


class SmsCampaigns(Collection):
    """SMS campaigns, drafts and scheduled ones included; read whole, because their status changes."""

    name = "sms_campaigns"
    path = "/sms-campaigns"
    primary_keys = ("sms_campaign_id",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "sms_campaign_id": integer("The campaign's id."),
        "name": text("Its name."),
        "list_id": LIST_ID,
        "_list_name": LIST_NAME,
        "from": text("Sender: number, alpha tag or shared number.", personal=True),
        "senders": SENDERS,
        "body": text("Its text, with placeholders."),
        "status": text("Progress: Draft, Scheduled, WaitApproval, Sending, Sent, Cancelled and others."),
        "schedule": SCHEDULE,
        "date_added": DATE_ADDED,
        "_total_count": TOTAL_COUNT,
        "custom_string": text("Reference that the sender gave it."),
        "url_to_shorten": text("Link in the text that is shortened."),
        "unsubscribe_link": integer("1 when the text has a link to unsubscribe."),
        "source": text("Application that it was sent from."),
        "user_id": USER_ID,
        "subaccount_id": SUBACCOUNT_ID,
        "ip_address": text("Address that it was created from; only older answers have it.", personal=True),
    }
