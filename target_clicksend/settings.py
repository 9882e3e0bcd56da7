"""The target's settings, and what they must be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clicksend import report, validation
from clicksend.config import Schema
from clicksend.errors import SettingsError
from clicksend.phone import E164
from clicksend.settings import COUNTRY, Settings
from target_clicksend.columns import check_ignored
from target_clicksend.contacts.contact import KEY, REACHABLE, check_custom_fields
from target_clicksend.messages.gates.expiry import check_age_settings
from target_clicksend.messages.gates.quiet_hours import check_quiet_hours
from target_clicksend.messages.gates.stop_phrases import KEYWORDS
from target_clicksend.messages.gates.stop_words import has_words
from target_clicksend.messages.moments import is_zone, zone_meant
from target_clicksend.run import LEDGER_URL

SINKS = {
    "cancellations": "cancellations:Cancellations",
    "contact_lists": "contact_lists:ContactLists",
    "contacts": "contacts:Contacts",
    "sms_templates": "collections:SmsTemplates",
    "email_addresses": "collections:EmailAddresses",
    "sms_messages": "messages:SmsMessages",
    "mms_messages": "messages:MmsMessages",
    "voice_messages": "messages:VoiceMessages",
    "notifications": "notifications:Notifications",
}
"""Module and class of each, imported when a stream wants it.

In the order of their ``process_batch``, and the reverse of that of their ``clean_up``: contacts find the
lists that the same run makes, and are in them before it removes duplicates and lists whose rows come last."""
NAMES = list(SINKS)

MOST_HOURS = 10_000_000
"""Counted back from now, more would lead to times that no calendar has."""

PROPERTIES: dict[str, Schema] = {
    "streams": {
        "type": "object",
        "title": "Streams",
        "description": f"Sink of each upstream stream that has another name: {', '.join(NAMES)}.",
        "additionalProperties": {"type": "string", "enum": NAMES},
        "default": {},
    },
    "ledger_url": {
        "type": "string",
        "title": "Ledger",
        "description": "Where the outcome of every row is kept: a SQLAlchemy URL of a SQLite file (one host,"
        f" local disk) or a PostgreSQL database. Sinks that send want it set; else {LEDGER_URL}.",
        "secret": True,
        "writeOnly": True,
    },
    "ignored_columns": {
        "type": "array",
        "items": {"type": "string"},
        "title": "Ignored columns",
        "description": "Columns that mean nothing here: they are not written, and not asked about.",
        "default": [],
    },
    "batch_root": {
        "type": "string",
        "title": "Folder of BATCH files",
        "description": "Folder that files named by BATCH messages must lie in. Others are not read, nor links"
        " that lead out of it.",
        "default": ".",
    },
    "key_namespace": {
        "type": "string",
        "title": "Key namespace",
        "description": "Keeps equal keys of different sources apart in one ledger. Unset: the stream's name.",
    },
    "shared_keys": {
        "type": "boolean",
        "title": "Shared keys",
        "description": "Equal keys mean the same message in all streams of a sink under one key_namespace,"
        " and when a stream's key gets other columns within the input. Without it both are refused.",
        "default": False,
    },
    "pii_key": {
        "type": "string",
        "title": "Key of the hashes",
        "description": "Key of the ledger's hashes of keys, numbers and addresses (HMAC-SHA256); with the"
        " tap's pii_key those of numbers and addresses join with its hashed columns. Unset: the one in"
        " pii_key_file. Whoever loses it sends everything again.",
        "minLength": 16,
        "secret": True,
        "writeOnly": True,
    },
    "pii_key_file": {
        "type": "string",
        "title": "Key file",
        "description": "File with that key, made with a random one at the first use. Unset: beside a SQLite"
        " ledger, with .key behind its name; a PostgreSQL ledger needs it, or pii_key.",
    },
    "clear_keys": {
        "type": "array",
        "items": {"type": "string"},
        "title": "Clear keys",
        "description": "Columns whose values the ledger may hold as they are: key properties,"
        " idempotency_key, custom_string, campaign. Of others only integers below 10,000,000, UUIDs and"
        " times of key properties are, the rest as hashes.",
        "default": [],
    },
    "dry_run": {
        "type": "boolean",
        "title": "Dry run",
        "description": "Say what would be written, and write nothing.",
        "default": False,
    },
    "report_path": report.PROPERTY,
    "fail_on_rejected": {
        "type": "number",
        "title": "Fail on rejected rows",
        "description": "Share of rows (0 to 1) that may be rejected before the run ends with exit code 1."
        " Unset: 0.5, counted from ten rejected rows on.",
        "minimum": 0,
        "maximum": 1,
    },
    "default_country": COUNTRY,
    "list_id": {
        "type": "integer",
        "title": "List id",
        "description": "List of contacts whose row names none.",
        "minimum": 1,
    },
    "list_name": {
        "type": "string",
        "title": "List name",
        "description": "The same by name.",
    },
    "create_missing_lists": {
        "type": "boolean",
        "title": "Create missing lists",
        "description": "Make a list that a row names and that does not exist.",
        "default": False,
    },
    "contacts_mode": {
        "type": "string",
        "title": "Contacts mode",
        "description": "upsert: create and update. insert: create only. update: update only. mirror: as"
        " upsert, and delete contacts that the input no longer has.",
        "enum": ["upsert", "insert", "update", "mirror"],
        "default": "upsert",
    },
    "match_on": {
        "type": "array",
        "items": {"type": "string", "enum": [*REACHABLE, KEY]},
        "title": "Match on",
        "description": "Columns that find the contact of a row in its list: the first that the row has. key"
        " stands for the contact that the row's key was last, so that a changed number changes it.",
        "minItems": 1,
        "default": ["phone_number"],
    },
    "custom_fields": {
        "type": "object",
        "title": "Custom fields",
        "description": 'Columns that are written to custom_1 to custom_4, like {"plan": "custom_1"}.',
        "additionalProperties": {"type": "string"},
        "default": {},
    },
    "blank_means": {
        "type": "string",
        "title": "Blank means",
        "description": "What a blank text does to a contact's field. clear: clears it, as null does. keep:"
        " leaves it, as a missing column does; null still clears.",
        "enum": ["clear", "keep"],
        "default": "clear",
    },
    "remove_duplicates": {
        "type": "boolean",
        "title": "Remove duplicates",
        "description": "Delete younger contacts of a list that match the same row; max_deletes limits it.",
        "default": False,
    },
    "max_deletes": {
        "type": "number",
        "title": "Most deletions",
        "description": "Share of a list (0 to 1) that mirror, or the removal of duplicates, may delete in one"
        " run; were it more, none is deleted.",
        "minimum": 0,
        "maximum": 1,
        "default": 0.1,
    },
    "mirror_confirmations": {
        "type": "integer",
        "title": "Confirmations",
        "description": "Inputs in a row that a contact must be missing from before mirror deletes it.",
        "minimum": 1,
        "default": 2,
    },
    "opt_out": {
        "type": "string",
        "title": "Opt-out",
        "description": "enforce: who is in the Opt-Out List, or has replied STOP, gets no message, and no"
        " contact elsewhere. column: the rows' own column opted_out decides. ignore: nobody is spared.",
        "enum": ["enforce", "column", "ignore"],
        "default": "enforce",
    },
    "opt_out_list": {
        "type": "string",
        "title": "Opt-out list",
        "description": "Name of the list of those who opted out.",
        "default": "Opt-Out List",
    },
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
    "quiet_hours": {
        "type": "object",
        "title": "Quiet hours",
        "description": "When nobody is written to, by the recipient's clock: start and end like 21:00 (in"
        " quotes), and policy. schedule: a message waits at ClickSend until they end. hold: its row is held,"
        " and comes again with a later run. Rows whose purpose is transactional are sent all the same.",
        "properties": {
            "start": {"type": "string"},
            "end": {"type": "string"},
            "policy": {"type": "string", "enum": ["schedule", "hold"]},
        },
        "additionalProperties": False,
    },
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
    "run_group": {
        "type": "string",
        "title": "Group of runs",
        "description": "Name, like a scheduler's run id, of runs that have max_messages_per_run and"
        " max_spend_per_run together: the ledger counts what they all send. Unset: each run has its own.",
        "pattern": r"^.{1,200}(?![\s\S])",
        "fits": "must have at most 200 characters, and no line breaks",
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


def check(config: Mapping[str, Any], properties: Mapping[str, Schema]) -> None:
    """Check a config, defaults included.

    Args:
        config: Settings by name.
        properties: The JSON schemas of all of them, the connection's and the SDK's own too.

    Raises:
        SettingsError: A setting is missing, unknown or wrong.
    """
    validation.check(config, properties)
    Settings.from_config(config)
    if wrong := check_custom_fields(config["custom_fields"]):
        raise SettingsError(f"Setting custom_fields {wrong}.")
    if wrong := check_ignored(config["ignored_columns"]):
        raise SettingsError(f"Setting ignored_columns {wrong}.")
    _check_messages(config)
    if "list_id" in config and "list_name" in config:
        raise SettingsError("Settings list_id and list_name are both given: give one.")
    report.check_path(config.get("report_path"))
    if not Path(config["batch_root"]).is_dir():
        raise SettingsError("Setting batch_root names a folder that does not exist.")


def _check_messages(config: Mapping[str, Any]) -> None:
    """Check what JSON schemas cannot of the settings of the sinks that send."""
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
