"""The gate for caps: how many messages a run may send, and for how much."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


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


@dataclass(frozen=True)
class Caps:
    """The settings ``max_messages_per_run`` and ``max_spend_per_run``; None: no such cap."""

    messages: int | None = None
    spend: Decimal | None = None

    def exceeded(self, tally: Tally) -> str | None:
        """Return why nothing may be sent, None when all may; what is exactly at a cap may."""
        if self.messages is not None and tally.messages > self.messages:
            return f"{tally.messages:,} messages are more than max_messages_per_run ({self.messages:,})"
        if self.spend is None:
            return None
        if tally.spend > self.spend:
            return f"the price of all messages, {tally.spend}, is more than max_spend_per_run ({self.spend})"
        if tally.unpriced:
            return f"{tally.unpriced:,} messages have no price, and max_spend_per_run is set"
        return None
