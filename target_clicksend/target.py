"""The target: its settings, and which sink writes which stream."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from typing_extensions import override

from clicksend import settings
from clicksend.characters import escaped
from clicksend.errors import SettingsError
from target_clicksend.columns import check_ignored
from target_clicksend.contacts.contact import KEY, REACHABLE, check_custom_fields
from target_clicksend.messages import properties
from target_clicksend.run import LEDGER_URL, Run
from target_clicksend.sdk import ClickSendTarget
from target_clicksend.sinks.base import Sink

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

In the order in which they prepare, and the reverse of that in which they finish: contacts find the lists
that the same run makes, and are in them before it removes duplicates, and lists whose rows stand behind."""
NAMES = list(SINKS)

PROPERTIES: dict[str, dict[str, Any]] = {
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
    "report_path": {
        "type": "string",
        "title": "Report",
        "description": "File for the run's counts, as JSON.",
    },
    "fail_on_rejected": {
        "type": "number",
        "title": "Fail on rejected rows",
        "description": "Share of rows (0 to 1) that may be rejected before the run ends with exit code 1."
        " Unset: 0.5, counted from ten rejected rows on.",
        "minimum": 0,
        "maximum": 1,
    },
    "default_country": settings.COUNTRY,
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
}


def sink_class(name: str) -> type[Sink]:
    """Return the class of a sink."""
    kind: type[Sink] = resolve_name(f"target_clicksend.sinks.{SINKS[name]}")
    return kind


class TargetClickSend(ClickSendTarget):
    """Writes rows of upstream tables into ClickSend: contacts, lists, templates, messages."""

    name = "target-clicksend"
    package_name = "singer-clicksend"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {**settings.PROPERTIES, **PROPERTIES, **properties.PROPERTIES},
    }
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.run = Run(self.config)

    @override
    def check_settings(self) -> None:
        settings.check(self.config, self.config_jsonschema["properties"])
        settings.Settings.from_config(self.config)
        if wrong := check_custom_fields(self.config["custom_fields"]):
            raise SettingsError(f"Setting custom_fields {wrong}.")
        if wrong := check_ignored(self.config["ignored_columns"]):
            raise SettingsError(f"Setting ignored_columns {wrong}.")
        properties.check(self.config)
        if "list_id" in self.config and "list_name" in self.config:
            raise SettingsError("Settings list_id and list_name are both given: give one.")
        if not Path(self.config.get("report_path", "")).parent.is_dir():
            raise SettingsError("Setting report_path names a file in a folder that does not exist.")
        if not Path(self.config["batch_root"]).is_dir():
            raise SettingsError("Setting batch_root names a folder that does not exist.")

    @override
    def sink_of(self, stream: str) -> Sink:
        """Return the sink that writes a stream.

        Raises:
            SettingsError: There is none.
        """
        name = self.config["streams"].get(stream, stream)
        if name not in SINKS:
            raise SettingsError(
                f"There is no sink for stream {escaped(stream)}: name one of {', '.join(NAMES)} for it in the"
                " setting streams, or deselect it."
            )
        if name not in self.run.sinks:
            self.run.sinks[name] = self.make_sink(name)
        return self.run.sinks[name]

    def make_sink(self, name: str) -> Sink:
        """Return a new sink."""
        return sink_class(name)(self.run)

    @override
    def finish(self) -> None:
        active = [self.run.sinks[name] for name in SINKS if name in self.run.sinks]
        for sink in active:
            sink.prepare()
        for sink in reversed(active):
            sink.finish()
