"""Puts what the models say beside what is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.transform.engines import Warehouse
from tests.transform.figures import FATES, Known, none

MONEY = Decimal("1e-9")
"""The models round what is divided to nine places."""


def differences(warehouse: Warehouse, known: Known) -> list[str]:
    """Return where the models of a warehouse say another thing than what is known; empty when nowhere."""
    messages = known.messages()
    found: list[str] = []

    def compare(
        model: str, expected: Mapping[Any, Mapping[str, Any]], key: Callable[[dict[str, Any]], Any]
    ) -> None:
        found.extend(f"{model}: {one}" for one in _differences(warehouse.rows(model), expected, key))

    columns = [
        *("direction", "sent_at", "due_at", "recipient", "sender", "country", "country_name", "carrier"),
        *("status", "status_code", "error_group", "fate", "went_out", "is_settled", "encoding", "parts"),
        *("parts_if_gsm", "parts_wasted", "price", "cost", "currency", "campaign", "campaign_source"),
        *("list_id", "list_name", "contact_id", "delivered_at", "seconds_to_receipt", "receipts", "replies"),
        *("first_reply_at", "outcome_id"),
    ]
    compare(
        "messages_enhanced",
        {
            (row["channel"], row["message_id"]): {name: row[name] for name in columns}
            for row in _rows(messages)
        },
        lambda row: (row["channel"], row["message_id"]),
    )
    compare(
        "conversations",
        {row["message_id"]: row for row in _rows(known.conversations(messages))},
        lambda row: row["message_id"],
    )
    compare(
        "deliverability_daily",
        _daily(messages),
        lambda row: tuple(row[name] for name in ("day", "channel", "country", "carrier", "sender")),
    )
    compare("deliverability_rates", _rates(messages), lambda row: (row["day"], row["channel"]))
    compare(
        "time_to_deliver",
        known.times(messages),
        lambda row: tuple(row[name] for name in ("week", "channel", "country", "carrier")),
    )
    compare(
        "campaign_cost",
        known.campaigns(messages),
        lambda row: (row["campaign"], row["channel"], row["currency"]),
    )
    compare("wasted_characters", known.wasted_characters(messages), lambda row: row["character"])
    compare("opt_outs", _opt_outs(known, messages), lambda row: row["campaign"])
    compare("sends_after_opt_out", _after(known, messages), lambda row: (row["channel"], row["message_id"]))
    contacts = known.contacts(messages)
    compare(
        "contact_health",
        {(row["list_id"], row["contact_id"]): row for row in contacts},
        lambda row: (row["list_id"], row["contact_id"]),
    )
    compare("list_health", _lists(known, contacts), lambda row: row["list_id"])
    compare("send_outcomes", known.sends(messages), lambda row: row["outcome_id"])
    return found


def _differences(
    rows: Iterable[dict[str, Any]],
    expected: Mapping[Any, Mapping[str, Any]],
    key: Callable[[dict[str, Any]], Any],
) -> Iterator[str]:
    given = list(rows)
    found = {key(row): row for row in given}
    if len(found) != len(given):
        yield f"{len(given) - len(found)} rows more than keys"
    if missing := expected.keys() - found.keys():
        yield f"{len(missing)} rows are missing, like {next(iter(missing))}"
    if more := found.keys() - expected.keys():
        yield f"{len(more)} rows too many, like {next(iter(more))}"
    for one in expected.keys() & found.keys():
        for name, value in expected[one].items():
            if not _equal(found[one][name], value):
                yield f"{name} of {one} is {found[one][name]!r}, not {value!r}"


def _equal(found: Any, expected: Any) -> bool:
    found, expected = none(found), none(expected)
    if found is None or expected is None:
        return found is expected
    if isinstance(expected, Decimal):
        return isinstance(found, Decimal) and abs(found - expected) <= MONEY
    if isinstance(found, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, datetime):
        return bool(found.astimezone(UTC) == expected)
    return bool(found == expected)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: none(value) for name, value in row.items() if not isinstance(value, tuple)}
        for row in frame.to_dict("records")
    ]


def _daily(messages: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    sent = messages[messages.direction == "out"].copy()
    sent["day"] = [one.date() for one in sent.due_at]
    found = {}
    for key, group in sent.groupby(["day", "channel", "country", "carrier", "sender"], dropna=False):
        found[tuple(map(none, key))] = {
            "messages": len(group),
            **_counts(group),
            "parts": int(group[group.went_out].parts.sum()),
            "cost": sum(group.cost, Decimal(0)),
        }
    return found


def _counts(group: pd.DataFrame) -> dict[str, int]:
    counts = {fate: int((group.fate == fate).sum()) for fate in FATES}
    return {
        **counts,
        "settled_out": sum(counts[name] for name in ("delivered", "undelivered", "unconfirmed")),
    }


def _rates(messages: pd.DataFrame) -> dict[tuple[date, str], dict[str, Any]]:
    sent = messages[messages.direction == "out"].copy()
    sent["day"] = [one.date() for one in sent.due_at]
    found = {}
    for key, group in sent.groupby(["day", "channel"]):
        counts = _counts(group)
        settled, delivered = counts["settled_out"], counts["delivered"]
        told = delivered + counts["undelivered"]
        low, high = _wilson(delivered, settled)
        found[key] = {
            "settled_out": settled,
            "is_settled": not counts["pending"] and not counts["scheduled"],
            "delivery_rate": _rate(delivered, settled),
            "delivery_rate_low": low,
            "delivery_rate_high": high,
            "delivery_rate_reported": _rate(delivered, told),
            "delivery_rate_at_most": _rate(delivered + counts["unconfirmed"], settled),
            "report_coverage": _rate(told, settled),
        }
    return found


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole >= 30 else None


def _wilson(part: int, whole: int) -> tuple[float | None, float | None]:
    """Return Wilson's interval of a share, in the form of the textbook: centre and half width."""
    if whole < 30:
        return None, None
    z, share = 1.959963984540054, part / whole
    centre = share + z * z / (2 * whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (centre - half) / (1 + z * z / whole), (centre + half) / (1 + z * z / whole)


def _opt_outs(known: Known, messages: pd.DataFrame) -> dict[str, dict[str, Any]]:
    campaigns = dict(zip(messages.message_id, messages.campaign, strict=True))
    delivered = messages[messages.fate == "delivered"]
    reached: dict[str, set[str]] = {}
    for row in delivered.itertuples():
        reached.setdefault(none(row.campaign) or "none", set()).add(row.recipient)
    first: dict[str, str] = {}
    replies = known.conversations(messages).sort_values(["received_at", "message_id"])
    for row in replies[replies.is_opt_out].itertuples():
        first.setdefault(row.sender, none(campaigns.get(row.reply_to)) or "none")
    stopped = list(first.values())
    found = {}
    for campaign in reached.keys() | set(stopped):
        recipients, opt_outs = len(reached.get(campaign, ())), stopped.count(campaign)
        low, high = _wilson(opt_outs, recipients)
        found[campaign] = {
            "recipients": recipients,
            "opt_outs": opt_outs,
            "opt_out_rate": _rate(opt_outs, recipients),
            "opt_out_rate_low": low,
            "opt_out_rate_high": high,
        }
    return found


def _after(known: Known, messages: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    opted_out = known.opt_outs(messages)
    return {
        (row.channel, row.message_id): {
            "opted_out_at": opted_out[row.recipient],
            "seconds_after": int((row.due_at - opted_out[row.recipient]).total_seconds()),
            "ours": none(row.outcome_id) is not None,
        }
        for row in messages[(messages.direction == "out") & messages.went_out].itertuples()
        if row.recipient in opted_out and row.due_at > opted_out[row.recipient]
    }


def _lists(known: Known, contacts: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    found = {}
    for one in known.store.lists.values():
        theirs = [row for row in contacts if row["list_id"] == one.list_id]
        found[one.list_id] = {
            "list_name": one.list_name,
            "contacts": len(theirs),
            "with_number": sum(row["has_number"] for row in theirs),
            "valid": sum(row["is_valid"] for row in theirs),
            "duplicates": sum(row["is_duplicate"] for row in theirs),
            "opted_out": sum(row["is_opted_out"] for row in theirs),
            "last_undelivered": sum(row["last_fate"] == "undelivered" for row in theirs),
            "never_sent": sum(row["times_sent"] == 0 for row in theirs),
            "reachable": sum(row["is_reachable"] for row in theirs),
            "contacts_by_clicksend": len(theirs),
        }
    return found
