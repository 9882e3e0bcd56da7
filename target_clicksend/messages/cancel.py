"""Cancelling one scheduled message at ClickSend."""

from __future__ import annotations

from clicksend.client import Client
from clicksend.errors import NotFoundError
from clicksend.paging import read_page

CANCELLABLE = ("sms", "voice")
"""Channels whose messages can be cancelled."""


def cancel(client: Client, channel: str, message_id: str) -> bool:
    """Cancel a scheduled message; return whether it is cancelled now.

    Raises:
        ClickSendError: Nobody knows.
    """
    try:
        client.put(f"/{channel}/{message_id}/cancel", repeatable=False)
    except NotFoundError:
        return _is_cancelled(client, channel, message_id)
    return True


def _is_cancelled(client: Client, channel: str, message_id: str) -> bool:
    """Return whether the history shows a message as cancelled: an answer to us may have been lost."""
    params = {"q": f"message_id:{message_id}", "limit": 100}
    rows = read_page(client, f"/{channel}/history", params).rows
    found = [row for row in rows if str(row.get("message_id")).upper() == message_id.upper()]
    return any(row.get("status") == "Cancelled" for row in found)
