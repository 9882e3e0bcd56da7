"""The tap: its settings and its streams."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from typing_extensions import override

from clicksend import settings
from clicksend.errors import SettingsError
from tap_clicksend import streams
from tap_clicksend.sdk import ClickSendStream, ClickSendTap, PageWriter
from tap_clicksend.streams.outcomes import Outcomes

PROPERTIES: dict[str, dict[str, Any]] = {
    "start_date": {
        "type": "string",
        "format": "date-time",
        "title": "Start date",
        "description": "Oldest message to read (ISO 8601; UTC where it names no zone)."
        " Unset: the oldest that ClickSend still has, about four months back.",
    },
    "end_date": {
        "type": "string",
        "format": "date-time",
        "title": "End date",
        "description": "Read only messages before this moment; for backfills. Unset: all.",
    },
    "page_size": {
        "type": "integer",
        "title": "Page size",
        "description": "Rows asked for in one request.",
        "minimum": 1,
        "maximum": 100,
        "default": 100,
    },
    "contacts_replication": {
        "type": "string",
        "title": "Contacts replication",
        "description": "full: read all contacts, and mark those that vanished. incremental: read the Opt-Out"
        " List, and elsewhere what changed; deletions and moves may not show, so run a full one every week.",
        "enum": ["full", "incremental"],
        "default": "full",
    },
    "pii": {
        "type": "string",
        "title": "Personal data",
        "description": "keep personal columns, hash them (the same value has the same hash in all streams)"
        " or drop them (null). With hash and drop extra is dropped too.",
        "enum": ["keep", "hash", "drop"],
        "default": "keep",
    },
    "pii_key": {
        "type": "string",
        "title": "Key of the hashes",
        "description": "Key of the hashes of pii: hash (HMAC-SHA256). Another key gives other hashes.",
        "minLength": 16,
        "secret": True,
        "writeOnly": True,
    },
    "batch_config": {
        "type": "object",
        "title": "Batch files",
        "description": "Write rows into files instead of RECORD messages: encoding.format (jsonl, parquet),"
        " encoding.compression (gzip, none), storage.root (file:// URL of a folder), storage.prefix,"
        " batch_size.",
        "properties": {
            "encoding": {
                "type": "object",
                "properties": {
                    "format": {"type": "string", "enum": ["jsonl", "parquet"]},
                    "compression": {"type": "string", "enum": ["gzip", "none"]},
                },
                "required": ["format"],
                "additionalProperties": False,
            },
            "storage": {
                "type": "object",
                "properties": {"root": {"type": "string"}, "prefix": {"type": "string"}},
                "required": ["root"],
                "additionalProperties": False,
            },
            "batch_size": {"type": "integer", "minimum": 1},
        },
        "required": ["encoding", "storage"],
        "additionalProperties": False,
    },
    "emit_activate_version": {
        "type": "boolean",
        "title": "Send ACTIVATE_VERSION",
        "description": "Send ACTIVATE_VERSION messages, which mark vanished rows. false: for loaders that do"
        " not know them; what vanished then stays in the warehouse unmarked.",
        "default": True,
    },
    "settle_days": {
        "type": "number",
        "title": "Days to settle",
        "description": "Days after which a message is taken to change no more; until then it is read again.",
        "minimum": 0,
        "maximum": 100_000,
        "default": 4,
    },
    "ledger_url": {
        "type": "string",
        "title": "Ledger",
        "description": "SQLAlchemy URL of target-clicksend's ledger: adds the stream outcomes.",
        "secret": True,
        "writeOnly": True,
    },
    "acknowledge": {
        "type": "boolean",
        "title": "Acknowledge",
        "description": "Mark replies and receipts as read once a later run's state proves them loaded. The"
        " tap writes nothing else, and without this nothing at all.",
        "default": False,
    },
    "list_ids": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "title": "List ids",
        "description": "Read only these lists and their contacts. Unset: all, and vanished ones are marked.",
        "minItems": 1,
    },
}


class TapClickSend(ClickSendTap):
    """Streams ClickSend's SMS, MMS and voice history, receipts, replies, lists and contacts."""

    name = "tap-clicksend"
    package_name = "singer-clicksend"
    message_writer_class = PageWriter
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {**settings.PROPERTIES, **PROPERTIES},
    }
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @override
    def check_settings(self) -> None:
        settings.check(self.config, self.config_jsonschema["properties"])
        settings.Settings.from_config(self.config)
        if self.config["pii"] == "hash" and "pii_key" not in self.config:
            raise SettingsError("Setting pii: hash needs a pii_key, which nobody can guess.")
        if self.config.get("batch_config", {}).get("encoding", {}).get(
            "format"
        ) == "parquet" and not find_spec("pyarrow"):
            raise SettingsError("Setting batch_config: parquet needs pip install 'singer-clicksend[arrow]'.")
        start, end = self.moment("start_date"), self.moment("end_date")
        if start and start > datetime.now(UTC):
            raise SettingsError("Setting start_date lies in the future: there is nothing to read yet.")
        if start and end and start >= end:
            raise SettingsError("Setting end_date must lie after start_date.")

    @override
    def discover_streams(self) -> list[ClickSendStream]:
        kinds: list[type[ClickSendStream]] = list(streams.ALL)
        if self.config.get("ledger_url"):
            kinds.append(Outcomes)
        return [stream(self) for stream in kinds]
