"""Campaigns: one text to a whole list."""

from __future__ import annotations

from typing import Any, ClassVar

from tap_clicksend.collections import Collection
from tap_clicksend.columns import Column, Row, integer, text, time
from tap_clicksend.streams.business import NO_PERMISSION


def _objects(value: Any) -> list[Row] | None:
    if value is None or value in ("", []):
        return None
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise ValueError(type(value))
    return value


SENDERS = Column(
    _objects,
    {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    "Sender for each recipient country, where some differ.",
    personal=True,
)


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
        "list_id": integer("Contact list that it goes to.", zero_is_none=True),
        "_list_name": text("Name of the list."),
        "from": text("Sender: number, alpha tag or shared number.", personal=True),
        "senders": SENDERS,
        "body": text("Its text, with placeholders."),
        "status": text("Progress: Draft, Scheduled, WaitApproval, Sending, Sent, Cancelled and others."),
        "schedule": time("When it goes out."),
        "date_added": time("When it was created or last changed."),
        "_total_count": integer("Messages in it."),
        "custom_string": text("Reference that the sender gave it."),
        "url_to_shorten": text("Link in the text that is shortened."),
        "unsubscribe_link": integer("1 when the text has a link to unsubscribe."),
        "source": text("Application that it was sent from."),
        "user_id": integer("Account that owns it."),
        "subaccount_id": integer("Subaccount that it belongs to."),
        "ip_address": text("Address that it was created from; only older answers have it.", personal=True),
    }
