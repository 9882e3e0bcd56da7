"""The ledger: what was sent to ClickSend, and what came of every row."""

from typing import TYPE_CHECKING, Any

from clicksend.ledger.records import (
    BASELINE,
    COUNTED_ONLY,
    FINAL,
    OUTCOMES,
    Claim,
    Confirmation,
    Known,
    OlderKeys,
    OpenClaim,
    Outcome,
    ScheduledMessage,
    Sent,
    Unknown,
    key_id_of,
    outcome_id,
    outcome_id_of,
    token,
)

if TYPE_CHECKING:
    from clicksend.ledger.ledger import Ledger

__all__ = [
    "BASELINE",
    "COUNTED_ONLY",
    "FINAL",
    "OUTCOMES",
    "Claim",
    "Confirmation",
    "Known",
    "Ledger",
    "OlderKeys",
    "OpenClaim",
    "Outcome",
    "ScheduledMessage",
    "Sent",
    "Unknown",
    "key_id_of",
    "outcome_id",
    "outcome_id_of",
    "token",
]


def __getattr__(name: str) -> Any:
    """Import what needs SQLAlchemy when first asked for it: it takes as long as the rest of a start."""
    if name != "Ledger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clicksend.ledger.ledger import Ledger  # noqa: PLC0415

    return Ledger
