"""The gate for caps: how many messages a run, or a group of runs, may send, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from clicksend.ledger.records import Budget, Spent
from target_clicksend.report import Tally

NOTHING = Spent()


@dataclass(frozen=True)
class Caps:
    """The settings ``max_messages_per_run`` and ``max_spend_per_run``; None: no such cap.

    Attributes:
        messages: How many messages.
        spend: For how much, in the account's currency.
        run_group: The group whose runs have them together; None: each run has its own.
    """

    messages: int | None = None
    spend: Decimal | None = None
    run_group: str | None = None

    @classmethod
    def from_settings(cls, config: Mapping[str, Any]) -> Self:
        """Return those of a config."""
        spend = config.get("max_spend_per_run")
        most = None if spend is None else Decimal(str(spend))
        return cls(config.get("max_messages_per_run"), most, config.get("run_group"))

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return self.messages is not None or self.spend is not None

    @property
    def budget(self) -> Budget | None:
        """The group's budget in the ledger, None without a group; it counts without caps, too."""
        if self.run_group is None:
            return None
        return Budget(run_group=self.run_group, messages=self.messages, spend=self.spend)

    def exceeded(self, tally: Tally, before: Spent = NOTHING) -> str | None:
        """Return why nothing may be sent, None when all may; what is exactly at a cap may.

        Args:
            tally: What the run would send.
            before: What its group has spent.
        """
        if self.messages is not None and tally.messages + before.messages > self.messages:
            return (
                f"{tally.messages:,} messages{self._after(f'{before.messages:,}')} are more than"
                f" max_messages_per_run ({self.messages:,})"
            )
        if self.spend is None:
            return None
        if tally.spend + before.spend > self.spend:
            return (
                f"the price of all messages, {tally.spend}{self._after(before.spend) or ','} is more than"
                f" max_spend_per_run ({self.spend})"
            )
        if tally.unpriced:
            return f"{tally.unpriced:,} messages have no price, and max_spend_per_run is set"
        return None

    def _after(self, spent: object) -> str:
        return "" if self.run_group is None else f", after {spent} of run_group {self.run_group},"

    @property
    def no_room(self) -> str:
        """Why a message was not sent though it was counted: other runs of the group were faster."""
        caps = {"max_messages_per_run": self.messages, "max_spend_per_run": self.spend}
        named = " and ".join(f"{name} ({most:,})" for name, most in caps.items() if most is not None)
        return f"the runs of run_group {self.run_group} leave no room for it under {named}"
