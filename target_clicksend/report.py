"""What a run did, counted by sink and outcome, for people and for programs."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from typing_extensions import override

from clicksend.meter import Traffic
from clicksend.phone import AS_WRITTEN, Reading, sample
from clicksend.report import RunReport, nested
from clicksend.text import masked, table

logger = logging.getLogger("target-clicksend")


PLUGIN = "target-clicksend"
OTHER_RECIPIENT = "key was sent with another recipient"
OTHER_TEXT = "key was sent with another text"
MANY_REJECTED = 10
"""Rows: so many, and nothing but them in a sink, are not an accident of single rows."""
INPUT = "input"
"""Name in the ledger for what belongs to no stream."""
CONFLICTS = frozenset({OTHER_RECIPIENT, OTHER_TEXT})
"""Reasons of duplicates that may be other messages."""
WORTH_A_REASON = frozenset({"rejected", "failed", "held", "suppressed", "unknown"})
MOST_REASONS = 50
OTHER_REASONS = "other reasons, see the ledger"
MOST_SAMPLES = 5
IN_CLEAR = frozenset({"body", "subject", "variables", "media_file", "from", "from_email"})
"""What of a sample is shown as people would get it: texts, and what the account says of itself."""
MOST_KEYS = 5
MOST_REPLIES = 50
SHOWN_REASONS = 10


def said_of(why: tuple[str, str, str], rows: int) -> str:
    """Return what is said of rows of one sink, with one outcome, for one reason."""
    sink, outcome, reason = why
    return f"{sink}: {rows} {outcome}: {reason}"


@dataclass
class Tally:
    """What a run would send.

    Attributes:
        spend: In the account's currency, as ClickSend priced it.
        unpriced: Messages among them that have no price.
    """

    messages: int = 0
    spend: Decimal = Decimal(0)
    unpriced: int = 0

    def add(self, price: Decimal | None) -> None:
        """Count a message."""
        self.messages += 1
        self.spend += price or 0
        self.unpriced += price is None

    @property
    def is_free(self) -> bool:
        """Whether there are prices, and all are 0."""
        return self.messages > self.unpriced and not self.spend


class Report(RunReport):
    """What the target says of a run besides what the tap says, too."""

    def __init__(self, *, dry_run: bool) -> None:
        super().__init__(PLUGIN)
        self.dry_run = dry_run
        self.plan: Counter[tuple[str, str]] = Counter()
        """What a dry run would have done, by sink and change."""
        self.reasons: Counter[tuple[str, str, str]] = Counter()
        """Why rows were not written, by sink, outcome and reason."""
        self.source_keys: dict[tuple[str, str, str], dict[str, None]] = {}
        """Some of the rows of each reason, by their key properties."""
        self.missing: dict[int, Counter[int]] = {}
        """Contacts that mirror misses, by list and the inputs in a row that have lacked them."""
        self.about: dict[str, Any] = {}
        """What the run was of: account, ledger, currency and the like."""
        self.prices: dict[str, Decimal] = {}
        """What a dry run would have cost, by sink, in the account's currency."""
        self.is_priced = False
        """Whether any of it has a price."""
        self.parts: Counter[str] = Counter()
        """Parts that a dry run would have sent, by sink."""
        self.samples: list[dict[str, Any]] = []
        """Requests that a dry run would have made, numbers masked."""
        self.readings: Counter[tuple[str, str]] = Counter()
        """Rows of a dry run by sink and how a phone number of theirs was read."""
        self.number_samples: dict[tuple[str, str], list[str]] = {}
        """Cells with the numbers that they were read as, both masked, by the same."""
        self.notes: list[str] = []
        self.replies: dict[str, None] = {}
        """Message ids of replies that are not a STOP by the rules, but hold a word of one, oldest first."""
        self.conflicts = 0
        """Rows whose key was sent with another recipient or text."""
        self.read = 0
        """Rows that have arrived."""
        self.finished = 0
        """Rows of them that have an outcome."""
        self.found_in_history: Counter[str] = Counter()
        """Messages whose answer was lost and that the history showed in the same run, by sink."""

    def add(self, sink: str, outcome: str, reason: str, source_key: str | None = None) -> None:
        """Count a row.

        Args:
            sink: Name of the sink.
            outcome: What came of it.
            reason: Why.
            source_key: Its key properties as the ledger has them, JSON; None for what is not a row.
        """
        self.rows[sink, outcome] += 1
        self.conflicts += reason in CONFLICTS
        if outcome in WORTH_A_REASON or reason in CONFLICTS:
            known = (sink, outcome, reason) in self.reasons or len(self.reasons) < MOST_REASONS
            counted = sink, outcome, reason if known else OTHER_REASONS
            self.reasons[counted] += 1
            keys = self.source_keys.setdefault(counted, {})
            if source_key and len(keys) < MOST_KEYS:
                keys[source_key] = None

    def found(self, sink: str, reasons: Sequence[str]) -> None:
        """Count messages as ``sent`` that were ``unknown`` for these reasons."""
        self.rows -= Counter({(sink, "unknown"): len(reasons)})
        self.rows[sink, "sent"] += len(reasons)
        self.found_in_history[sink] += len(reasons)
        for reason in reasons:
            known = (sink, "unknown", reason) in self.reasons
            self.reasons -= Counter([(sink, "unknown", reason if known else OTHER_REASONS)])

    def only_rejected(self) -> dict[str, int]:
        """Return the sinks all of whose rows were rejected until now, and how many rows that is.

        Lines that are not Singer messages belong to no sink: they are one where the input has nothing else.
        """
        sinks = {sink for sink, _ in self.rows}
        others = {sink for sink, outcome in self.rows if outcome != "rejected"}
        return {
            sink: self.rows[sink, "rejected"]
            for sink in sinks - others - ({INPUT} if len(sinks) > 1 else set())
        }

    def price(
        self, sink: str, price: Decimal | None, parts: int, sample: Callable[[], dict[str, Any]]
    ) -> None:
        """Add a message that a dry run would have sent."""
        self.prices[sink] = self.prices.get(sink, Decimal(0)) + (price or 0)
        self.is_priced = self.is_priced or price is not None
        self.parts[sink] += parts
        if len(self.samples) < MOST_SAMPLES:
            self.samples.append(_without_numbers(sample()))

    def add_readings(self, sink: str, readings: Mapping[str, Reading]) -> None:
        """Add how the phone numbers of a row were read, by their cells."""
        self.readings.update({(sink, reading.how) for reading in readings.values()})
        for cell, (number, how) in readings.items():
            samples = self.number_samples.setdefault((sink, how), [])
            if how != AS_WRITTEN and len(samples) < MOST_SAMPLES:
                samples.append(sample(cell, number))

    def look_at(self, message_id: str) -> None:
        """Keep which reply a person should read."""
        self.replies[message_id] = None

    @property
    def is_free(self) -> bool:
        """Whether a dry run's messages have prices, and all are 0."""
        return self.is_priced and not any(self.prices.values())

    def __getitem__(self, outcome: str) -> int:
        """Return the number of rows with an outcome, in all sinks."""
        return sum(count for (_, name), count in self.rows.items() if name == outcome)

    @override
    def content(self, traffic: Traffic) -> dict[str, Any]:
        return {
            **super().content(traffic),
            "seconds": self.seconds,
            "dry_run": self.dry_run,
            "currency": self.currency,
            **self.about,
            "rows_read": self.read,
            "rows_unfinished": self.read - self.finished,
            "found_in_history": dict(self.found_in_history),
            "plan": nested(self.plan),
            "reasons": [
                {
                    "sink": sink,
                    "outcome": outcome,
                    "reason": reason,
                    "rows": count,
                    "source_keys": [
                        json.loads(one) for one in self.source_keys.get((sink, outcome, reason), ())
                    ],
                }
                for (sink, outcome, reason), count in self.reasons.most_common()
            ],
            "mirror": [
                {"list_id": list_id, "missing_from_inputs": times, "contacts": contacts}
                for list_id, counted in sorted(self.missing.items())
                for times, contacts in sorted(counted.items())
            ],
            "replies_to_look_at": {
                "count": len(self.replies),
                "message_ids": list(self.replies)[-MOST_REPLIES:],
            },
            "conflicts": self.conflicts,
            "prices": {sink: str(price) for sink, price in self.prices.items()},
            "parts": dict(self.parts),
            "samples": self.samples,
            "readings": [
                {"sink": sink, "reading": how, "rows": count, "samples": self.number_samples[sink, how]}
                for (sink, how), count in self.readings.most_common()
            ],
            "notes": self.notes,
        }

    @override
    def line(self, traffic: Traffic) -> dict[str, Any]:
        """Leave out samples: they hold the texts of messages."""
        return self.content(traffic) | {"samples": []}

    def cost(self, price: Decimal | None) -> None:
        """Add what a message that was sent has cost, where ClickSend said so."""
        if price is not None:
            self.spend = (self.spend or Decimal(0)) + price

    def show(self, requests: int) -> None:
        """Print the counts: a table on a terminal, one line elsewhere."""
        if sys.stderr.isatty():
            samples = [json.dumps(sample, ensure_ascii=False) for sample in self.samples]
            sys.stderr.write("\n".join(["", *self._table(), "", *samples]) + "\n")
        for why, rows in self.reasons.most_common(SHOWN_REASONS):
            logger.warning("%s", said_of(why, rows))
        for (sink, how), count in self.readings.most_common():
            if how != AS_WRITTEN:
                logger.info("%s: %d read as %s: %s", sink, count, how, self.number_samples[sink, how][0])
        if self.replies:
            logger.warning(
                "Replies that may or may not opt out: %d. Read them: the report has their message ids.",
                len(self.replies),
            )
        for list_id, counted in sorted(self.missing.items()):
            said = [f"{contacts:,} from {times}" for times, contacts in sorted(counted.items())]
            logger.info(
                "mirror: contacts missing in list %d, by inputs in a row: %s.", list_id, ", ".join(said)
            )
        currency = self.currency or ""
        for sink, price in self.prices.items():
            logger.info("%s: %d parts, would cost %s.", sink, self.parts[sink], f"{price} {currency}".strip())
        counts = self._counts()
        unfinished = self.read - self.finished
        logger.info(
            "%s%s%s; %d requests, %.1f s.",
            "Dry run, nothing was written: " if self.dry_run else "",
            ", ".join(self._said(*key, count) for key, count in sorted(counts.items())) or "no outcomes",
            f"; {unfinished:,} rows without an outcome" if unfinished else "",
            requests,
            self.seconds,
        )

    def _said(self, sink: str, name: str, count: int) -> str:
        found = self.found_in_history[sink] if name == "sent" else 0
        return f"{sink} {count:,} {name}" + (f", {found:,} of them found in the history" if found else "")

    def _counts(self) -> Counter[tuple[str, str]]:
        """Return what people want to see: of a dry run what would have been done."""
        judged = {key: count for key, count in self.rows.items() if key[1] != "dry_run"}
        return Counter(judged) + self.plan if self.dry_run else self.rows

    def _table(self) -> list[str]:
        """Return the counts as lines of a table."""
        lines = [("sink", "outcome", "rows")]
        lines += [(sink, name, f"{count:,}") for (sink, name), count in sorted(self._counts().items())]
        return table(lines, right={2})


def _without_numbers(value: Any) -> Any:
    """Return a request without phone numbers and e-mail addresses, where it does not show texts."""
    if isinstance(value, dict):
        return {name: one if name in IN_CLEAR else _without_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_numbers(one) for one in value]
    return masked(value) if isinstance(value, str) else value
