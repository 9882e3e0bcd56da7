"""ClickSend's REST API v3, reached directly or through the SkillBoss hub; no Singer in it.

``clicksend.read("sms_history", since="2026-10-01").to_pandas()`` gives an analyst any stream of the tap.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clicksend.reading import read

__all__ = ["read"]


def __getattr__(name: str) -> Any:
    """Import ``read`` when first asked for it: most who import this package never read."""
    if name != "read":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clicksend.reading import read  # noqa: PLC0415

    return read
