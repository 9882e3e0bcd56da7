"""The gate for caps: how many messages a run may send, and for how much."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from target_clicksend.report import Tally


@dataclass(frozen=True)
class Caps:
    """The settings ``max_messages_per_run`` and ``max_spend_per_run``; None: no such cap."""

    messages: int | None = None
    spend: Decimal | None = None

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return self != Caps()

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
