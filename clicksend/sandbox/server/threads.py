"""Conversations: everything from and to one number, as the page at the root shows it.

What is new in the world is added when somebody looks, so that sending pays nothing for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct, field

from clicksend.sandbox.prelude import Prelude
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.rows import Message, Mms, Outgoing, Receipt, Voice
from clicksend.sandbox.world.store import OPT_OUT_LIST_ID
from clicksend.sandbox.world.usage import CHANNELS

LONGEST_PREVIEW, LONGEST_TEXT = 120, 5000
"""Characters of a text in the list of conversations, and in one of them."""
MOST_MESSAGES = 200
"""How many messages of a conversation are shown, the newest."""
_SHORTEST_NUMBER = 3


class Thread(Struct):
    """Everything from and to one number, oldest first.

    Attributes:
        number: E.164, or what was sent where that is not a number.
        rows: Messages; those that a call asked for in vain are ``Outgoing``, notifications are as answered.
        own: Somebody has written to it or from it here; it is not only part of the made-up world.
    """

    number: str
    rows: list[Message | Outgoing | dict[str, Any]] = field(default_factory=list)
    own: bool = False


class Threads:
    """The conversations of a world and its hub; the one that moved last is the last."""

    def __init__(self, sim: Simulation, prelude: Prelude) -> None:
        self._sim, self._prelude = sim, prelude
        self._threads: OrderedDict[str, Thread] = OrderedDict()
        self._taken: dict[str, int] = {}
        self._receipts: dict[str, list[Receipt]] = {}

    def page(self, search: str, limit: int, *, made_up: bool) -> dict[str, Any]:
        """List the newest conversations in which the search is found, and count all of them.

        Args:
            search: Part of a number or of a text, never minding case; "" finds all.
            limit: How many are listed.
            made_up: Those of the made-up world too.
        """
        self._catch_up()
        found = [
            thread
            for thread in reversed(self._threads.values())
            if (made_up or thread.own) and (not search or _holds(thread, search))
        ]
        opted_out = self._opted_out()
        listed = [_preview(thread) | {"opted_out": thread.number in opted_out} for thread in found[:limit]]
        return {"total": len(found), "threads": listed}

    def thread(self, number: str) -> dict[str, Any]:
        """Return the newest messages of a conversation, oldest first, each with its receipts."""
        self._catch_up()
        self._catch_up_receipts()
        rows = self._threads[number].rows if number in self._threads else []
        return {
            "number": number,
            "opted_out": number in self._opted_out(),
            "earlier": max(0, len(rows) - MOST_MESSAGES),
            "messages": [self._shown(row) for row in rows[-MOST_MESSAGES:]],
        }

    def _catch_up(self) -> None:
        store = self._sim.store
        new: list[Any] = [row for channel in CHANNELS for row in self._new(channel, getattr(store, channel))]
        new += self._new("refused", store.refused)
        new += self._new("notifications", self._prelude.notifications)
        new.sort(key=_time)
        for row in new:
            number = _number(row)
            thread = self._threads.get(number)
            if thread is None:
                thread = self._threads[number] = Thread(number)
            thread.rows.append(row)
            thread.own = thread.own or not isinstance(row, Message)
            self._threads.move_to_end(number)
        for row in self._new("arrived", store.arrived):
            self._threads[row.to].own = True
        for row in self._new("replies", store.replies):
            self._threads[row.sender].own = True

    def _catch_up_receipts(self) -> None:
        for channel in CHANNELS:
            name = f"{channel}_receipts"
            for row in self._new(name, getattr(self._sim.store, name).items):
                self._receipts.setdefault(row.message_id, []).append(row)

    def _new(self, name: str, rows: list[Any]) -> Iterable[Any]:
        """Return what a list holds since the last time; lists grow at their end only."""
        before, self._taken[name] = self._taken.get(name, 0), len(rows)
        return islice(rows, before, None)

    def _opted_out(self) -> set[str]:
        members = self._sim.store.contacts.get(OPT_OUT_LIST_ID, {})
        return {contact.phone_number for contact in members.values()}

    def _shown(self, row: Message | Outgoing | dict[str, Any]) -> dict[str, Any]:
        shape = _spelled(row)
        shape["body"], shape["cut"] = _cut(shape["body"], LONGEST_TEXT)
        receipts = self._receipts.get(shape["message_id"], [])
        shape["receipts"] = [
            {
                "at": one.timestamp,
                "code": one.delivery.code,
                "text": one.delivery.text,
                "error_code": one.delivery.error_code,
                "digits": one.digits,
            }
            for one in receipts
        ]
        return shape


def _time(row: Any) -> int:
    if isinstance(row, dict):
        return int(datetime.fromisoformat(row["created_at"]).timestamp())
    return _message(row).date


def _message(row: Message | Outgoing) -> Message:
    return row.message if isinstance(row, Outgoing) else row


def _number(row: Any) -> str:
    """Return whom a row is to or from."""
    if isinstance(row, dict):
        return str(row["to"])
    message = _message(row)
    return message.sender if message.direction == "in" else message.to


def _text(row: Any) -> str:
    return " ".join(row["variables"].values()) if isinstance(row, dict) else _message(row).body


def _holds(thread: Thread, search: str) -> bool:
    """Tell whether a search is found in a conversation."""
    digits = "".join(filter(str.isdigit, search))
    if len(digits) >= _SHORTEST_NUMBER and digits in thread.number and not any(map(str.isalpha, search)):
        return True
    wanted = search.casefold()
    return wanted in thread.number.casefold() or any(wanted in _text(row).casefold() for row in thread.rows)


def _cut(text: str, longest: int) -> tuple[str, int]:
    """Return the beginning of a text, and how many characters more it has."""
    return text[:longest], max(0, len(text) - longest)


def _preview(thread: Thread) -> dict[str, Any]:
    last = _spelled(thread.rows[-1])
    shown = {name: last[name] for name in ("direction", "channel", "at", "status", "code", "refused")}
    return {
        "number": thread.number,
        "messages": len(thread.rows),
        **shown,
        "body": _cut(last["body"], LONGEST_PREVIEW)[0],
    }


def _spelled(row: Message | Outgoing | dict[str, Any]) -> dict[str, Any]:
    """Spell a message for the page; what a kind of message has not is null."""
    if isinstance(row, dict):
        return {
            "message_id": row["id"],
            "channel": "notification",
            "direction": "out",
            "from": row.get("from", ""),
            "body": _text(row),
            "at": _time(row),
            "parts": row["estimated_segment_count"],
            "price": None,
            "status": "Accepted",
            "code": None,
            "text": f"Template {row['template_id']}",
            "refused": False,
            "schedule": None,
            "custom_string": row.get("correlation_id", ""),
            "subject": None,
            "media": None,
        }
    message, refused = _message(row), isinstance(row, Outgoing)
    waits = message.schedule is not None and message.schedule > message.date
    return {
        "message_id": message.message_id,
        "channel": type(message).__name__.lower(),
        "direction": message.direction,
        "from": message.sender,
        "body": message.body,
        "at": message.date,
        "parts": message.parts,
        "price": None if refused else message.price,
        "status": row.status if isinstance(row, Outgoing) else message.delivery.status,
        "code": None if refused else message.delivery.code,
        "text": None if refused else message.delivery.text,
        "refused": refused,
        "schedule": message.schedule if waits and not refused else None,
        "custom_string": message.custom_string,
        "subject": message.subject if isinstance(message, Mms) else None,
        "media": message.media_url if isinstance(message, Mms) else None,
        **({"digits": message.digits} if isinstance(message, Voice) else {}),
    }
