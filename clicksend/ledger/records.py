"""What goes into the ledger and what comes out of it.

What there are many of is not tracked by the garbage collector (``gc=False``): it cannot be part of a cycle.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import msgspec

OUTCOMES = frozenset(
    {
        *("sent", "created", "updated", "unchanged", "deleted", "transferred", "copied", "cancelled"),
        *("duplicate", "suppressed", "rejected", "held", "failed", "unknown", "dry_run"),
    }
)
COUNTED_ONLY = frozenset({"unchanged", "duplicate"})
"""Outcomes that say nothing new about a key: they are counted, not stored."""

BASELINE = "baseline: recorded by a person as sent before us"
"""Reason of what a person has recorded as sent."""
TO_RETRY = "reopened by a person; is judged anew when upstream delivers it again"
"""Reason of what a person has reopened though it was certainly not sent."""

FINAL = ("sent", "unknown")
"""Outcomes after which a key is never sent again by itself; so is ``cancelled`` of what was claimed."""


IN_HAND = 2048
"""Rows, more than are in hand at once: gates, claim and answer all ask for the hash of the same."""


@lru_cache(IN_HAND)
def outcome_id(sink: str, key: str) -> str:
    """Return the id of a key in a sink: 128 bits of SHA-256, in hex."""
    return hashlib.sha256(f"{sink}\0{key}".encode(errors="surrogatepass")).hexdigest()[:32]


TOKEN = re.compile(r"sc-([0-9a-f]{32})(?:-([0-9a-f]{8}))?")
"""What ``token`` makes; versions 1 to 3 of the ledger made it without the second part."""


def token(outcome_id: str, key_id: str) -> str:
    """Return the custom_string of a message whose row brings no other: 44 characters, for one key only.

    Args:
        outcome_id: Of its key.
        key_id: ``Privacy.key_id``: without the key of its hashes, a ledger that is made anew knows no row.
    """
    return f"sc-{outcome_id}-{key_id}"


def outcome_id_of(custom_string: str) -> str | None:
    """Return the outcome id in our token, None where a custom_string is not our token."""
    found = TOKEN.fullmatch(custom_string)
    return found and found[1]


def key_id_of(custom_string: str) -> str | None:
    """Return the key id in our token, None in older tokens and where a custom_string is not our token."""
    found = TOKEN.fullmatch(custom_string)
    return found and found[2]


class Outcome(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What came of a row.

    Attributes:
        key: The row's idempotency_key, hashed unless it says nothing about a person, or a hash of what
            identifies the row.
        source_key: The row's key properties, a JSON object, values hashed likewise.
        outcome: One of ``OUTCOMES``.
        reason: Why, for a person; never with a value of the row.
        object_id: Id of a list, a template or an address.
        custom_string: What ClickSend hands back with the message; one that is not our token is stored as
            a hash, unless it is declared clear.
        campaign: The row's; stored as a hash, unless it is declared clear.
    """

    sink: str
    key: str
    stream: str
    outcome: str
    source_key: str | None = None
    reason: str = ""
    message_id: str | None = None
    contact_id: int | None = None
    object_id: str | None = None
    parts: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    custom_string: str | None = None
    campaign: str | None = None


class Claim(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A row that is about to be sent.

    Attributes:
        key: As an outcome's.
        custom_string: What the message will be found by in the history: our token, or the row's own.
        recipient_hash: ``Privacy.hash`` of the recipient in E.164.
        body_hash: ``Privacy.fingerprint`` of all that the recipient will read.
        scheduled_for: When ClickSend is asked to send it, None for at once.
    """

    key: str
    stream: str
    custom_string: str
    recipient_hash: str
    body_hash: str
    source_key: str | None = None
    campaign: str | None = None
    scheduled_for: datetime | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of a group may spend together.

    Attributes:
        run_group: Its name.
        messages: How many messages; None: any number.
        spend: For how much, in the account's currency; None: any amount.
    """

    run_group: str
    messages: int | None = None
    spend: Decimal | None = None


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of a group have spent.

    Attributes:
        messages: Those that were sent, or may have been.
        spend: What they cost, in the account's currency, as far as that is known.
    """

    messages: int = 0
    spend: Decimal = Decimal(0)


class Known(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the ledger has of a key that must not be sent again.

    Attributes:
        outcome: ``sent``, ``unknown``, or ``cancelled`` after it was sent with a schedule.
        recipient_hash: As its claim's; None for a baseline, and when the number was forgotten.
        body_hash: As its claim's.
        lease_until: Until then the run that has claimed it may be sending it.
    """

    outcome_id: str
    outcome: str
    recipient_hash: str | None
    body_hash: str | None
    lease_until: datetime | None = None

    def is_under_way(self, now: datetime) -> bool:
        """Return whether a run may be sending it just now, so that what comes of it is still open."""
        return self.outcome == "unknown" and self.lease_until is not None and self.lease_until > now


class ScheduledMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that ClickSend will send later, or has just sent."""

    outcome_id: str
    sink: str
    key: str
    stream: str
    message_id: str
    scheduled_for: datetime


class OpenClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A message of which nobody knows whether it was sent, and which nobody is sending now.

    Attributes:
        custom_string: As it is stored.
        recipient_hash: None when the number was forgotten.
        body_hash: As its claim's.
        claimed_at: UTC; the message was sent later, if it was.
    """

    outcome_id: str
    key: str
    run_id: str
    stream: str
    custom_string: str | None
    recipient_hash: str | None
    body_hash: str | None
    claimed_at: datetime


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """What is unknown of a sink.

    Attributes:
        count: Messages that nobody is sending now: their answer was lost, or their lease has expired.
        since: When the oldest of them was claimed (UTC), None where there are none.
        run_ids: The runs that claimed them, the oldest first.
        leased: Messages that a run may be sending just now.
        leased_until: When the last of these leases ends (UTC), None where there are none.
    """

    count: int
    since: datetime | None
    run_ids: tuple[str, ...]
    leased: int
    leased_until: datetime | None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was found in the history."""

    outcome_id: str
    message_id: str
    parts: int | None = None
    price: Decimal | None = None
    currency: str | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message that went out, of which the ledger may know nothing.

    Attributes:
        outcome_id: What its key is known by.
        outcome: What is to be written of it.
        at: When it went out, None when nobody knows.
        recipient_hash: As a claim's.
        body_hash: As a claim's.
    """

    outcome_id: str
    outcome: Outcome
    at: datetime | None = None
    recipient_hash: str | None = None
    body_hash: str | None = None


class OlderKeys(msgspec.Struct, frozen=True, kw_only=True):
    """How earlier versions have made keys that a ledger knows.

    Attributes:
        hashes: With what they hashed, the likelier first.
        are_spelled_otherwise: Whether versions 1 and 2, which made keys otherwise, are among them.
    """

    hashes: tuple[Callable[[str], str], ...]
    are_spelled_otherwise: bool


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed of a phone number, and what stays.

    Attributes:
        messages: Messages to the number that no longer show it.
        rows: Rows whose key, custom_string or campaign was the number.
        opted_out_by: Where it is still recorded that the number opted out: ``list``, ``reply``.
        is_opted_in: Whether it is still recorded, with a reason, that a person opted it in again.
    """

    messages: int
    rows: int
    opted_out_by: tuple[str, ...]
    is_opted_in: bool
