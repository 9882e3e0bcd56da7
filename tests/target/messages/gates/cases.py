"""What the tests of the gates share: a time, rows, messages."""

from __future__ import annotations

from datetime import UTC, datetime

from target_clicksend.messages.message import Message
from target_clicksend.row import Row

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
NUMBER = "+61411111111"


def row(**values):
    return Row(7, "texts", "key", '{"id": 1}', values)


def message(**about):
    about = {"row": row(), "channel": "sms", "to": NUMBER, "body": "Hello"} | about
    return Message(**about)
