"""What came of the rows that target-clicksend was given, out of its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from typing_extensions import override

from tap_clicksend.rows.columns import Column, Row, integer, price, text, time
from tap_clicksend.rows.encode import EncodedPage, Encoder
from tap_clicksend.sdk import ClickSendStream

OVERLAP = timedelta(minutes=5)
"""Read again each time: what is committed late was changed earlier."""


def _read_object(value: Any) -> Row | None:
    """Return the object in a JSON text as it is: nothing in it is taken for a secret by its name."""
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
    def pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        # SQLAlchemy takes as long as the rest of a start.
        from clicksend.ledger.ledger import Ledger  # noqa: PLC0415

        now = datetime.now(UTC)
        since = datetime.fromtimestamp(self.bookmark, UTC) - OVERLAP if self.bookmark else None
        with Ledger.existing(self.config["ledger_url"]) as ledger:
            latest = max((row["updated_at"] for row in ledger.outcomes.newest(limit=1)), default=None)
            for page in ledger.outcomes.changed_since(since):
                # A row that changes while this runs comes again, after all others: that is the next run's.
                rows = [row for row in page if latest and row["updated_at"] <= latest]
                if not rows:
                    break
                yield self.encode(self.parse_masked(list(map(_plain, rows))), encoder)
        if latest:
            # No later than now: where another host's clock is ahead, those that are right must not be missed.
            self.advance(int(min(latest, now).timestamp()))


def _plain(row: dict[str, Any]) -> Row:
    """Return a row of the ledger as an API would send it."""
    return row | {name: row[name].isoformat() for name in ("created_at", "updated_at")}
