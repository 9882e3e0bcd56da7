"""The running stand-in: a world, its clock, the switches, and the order in which things happen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter
from types import ModuleType
from typing import Any, Literal, TypeVar

from clicksend.sandbox.formats import legacy, live, live_account, live_sent
from clicksend.sandbox.switches import DIALECTS, Switches
from clicksend.sandbox.world.countries import countries
from clicksend.sandbox.world.events import Event
from clicksend.sandbox.world.links import link_of
from clicksend.sandbox.world.rows import Inbound, Message, Receipt
from clicksend.sandbox.world.rules import polled
from clicksend.sandbox.world.store import Inbox, Store
from clicksend.sandbox.world.stream import Plan, events
from clicksend.sandbox.world.texts import VOICE_LANGUAGES
from clicksend.sandbox.world.usage import STATISTICS_DAYS, usage_rows

T = TypeVar("T")
Item = TypeVar("Item", Receipt, Inbound)
Types = Literal["live", "legacy"]
_DATE, _TIMESTAMP = attrgetter("date"), attrgetter("timestamp")
RETENTION = 122 * 86_400
"""Four months in seconds: ClickSend archives older messages, and its API no longer shows them."""
OPENING_CREDIT = 99_999_856_980
"""What the account has at the epoch, in millionths of a dollar, whatever the world has cost before."""


class Simulation:
    """A world under a clock that stands still until it is turned: by order, or by the wall clock.

    Attributes:
        plan: What the world is made from.
        types: How rows are spelled, ``live`` or ``legacy``.
        now: The clock, Unix seconds.
        store: All rows as of now.
        dialect: The switches at the epoch.
        switches: Behaviour at unconfirmed points.
        happened: How much has happened since the start, resets included; a number that only grows.
    """

    def __init__(self, plan: Plan, types: Types = "live", dialect: Switches = DIALECTS["official"]) -> None:
        self.plan, self.types, self.dialect = plan, types, dialect
        self._untouched: Store | None = None
        self.happened = 0
        self._build()

    def reset(self) -> None:
        """Go back to the epoch, with all switches as the dialect has them.

        The first reset builds the world anew and keeps it; later ones copy its rows, which is much faster.
        """
        if self._untouched is None:
            self._build()
            self._untouched = self.store
        store = self._untouched.copy()
        self._begin(store, _later_events(self.plan, store))

    def _build(self) -> None:
        self._begin(Store(), events(self.plan))
        self.turn(self.now)
        self.store.credit = OPENING_CREDIT

    def _begin(self, store: Store, happenings: Iterator[Event]) -> None:
        self.now, self.switches, self.store = self.plan.epoch, self.dialect, store
        self._events = happenings
        self._next: Event | None = None  # drawn when the clock is turned: until then the future costs nothing
        self._expected: list[tuple[int, int, Event]] = []
        self._serial = count()

    def turn(self, now: int) -> None:
        """Turn the clock forward; everything that happens until then happens."""
        if now < self.now:
            raise ValueError("the clock cannot be turned back; reset the world instead")
        self.now = now
        if self._next is None:
            self._next = next(self._events)
        while True:
            expected = bool(self._expected) and self._expected[0][0] < self._next.at
            event = self._expected[0][2] if expected else self._next
            if event.at > now:
                return
            if expected:
                heappop(self._expected)
            event.apply(self.store)
            self.happened += 1
            if not expected:
                self._next = next(self._events)

    def expect(self, happenings: Iterable[Event]) -> None:
        """Let things happen when the clock gets there: what follows from a write."""
        for event in happenings:
            heappush(self._expected, (event.at, next(self._serial), event))

    @property
    def shapes(self) -> ModuleType:
        """The module that spells rows: ``live`` or ``legacy``, which have the same functions."""
        return live if self.types == "live" else legacy

    @property
    def account_shapes(self) -> ModuleType:
        """The module that spells what belongs to the account itself, in the same two ways."""
        return live_account if self.types == "live" else legacy

    @property
    def sent_shapes(self) -> ModuleType:
        """The module that spells the answers to calls that send, in the same two ways."""
        return live_sent if self.types == "live" else legacy

    def kept(self, rows: list[T], time: Callable[[T], int], lag: int = 0) -> tuple[int, int]:
        """Return which range of ``rows``, sorted by ``time``, the API still and already shows."""
        first = bisect_left(rows, self.now - RETENTION, key=time) if self.switches.retention else 0
        return first, max(first, bisect_right(rows, self.now - lag, key=time))

    def receipts(self, channel: str) -> list[Receipt]:
        """Return the unread receipts of a channel (sms, mms, voice), each once."""
        inbox: Inbox[Receipt] = getattr(self.store, f"{channel}_receipts")
        return self._recent(inbox)

    def inbound(self) -> list[Inbound]:
        """Return the unread inbound messages, each once."""
        return self._recent(self.store.inbound)

    def rows(self) -> dict[str, int]:
        """Count, for each stream, the distinct rows that a complete extraction ends up with."""
        store, switches = self.store, self.switches
        receipts = switches.poll_rules > 0
        return {
            "account": 1,
            "sms_history": self._history_size(store.sms),
            "sms_inbound": len({id(row) for row in self._polled_inbound()}),
            "sms_receipts": self._distinct_receipts("sms") * receipts,
            "sms_templates": len(store.templates),
            "mms_history": self._history_size(store.mms),
            "mms_receipts": self._distinct_receipts("mms") * (receipts and switches.legacy_paths == "served"),
            "voice_history": self._history_size(store.voice) * switches.voice_access,
            "voice_receipts": self._distinct_receipts("voice") * (receipts and switches.voice_access),
            "voice_languages": len(VOICE_LANGUAGES),
            "lists": len(store.lists),
            "contacts": sum(map(len, store.contacts.values())),
            "email_addresses": len(store.email_addresses),
            "countries": len(countries()),
            "sms_campaigns": len(store.campaigns),
            "mms_campaigns": len(store.mms_campaigns),
            "link_clicks": self._short_links(),
            "subaccounts": len(store.subaccounts) * switches.subaccount_access,
            "account_usage": usage_rows(store, self.now - RETENTION, self.now),
            "numbers": len(store.numbers) * switches.dedicated_numbers,
            "transactions": len(store.transactions),
            "delivery_issues": len(store.issues),
            "statistics_sms": STATISTICS_DAYS,
            "statistics_voice": STATISTICS_DAYS,
        }

    def _polled_inbound(self) -> list[Inbound]:
        return polled(self.store, self.switches.poll_rules, self.inbound())

    def _recent(self, inbox: Inbox[Item]) -> list[Item]:
        first, end = self.kept(inbox.unread, _TIMESTAMP)
        return inbox.unread[first:end]

    def _history_size(self, rows: list[Any]) -> int:
        first, end = self.kept(rows, _DATE, self.switches.history_lag)
        return end - first

    def _short_links(self) -> int:
        """Count the links of messages that were not refused or taken back: each has one recipient."""
        first, end = self.kept(self.store.sms, _DATE, self.switches.history_lag)
        gone = {"Failed", "Cancelled", "CancelledAfterReview"}
        return sum(
            link_of(row) is not None and row.delivery.status not in gone for row in self.store.sms[first:end]
        )

    def _distinct_receipts(self, channel: str) -> int:
        seen = (
            (row.message_id, row.delivery.code, row.timestamp, row.digits) for row in self.receipts(channel)
        )
        return len(set(seen))


def _later_events(plan: Plan, store: Store) -> Iterator[Event]:
    """Yield what happens after the epoch, to the messages of this store instead of those that were drawn."""
    messages: dict[str, Message] = {row.message_id: row for row in (*store.sms, *store.mms, *store.voice)}
    for event in events(plan):
        if event.at <= plan.epoch:
            continue
        for field in ("message", "original"):
            drawn = getattr(event, field, None)
            if drawn is not None and drawn.message_id in messages:
                setattr(event, field, messages[drawn.message_id])
        yield event
