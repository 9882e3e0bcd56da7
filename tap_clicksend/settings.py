"""The tap's settings, and what they must be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from clicksend import report, validation
from clicksend.config import Schema
from clicksend.errors import SettingsError
from clicksend.extras import Extra, to_install
from clicksend.settings import Settings
from clicksend.times import parse_iso

S3 = ("s3", "s3a")
"""What begins the URL of a folder on S3."""

EXTRAS: dict[str, tuple[str, Extra]] = {"parquet": ("pyarrow", "arrow"), "s3": ("s3fs", "s3")}
"""What a format, or a place of files, needs: a module, and the extra that brings it."""

PROPERTIES: dict[str, Schema] = {
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
        " encoding.compression (gzip, none), storage.root (URL of a folder,"
        " file:// or s3://), storage.prefix, batch_size. jsonl lies flat there; Parquet in"
        " <stream>/extracted=<time>/, with two columns more.",
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
    "report_path": report.PROPERTY,
    "list_ids": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "title": "List ids",
        "description": "Read only these lists and their contacts. Unset: all, and vanished ones are marked.",
        "minItems": 1,
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
    report.check_path(config.get("report_path"))
    if config["pii"] == "hash" and "pii_key" not in config:
        raise SettingsError("Setting pii: hash needs a pii_key, which nobody can guess.")
    if "batch_config" in config:
        _check_files(config["batch_config"])
    start, end = moment(config, "start_date"), moment(config, "end_date")
    if start and start > datetime.now(UTC):
        raise SettingsError("Setting start_date lies in the future: there is nothing to read yet.")
    if start and end and start >= end:
        raise SettingsError("Setting end_date must lie after start_date.")


def _check_files(batch_config: Mapping[str, Any]) -> None:
    """Refuse files that could not be written, before anything is read.

    Raises:
        SettingsError: What they need is not installed, or their folder on S3 cannot be one.
    """
    root = urlsplit(batch_config["storage"]["root"])
    if "@" in root.netloc:
        raise SettingsError(
            "Setting batch_config: storage.root must name no user or key, since messages name the files; for"
            " S3 set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        )
    if root.scheme in S3 and not root.netloc:
        raise SettingsError(
            "Setting batch_config: storage.root names no bucket: write it like s3://bucket/folder."
        )
    kinds = batch_config["encoding"]["format"], "s3" if root.scheme in S3 else root.scheme
    missing = {kind: EXTRAS[kind] for kind in kinds if kind in EXTRAS and not find_spec(EXTRAS[kind][0])}
    if missing:
        modules = " and ".join(module for module, _ in missing.values())
        raise SettingsError(
            f"Setting batch_config: {' on '.join(missing)} needs {modules}:"
            f" {to_install(*(extra for _, extra in missing.values()))}."
        )


def moment(config: Mapping[str, Any], setting: str) -> datetime | None:
    """Return a date setting in UTC, None when unset.

    Raises:
        SettingsError: It is not an ISO 8601 date.
    """
    value = config.get(setting)
    if not value:
        return None
    try:
        return parse_iso(value)
    except (TypeError, ValueError):
        raise SettingsError(
            f"Setting {setting} is not an ISO 8601 date: write it like 2026-10-01 or 2026-10-01T00:00:00Z."
        ) from None
