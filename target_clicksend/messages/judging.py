"""What an answered send means for each of its messages.

ClickSend answers 200 and SUCCESS even when every message failed (observed), and documents no order of its
rows: each message is judged by the status of the row that carries its own custom_string.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from clicksend.errors import shown_code
from target_clicksend.messages.message import Message

Answered = Mapping[str, Any]

NOT_NOW = {
    "THROTTLED": "ClickSend holds the same text to the same recipient back for a while (THROTTLED)",
    "INSUFFICIENT_CREDIT": "the account's balance is used up (INSUFFICIENT_CREDIT): top it up",
}
"""Statuses of messages that certainly did not go, and may go later."""
NO_CREDIT = NOT_NOW["INSUFFICIENT_CREDIT"]
MOST_DIGITS = 9
"""Before and after the point, of prices and parts."""
UNSURE = frozenset({"INTERNAL_ERROR", "SOMETHING_IS_WRONG"})
MISSING = "the answer has no row for it"
AMBIGUOUS = "the answer's rows for it and for others with its custom_string cannot be told apart"


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message as it is sent: what its row in the answer is found by.

    Attributes:
        message: The message.
        custom_string: Our token, or the row's own, which several rows may share.
    """

    message: Message
    custom_string: str

    @property
    def to(self) -> str:
        """The recipient, E.164."""
        return self.message.to

    @property
    def body(self) -> str:
        """The text."""
        return self.message.body


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What came of a message.

    Attributes:
        price: In the account's currency.
    """

    outcome: str
    reason: str = ""
    message_id: str | None = None
    parts: int | None = None
    price: Decimal | None = None


def judge(messages: Sequence[Outgoing], rows: Sequence[Any]) -> list[Verdict]:
    """Return what came of each message, in the order of the messages.

    Args:
        messages: What one request sent.
        rows: ``data.messages`` of its answer, in any order, perhaps too few.
    """
    answered: dict[str, list[Answered]] = defaultdict(list)
    for row in rows:
        if isinstance(row, dict):
            answered[str(row.get("custom_string"))].append(row)
    verdicts: dict[int, Verdict] = {}
    sharing: dict[str, list[Outgoing]] = defaultdict(list)
    for message in messages:
        sharing[message.custom_string].append(message)
    for custom_string, group in sharing.items():
        verdicts.update(_judge_group(group, answered[custom_string]))
    return [verdicts[message.message.row.number] for message in messages]


def _judge_group(group: list[Outgoing], rows: list[Answered]) -> dict[int, Verdict]:
    """Judge messages with one custom_string: one by one where recipient, then body, tells them apart."""
    if len(group) == 1 and len(rows) <= 1:
        return {group[0].message.row.number: _verdict(rows[0]) if rows else Verdict("unknown", MISSING)}
    for field in ("to", "body"):
        values = {getattr(message, field) for message in group}
        if len(values) > 1:
            parted: dict[int, Verdict] = {}
            for value in values:
                some = [message for message in group if getattr(message, field) == value]
                parted.update(_judge_group(some, [row for row in rows if row.get(field) == value]))
            return parted
    verdicts = [_verdict(row) for row in rows]
    if len(verdicts) != len(group) or len({verdict.outcome for verdict in verdicts}) != 1:
        verdicts = [Verdict("unknown", AMBIGUOUS)] * len(group)
    return {message.message.row.number: verdict for message, verdict in zip(group, verdicts, strict=True)}


def _verdict(row: Answered) -> Verdict:
    status = row.get("status")
    if not isinstance(status, str) or not status:
        return Verdict("unknown", "its row in the answer has no status")
    if status == "SUCCESS":
        return Verdict("sent", "", _text(row.get("message_id")), _parts(row), _price(row))
    if status in NOT_NOW:
        return Verdict("failed", NOT_NOW[status])
    if status in UNSURE:
        return Verdict("unknown", f"ClickSend answered {status}")
    word = shown_code(status) or "a status that is not a known one of its own"
    return Verdict("rejected", f"ClickSend answered {word}")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _parts(row: Answered) -> int | None:
    exact = decimal_of(row.get("message_parts"))
    return None if exact is None else int(exact)


def _price(row: Answered) -> Decimal | None:
    return decimal_of(row.get("message_price"))


def decimal_of(value: Any) -> Decimal | None:
    """Return a price or count, however it is spelled (observed: 1, "1.00", "0.0792", ""); None for none.

    None for one below 0, which would make room for others under a cap, and for absurd ones: were they too
    large for the ledger, what was sent with them would be lost.
    """
    if type(value) is int and 0 <= value < 10**MOST_DIGITS:
        return Decimal(value)
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() and exact >= 0 and abs(exact.adjusted()) < MOST_DIGITS else None
