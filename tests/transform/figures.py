"""What the models must say, from the sandbox's own objects: with pandas and smsutil, not with their SQL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import smsutil

from clicksend.sandbox.simulation import RETENTION
from clicksend.sandbox.world.countries import countries
from clicksend.sandbox.world.rows import Message, Mms
from clicksend.sandbox.world.store import Store

USUAL = set(pd.read_csv(Path(__file__).parents[2] / "transform" / "seeds" / "character_names.csv").code_point)
DAY = 86_400
SETTLED = 4 * DAY
OUT = ("delivered", "undelivered", "unconfirmed", "pending")
OF_RATES = ("delivered", "undelivered", "unconfirmed")
FATES = (*OUT, "scheduled", "cancelled", "refused", "test")
KEYWORDS = ("STOP", "UNSUBSCRIBE", "END", "STOPALL", "CANCEL", "QUIT", "REVOKE", "OPT OUT")
GROUPS = {
    "number": ("Unknown Subscriber.", "Unidentified Subscriber.", "Illegal Subscriber."),
    "handset": ("SMS not supported.", "Absent Subscriber.", "Memory exceeded.", "Receipt expired."),
    "network": (
        *("Recipient network error.", "Temporary network error.", "Network timeout."),
        *("Routing error.", "Supplier routing issue."),
    ),
    "blocked": ("Rejected by the recipient network.", "Anti-spam."),
}
LIMITS = {
    "10s": 10,
    "1min": 60,
    "5min": 300,
    "30min": 1800,
    "4h": 4 * 3600,
    "24h": DAY,
    "72h": 3 * DAY,
}
SELECTOR = "\N{VARIATION SELECTOR-16}"
SENDING = ("sms_messages", "mms_messages", "voice_messages")


@dataclass
class Known:
    """All that an analyst could know.

    Attributes:
        store: The sandbox's rows.
        now: Its clock, Unix seconds; figures are true as of then.
        outcomes: Rows of the ledger, as the tap reads them.
        has_voice: Whether calls were loaded.
        has_mms_receipts: Whether ClickSend serves them.
        has_campaigns: Whether ClickSend's own campaigns were loaded.
        has_texts: Whether texts were loaded as they are.
        has_numbers: Whether numbers were loaded, hashed or not.
        currency: The account's.
    """

    store: Store
    now: int
    outcomes: list[Mapping[str, Any]] = field(default_factory=list)
    has_voice: bool = True
    has_mms_receipts: bool = True
    has_campaigns: bool = False
    has_texts: bool = True
    has_numbers: bool = True
    currency: str = "USD"

    def messages(self) -> pd.DataFrame:
        """Return all messages, sent and received, as ``messages_enhanced`` has them."""
        frame = pd.DataFrame(map(self._message, self._rows()))
        replies = self.conversations(frame)
        answered = replies.dropna(subset="reply_to").groupby("reply_to")
        frame["replies"] = frame.message_id.map(answered.size()).fillna(0).astype(int)
        frame["first_reply_at"] = frame.message_id.map(answered.received_at.min())
        frame.loc[frame.direction == "in", ["replies", "first_reply_at"]] = [0, None]
        ours = {row["message_id"]: row["outcome_id"] for row in self._ours()}
        frame["outcome_id"] = [ours.get(one) for one in frame.message_id]
        campaigns, sources = zip(*self._campaigns(frame), strict=True)
        return frame.assign(campaign=campaigns, campaign_source=sources)

    def _rows(self) -> Iterable[tuple[str, Message]]:
        tables = [("sms", self.store.sms), ("mms", self.store.mms)]
        if self.has_voice:
            tables.append(("voice", self.store.voice))
        for channel, rows in tables:
            yield from ((channel, row) for row in rows if self.now - RETENTION <= row.date <= self.now)

    def _message(self, given: tuple[str, Message]) -> dict[str, Any]:
        channel, row = given
        due = max(row.date, row.schedule or 0)
        fate = self._fate(row, due)
        receipts = self._receipts[channel].get(row.message_id, [])
        told = [at for at, code in receipts if code in ("201", "Completed")] if fate == "delivered" else []
        price = Decimal(row.price)
        list_name = self.store.lists[row.list_id].list_name if row.list_id in self.store.lists else None
        return {
            "channel": channel,
            "message_id": row.message_id,
            "direction": row.direction,
            "sent_at": at(row.date),
            "due_at": at(due),
            "recipient": row.to if self.has_numbers else None,
            "sender": row.sender if self.has_numbers else None,
            "body": row.body if self.has_texts else None,
            "custom_string": row.custom_string or None,
            "country": row.country or None,
            "country_name": self._countries.get(row.country),
            "carrier": row.carrier or None,
            "status": row.delivery.status,
            "status_code": row.delivery.code,
            "error_group": _group(row.delivery.text) if fate == "undelivered" else None,
            "fate": fate,
            "went_out": fate in OUT,
            "is_settled": fate not in ("scheduled", "pending"),
            **self._text(channel, row),
            # Of a call that it refused ClickSend says no parts.
            "parts": row.parts or (None if channel == "voice" else 0),
            "price": price,
            "cost": price if fate in OUT else Decimal(0),
            "currency": self.currency,
            "list_id": row.list_id,
            "list_name": list_name,
            "contact_id": row.contact_id,
            "delivered_at": at(min(told)) if told else None,
            "seconds_to_receipt": min(told) - due if told else None,
            "receipts": len(receipts),
        }

    def _fate(self, row: Message, due: int) -> str:  # noqa: PLR0911
        status, code = row.delivery.status, row.delivery.code
        if row.direction == "in":
            return "received"
        if code == "201" or (isinstance(row, Mms) and code == "Completed"):
            return "delivered"
        if status.startswith("Cancelled"):
            return "cancelled"
        if status == "Failed":
            return "undelivered" if code else "refused"
        if status == "Completed" and not row.parts:
            return "test"
        if (row.schedule or 0) > self.now:
            return "scheduled"
        return "pending" if self.now - due < SETTLED else "unconfirmed"

    def _text(self, channel: str, row: Message) -> dict[str, Any]:
        if channel != "sms" or row.direction == "in" or not self.has_texts or not row.body:
            return {"encoding": None, "parts_if_gsm": None, "parts_wasted": None, "foreign": ()}
        foreign = list(dict.fromkeys(one for one in row.body if not is_gsm(one) and one != SELECTOR))
        plain = "".join(one if is_gsm(one) else "x" for one in row.body.replace(SELECTOR, ""))
        is_unicode = bool(foreign) or SELECTOR in row.body
        # smsutil counts a line feed as one unit, ClickSend as two.
        parts = len(smsutil.split(plain.replace("\n", "\\")).parts)
        wasted = max(0, row.parts - parts) if is_unicode and len(foreign) <= 3 else 0
        return {
            "encoding": "unicode" if is_unicode else "gsm",
            "parts_if_gsm": parts,
            "parts_wasted": wasted,
            "foreign": tuple(foreign) if wasted else (),
        }

    @property
    def _receipts(self) -> dict[str, dict[str, list[tuple[int, str]]]]:
        if not hasattr(self, "_known_receipts"):
            self._known_receipts = {
                channel: self._receipts_of(channel) for channel in ("sms", "mms", "voice")
            }
        return self._known_receipts

    def _receipts_of(self, channel: str) -> dict[str, list[tuple[int, str]]]:
        if channel == "mms" and not self.has_mms_receipts:
            return {}
        found: dict[str, set[tuple[Any, ...]]] = {}
        for row in getattr(self.store, f"{channel}_receipts").unread:
            if self.now - RETENTION <= row.timestamp <= self.now:
                key = (row.timestamp, row.delivery.code, row.digits)
                found.setdefault(row.message_id, set()).add(key)
        return {one: [(at, code) for at, code, _ in keys] for one, keys in found.items()}

    @property
    def _countries(self) -> dict[str, str]:
        return dict(countries())

    def _ours(self) -> list[Mapping[str, Any]]:
        return [row for row in self.outcomes if row["sink"] in SENDING and row["message_id"]]

    def _campaigns(self, frame: pd.DataFrame) -> Iterable[tuple[str | None, str | None]]:
        ours = {row["message_id"]: row["campaign"] for row in self._ours()}
        named = {
            one.custom_string: one.name
            for one in (self.store.campaigns.values() if self.has_campaigns else ())
            if one.custom_string
        }
        sent = frame[frame.direction == "out"]
        sizes = sent.custom_string.value_counts()
        for row in frame.itertuples():
            custom = none(row.custom_string)
            if row.direction == "in":
                yield None, None
            elif campaign := ours.get(row.message_id):
                yield campaign, "outcomes"
            elif custom in named:
                yield named[custom], "sms_campaigns"
            elif custom and sizes[custom] >= 5 and not custom.startswith("sc-"):
                yield custom, "custom_string"
            else:
                yield None, None

    def conversations(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return every reply with the message that it answers."""
        originals = {
            row.message_id: row.original_message_id or None
            for row in self.store.inbound.unread
            if self.now - RETENTION <= row.timestamp <= self.now
        }
        sent = frame[(frame.direction == "out") & frame.went_out & frame.channel.isin(("sms", "mms"))]
        by_id = {row.message_id: row for row in sent.itertuples()}
        by_number: dict[str, list[Any]] = {}
        for row in sent.sort_values(["due_at", "message_id"], ascending=[True, False]).itertuples():
            by_number.setdefault(row.recipient, []).append(row)
        replies = []
        for row in frame[frame.direction == "in"].itertuples():
            reply_to, attribution = originals.get(row.message_id), "clicksend"
            if reply_to is None:
                latest = [one for one in by_number.get(row.sender, ()) if one.due_at <= row.sent_at]
                is_near = latest and row.sent_at - latest[-1].due_at <= timedelta(days=7)
                reply_to = latest[-1].message_id if is_near and self.has_numbers else None
                attribution = "last message" if reply_to else "none"
            answered = by_id.get(reply_to)
            seconds = None
            if answered:
                known_at = answered.due_at if pd.isna(answered.delivered_at) else answered.delivered_at
                seconds = max(0, int((row.sent_at - known_at).total_seconds()))
            replies.append(
                {
                    "message_id": row.message_id,
                    "channel": row.channel,
                    "received_at": row.sent_at,
                    "sender": row.sender,
                    "reply_to": reply_to,
                    "attribution": attribution,
                    "is_opt_out": bool(row.body) and says_stop(row.body),
                    "reply_seconds": seconds,
                }
            )
        return pd.DataFrame(replies)

    def opt_outs(self, messages: pd.DataFrame) -> dict[str, datetime]:
        """Return when each number opted out."""
        replies = self.conversations(messages)
        moments = [(row.sender, row.received_at) for row in replies[replies.is_opt_out].itertuples()]
        moments += [
            (contact.phone_number, at(contact.date_updated))
            for contact in self._contacts()
            if self.store.lists[contact.list_id].list_name == "Opt-Out List" and contact.phone_number
        ]
        first: dict[str, datetime] = {}
        for number, moment in sorted(moments, key=lambda one: one[1]):
            first.setdefault(number, moment)
        return first if self.has_numbers else {}

    def _contacts(self) -> Iterable[Any]:
        return chain.from_iterable(contacts.values() for contacts in self.store.contacts.values())

    def contacts(self, messages: pd.DataFrame) -> list[dict[str, Any]]:
        """Return every contact with its flags."""
        opted_out = self.opt_outs(messages)
        sent = messages[(messages.direction == "out") & messages.went_out]
        by_number = dict(list(sent.sort_values(["due_at", "message_id"]).groupby("recipient")))
        found = []
        for contact in self._contacts():
            number = contact.phone_number if self.has_numbers else None
            twins = [
                one for one in self.store.contacts[contact.list_id].values() if one.phone_number == number
            ]
            theirs = by_number.get(number)
            last = None if theirs is None else theirs.iloc[-1]
            is_valid = bool(number and re.fullmatch(r"\+[1-9][0-9]{6,14}", number))
            group = None if last is None else last.error_group
            found.append(
                {
                    "list_id": contact.list_id,
                    "contact_id": contact.contact_id,
                    "has_number": bool(number),
                    "is_valid": is_valid,
                    "is_duplicate": bool(number) and len(twins) > 1,
                    "is_opted_out": number in opted_out,
                    "last_fate": None if last is None else last.fate,
                    "last_error_group": group,
                    "times_sent": 0 if theirs is None else len(theirs),
                    "times_delivered": 0 if theirs is None else int((theirs.fate == "delivered").sum()),
                    "is_reachable": is_valid
                    and number not in opted_out
                    and group not in ("number", "blocked"),
                }
            )
        return found

    def times(self, messages: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return how long messages took, by week, channel, country and carrier."""
        sent = messages[(messages.direction == "out") & messages.fate.isin(OF_RATES)].copy()
        sent["week"] = [(one - timedelta(days=one.weekday())).date() for one in sent.due_at]
        found = {}
        for key, group in sent.groupby(["week", "channel", "country", "carrier"], dropna=False):
            seconds = group.seconds_to_receipt.dropna().astype(float).to_numpy()
            limits = [-1, *LIMITS.values()]
            row: dict[str, Any] = {
                "settled_out": len(group),
                "delivered": int((group.fate == "delivered").sum()),
                "timed": len(seconds),
            }
            for share in (50, 90, 99):
                row[f"p{share}_seconds"] = float(np.percentile(seconds, share)) if len(seconds) else None
            for name, low, high in zip(LIMITS, limits, limits[1:], strict=False):
                row[f"within_{name}"] = int(((seconds > low) & (seconds <= high)).sum())
            row["later"] = int((seconds > limits[-1]).sum())
            row["without_receipt"] = row["delivered"] - len(seconds)
            found[tuple(none(one) for one in key)] = row
        return found

    def campaigns(self, messages: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return what each campaign sent and cost."""
        estimates = {row["outcome_id"]: row["price"] for row in self._ours()}
        sent = messages[messages.direction == "out"].copy()
        sent["campaign"] = sent.campaign.fillna("none")
        found = {}
        for key, group in sent.groupby(["campaign", "channel", "currency"]):
            out = group[group.went_out]
            delivered = int((group.fate == "delivered").sum())
            cost = sum(group.cost, Decimal(0))
            known = [estimates[one] for one in group.outcome_id.dropna()]
            texts = out.dropna(subset="parts_wasted")
            wasted = [
                row.cost * int(row.parts_wasted) / int(row.parts) for row in texts.itertuples() if row.parts
            ]
            found[key] = {
                "messages": len(group),
                **{fate: int((group.fate == fate).sum()) for fate in FATES},
                "settled_out": int(group.fate.isin(OF_RATES).sum()),
                "recipients": group.recipient.nunique(),
                "cost": cost,
                "estimated": sum(known, Decimal(0)) if known else None,
                "cost_of_undelivered": sum(group[group.fate == "undelivered"].cost, Decimal(0)),
                "cost_per_delivered": cost / delivered if delivered else None,
                "parts": int(out.parts.sum()),
                "parts_wasted": int(texts.parts_wasted.sum()) if len(texts) else None,
                "cost_wasted": sum(wasted, Decimal(0)) if self._has_wasted(group) else None,
                "first_due_at": group.due_at.min(),
                "last_due_at": group.due_at.max(),
            }
        return found

    @staticmethod
    def _has_wasted(group: pd.DataFrame) -> bool:
        return bool(((group.parts > 0) & group.parts_wasted.notna()).any())

    def wasted_characters(self, messages: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """Return what each character beyond GSM cost."""
        found: dict[str, dict[str, Any]] = {}
        for row in messages[messages.went_out].itertuples():
            for one in row.foreign:
                entry = found.setdefault(one, {"messages": 0, "parts": 0, "cost": Decimal(0)})
                code_point = f"U+{ord(one):04X}"
                name = unicodedata.name(one) if code_point in USUAL else None
                entry |= {"code_point": code_point, "name": name}
                entry["messages"] += 1
                entry["parts"] += row.parts_wasted
                entry["cost"] += row.cost * int(row.parts_wasted) / int(row.parts)
        return found

    def sends(self, messages: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """Return what became of every row that was to be sent."""
        by_id = {row.message_id: row for row in messages.itertuples()}
        found = {}
        for row in self.outcomes:
            if row["sink"] in SENDING:
                message = by_id.get(row["message_id"])
                became = message.fate if message else "not in history"
                is_sent = row["outcome"] == "sent"
                found[row["outcome_id"]] = {
                    "outcome": row["outcome"],
                    "what_became": became if is_sent else row["outcome"],
                    "estimated": row["price"] if is_sent else None,
                    "billed": message.price if message else None,
                    "difference": message.price - row["price"] if is_sent and message else None,
                    "replies": message.replies if message else 0,
                }
        return found


def at(moment: int) -> pd.Timestamp:
    """Return a moment."""
    return pd.Timestamp(datetime.fromtimestamp(moment, UTC))


def none(value: Any) -> Any:
    """Return None for what pandas makes of it."""
    return None if pd.isna(value) else value


def is_gsm(character: str) -> bool:
    """Return whether a character is in GSM 03.38 or its extension."""
    return bool(smsutil.is_valid_gsm(character))


def says_stop(body: str) -> bool:
    """Return whether a reply begins or ends with a keyword."""
    words = re.findall(r"[^\W_]+", body.upper())
    for keyword in KEYWORDS:
        wanted = keyword.split()
        if words[: len(wanted)] == wanted or words[-len(wanted) :] == wanted:
            return True
    return False


def _group(text: str | None) -> str:
    return next((group for group, texts in GROUPS.items() if text in texts), "unknown")
