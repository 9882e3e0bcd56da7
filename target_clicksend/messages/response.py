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

ResponseRow = Mapping[str, Any]

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


class SendResult(msgspec.Struct, frozen=True, gc=False):
    """What came of a message.

    Attributes:
        outcome: One of the ledger's outcomes.
        reason: Why, for a person; never with a value of the row.
        message_id: ClickSend's, of a message that was sent.
        parts: How many it is billed as.
        price: In the account's currency.
    """

    outcome: str
    reason: str = ""
    message_id: str | None = None
    parts: int | None = None
    price: Decimal | None = None


UNDER_WAY = SendResult("held", "another run was sending it, and what came of that was not known in time")
"""Of a message that another run has claimed; what comes of it there decides what comes of it here."""


def parse_send_response(messages: Sequence[Message], data: Any) -> list[SendResult]:
    """Return what came of each message, in the order of the messages.

    Args:
        messages: What one request sent, each with the custom_string that it was sent with.
        data: ``data`` of the answer; its ``messages`` are in any order, and perhaps too few.
    """
    rows = data.get("messages") if isinstance(data, dict) else None
    answered: dict[str, list[ResponseRow]] = defaultdict(list)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            answered[str(row.get("custom_string"))].append(row)
    sharing: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        sharing[str(message.custom_string)].append(message)
    results: dict[int, SendResult] = {}
    for custom_string, group in sharing.items():
        results.update(_results_of_group(group, answered[custom_string]))
    return [results[message.row.number] for message in messages]


def _results_of_group(group: list[Message], rows: list[ResponseRow]) -> dict[int, SendResult]:
    """Return what came of messages with one custom_string, which recipient, then body, may tell apart."""
    if len(group) == 1 and len(rows) <= 1:
        return {group[0].row.number: _result(rows[0]) if rows else SendResult("unknown", MISSING)}
    for field in ("to", "body"):
        values = {getattr(message, field) for message in group}
        if len(values) > 1:
            parted: dict[int, SendResult] = {}
            for value in values:
                some = [message for message in group if getattr(message, field) == value]
                parted.update(_results_of_group(some, [row for row in rows if row.get(field) == value]))
            return parted
    results = [_result(row) for row in rows]
    if len(results) != len(group) or len({result.outcome for result in results}) != 1:
        results = [SendResult("unknown", AMBIGUOUS)] * len(group)
    return {message.row.number: result for message, result in zip(group, results, strict=True)}


def _result(row: ResponseRow) -> SendResult:
    status = row.get("status")
    if not isinstance(status, str) or not status:
        return SendResult("unknown", "its row in the answer has no status")
    if status == "SUCCESS":
        return SendResult("sent", "", _text(row.get("message_id")), _parts(row), _price(row))
    if status in NOT_NOW:
        return SendResult("failed", NOT_NOW[status])
    if status in UNSURE:
        return SendResult("unknown", f"ClickSend answered {status}")
    word = shown_code(status) or "a status that is not a known one of its own"
    return SendResult("rejected", f"ClickSend answered {word}")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _parts(row: ResponseRow) -> int | None:
    exact = decimal_of(row.get("message_parts"))
    return None if exact is None else int(exact)


def _price(row: ResponseRow) -> Decimal | None:
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
