"""What came of the rows that target-clicksend was given, out of its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_clicksend.columns import Column, Row, integer, price, text, time
from tap_clicksend.packed import Packed
from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.times import iso, seconds_of

OVERLAP = timedelta(minutes=5)
"""Read again each time: what is committed late was changed earlier."""


def _read_object(value: Any) -> Row | None:
    """Return the object in a JSON text as it is: what it holds is no secret, whatever it is called."""
    key = json.loads(value)
    if not isinstance(key, dict):
        raise ValueError(type(key))
    return key or None


class Outcomes(ClickSendStream):
    """Outcome of every row that target-clicksend was given; there with ledger_url only.

    What rows have brought is personal, since a person may have declared any of it to be stored in clear.
    """

    name = "outcomes"
    path = "(the ledger)"
    primary_keys = ("outcome_id",)
    replication_key = "updated_at"
    columns: ClassVar[dict[str, Column]] = {
        "outcome_id": text("Hash of sink and key."),
        "key": text("The row's idempotency_key as the ledger holds it, or a hash.", personal=True),
        "source_key": Column(
            _read_object,
            {"type": "object", "additionalProperties": True},
            "The row's key properties as the ledger holds them: in clear or as hashes.",
            personal=True,
        ),
        "run_id": text("The run that wrote this outcome."),
        "stream": text("The row's stream upstream."),
        "sink": text("Where the row went: contacts, sms_messages and others."),
        "outcome": text("sent, created, updated, rejected, suppressed, held, failed, unknown and others."),
        "reason": text("Why, for a person."),
        "message_id": text("The message, as in the histories."),
        "contact_id": integer("The contact."),
        "object_id": text("The list, template or address."),
        "parts": integer("Parts of the message."),
        "price": price("Price of all parts, in currency."),
        "currency": text("ISO 4217 code."),
        "custom_string": text("The target's token, or a hash of the row's own.", personal=True),
        "campaign": text("The row's campaign where it is declared clear, else a hash.", personal=True),
        "attempts": integer("How often the row was judged."),
        "created_at": time("When the row was first judged."),
        "updated_at": time("When the outcome last changed."),
    }

    @override
    def pages(self) -> Iterator[Packed]:
        from clicksend.ledger.ledger import Ledger  # noqa: PLC0415, SQLAlchemy takes as long as the rest of a start

        bookmark, now = self._bookmark(), datetime.now(UTC)
        with Ledger.existing(self.config["ledger_url"]) as ledger:
            latest = max((row["updated_at"] for row in ledger.outcomes.newest(limit=1)), default=None)
            for page in ledger.outcomes.changed_since(bookmark and bookmark - OVERLAP):
                # A row that changes while this runs comes again, after all others: that is the next run's.
                rows = [row for row in page if latest and row["updated_at"] <= latest]
                if not rows:
                    break
                yield self.pack(self.typed(list(map(_plain, rows))))
        if latest and self.replication_method == REPLICATION_INCREMENTAL:
            # No later than now: where another host's clock is ahead, those that are right must not be missed.
            reached = max(filter(None, [bookmark, min(latest, now)]))
            self.stream_state["replication_key"] = self.replication_key
            self.stream_state["replication_key_value"] = iso(int(reached.timestamp()))

    def _bookmark(self) -> datetime | None:
        """Return when what the last run saw had changed last.

        Raises:
            SettingsError: The state holds something else.
        """
        value = self.stream_state.get("replication_key_value")
        if not value or self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return datetime.fromtimestamp(seconds_of(value, self.name), UTC)


def _plain(row: dict[str, Any]) -> Row:
    """Return a row of the ledger as an API would send it."""
    return row | {name: row[name].isoformat() for name in ("created_at", "updated_at")}
