"""The settings of the sinks that send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clicksend.errors import SettingsError
from clicksend.phone import E164
from target_clicksend.messages.gates.expiry import check_age_settings
from target_clicksend.messages.gates.quiet_hours import PROPERTY as QUIET_HOURS
from target_clicksend.messages.gates.quiet_hours import check_quiet_hours
from target_clicksend.messages.gates.stop_phrases import KEYWORDS
from target_clicksend.messages.gates.stop_words import has_words
from target_clicksend.messages.moments import is_zone, zone_meant

MOST_HOURS = 10_000_000
"""Counted back from now, more would lead to times that no calendar has."""

PROPERTIES: dict[str, dict[str, Any]] = {
    "batch_size_rows": {
        "type": "integer",
        "title": "Batch size",
        "description": "Messages sent in one request.",
        "minimum": 1,
        "maximum": 1000,
        "default": 1000,
    },
    "opt_out_keywords": {
        "type": "array",
        "items": {"type": "string"},
        "title": "Opt-out keywords",
        "description": "Replies that begin or end with one of them, or hold one in five words or fewer, opt"
        ' out. Phrases like "take me off your list" and the words of other languages always do.',
        "minItems": 1,
        "default": list(KEYWORDS),
    },
    "opt_out_max_age": {
        "type": "number",
        "title": "Age of opt-outs",
        "description": "Hours after which what is known of opt-outs is too old to send by.",
        "exclusiveMinimum": 0,
        "maximum": MOST_HOURS,
        "default": 1,
    },
    "quiet_hours": QUIET_HOURS,
    "dedupe_window_hours": {
        "type": "number",
        "title": "Duplicate window",
        "description": "Hours in which nobody gets the same text twice, whatever the keys. Unset: no limit."
        " The first run with it indexes the ledger, a minute for many millions of messages.",
        "exclusiveMinimum": 0,
        "maximum": MOST_HOURS,
    },
    "resend_under_new_keys": {
        "type": "boolean",
        "title": "Resend under new keys",
        "description": "Send rows of a new stream, or of one whose key has other columns, though most of them"
        " have recipient and text of what went out in the last 31 days under another. Without it the run ends"
        " with 1 and sends nothing.",
        "default": False,
    },
    "send_without_old_ledger": {
        "type": "boolean",
        "title": "Send without the old ledger",
        "description": "Send though the history has messages of the target's that the ledger does not know,"
        " or cannot be read: rows that an older ledger has sent are sent AGAIN. It is for a second pipeline"
        " with a ledger of its own on one account. Once is enough: the ledger remembers it, and is never"
        " again compared with the history. Without it the run ends with 1 and sends nothing.",
        "default": False,
    },
    "fail_on_conflict": {
        "type": "boolean",
        "title": "Fail on conflicts",
        "description": "End with 1 when a row has a key that was sent with another recipient or text. Its"
        " outcome is duplicate in any case.",
        "default": False,
    },
    "cancel_deleted": {
        "type": "boolean",
        "title": "Cancel deleted",
        "description": "Cancel a text or call that waits at ClickSend for its schedule when its row is"
        " deleted upstream.",
        "default": False,
    },
    "max_messages_per_run": {
        "type": "integer",
        "title": "Most messages",
        "description": "Were a run to send more, it sends none.",
        "minimum": 0,
    },
    "max_spend_per_run": {
        "type": "number",
        "title": "Most spend",
        "description": "Were a run to cost more, in the account's currency, it sends none.",
        "minimum": 0,
    },
    "messages_per_minute": {
        "type": "integer",
        "title": "Messages per minute",
        "description": "How fast to send. Unset: as fast as ClickSend takes them.",
        "minimum": 1,
    },
    "max_row_age_hours": {
        "type": "number",
        "title": "Age of rows",
        "description": "Hours after which a row is too old to be sent, counted from created_at_column.",
        "exclusiveMinimum": 0,
        "maximum": MOST_HOURS,
    },
    "created_at_column": {
        "type": "string",
        "title": "Created-at column",
        "description": "Column that says when a row was made.",
    },
    "time_zone": {
        "type": "string",
        "title": "Time zone",
        "description": "IANA zone, like Australia/Perth, of times without a zone in rows without a column"
        " time_zone. Unset: UTC.",
    },
    "test_recipient": {
        "type": "string",
        "title": "Test recipient",
        "description": "Number like +15551234567 that gets all messages instead, under keys of their own.",
    },
    "source": {
        "type": "string",
        "title": "Source",
        "description": "What ClickSend's history shows as the sending system.",
        "default": "singer-clicksend",
    },
    "shorten_urls": {
        "type": "boolean",
        "title": "Shorten URLs",
        "description": "Let ClickSend shorten the links of text messages.",
        "default": False,
    },
}


def check(config: Mapping[str, Any]) -> None:
    """Check what JSON schemas cannot.

    Raises:
        SettingsError: With a sentence.
    """
    quiet = config.get("quiet_hours")
    if quiet is not None and (wrong := check_quiet_hours(quiet)):
        raise SettingsError(f"Setting quiet_hours {wrong}.")
    for number, keyword in enumerate(config["opt_out_keywords"]):
        if not has_words(keyword):
            raise SettingsError(
                f"Setting opt_out_keywords.{number} must have a letter or a digit: no reply opts out by it."
            )
    if wrong := check_age_settings(config):
        raise SettingsError(f"Setting {wrong}.")
    if not E164.fullmatch(config.get("test_recipient", "+15551234567")):
        raise SettingsError("Setting test_recipient must be a number like +15551234567.")
    if not is_zone(zone_meant(config.get("time_zone", "UTC"))):
        raise SettingsError(
            "Setting time_zone must be a zone of the IANA data base, like Australia/Perth, or UTC."
        )
