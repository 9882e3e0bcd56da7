"""What messages would cost, as ClickSend says: asking sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clicksend.client import Client
from target_clicksend.gates.message import Message
from target_clicksend.messages.channels import Endpoints
from target_clicksend.messages.judging import Outgoing, Verdict, judge


def quotes(
    client: Client, endpoints: Endpoints, messages: Sequence[Message], config: Mapping[str, Any]
) -> list[Verdict]:
    """Return what would come of each message, and its price in the account's currency.

    Args:
        client: The connection.
        endpoints: The channel.
        messages: At most 1000; of MMS all with one media_file.
        config: The settings.

    Raises:
        ClickSendError: ClickSend does not say.
    """
    # Numbered, so that no two share a custom_string and each finds its own row in the answer.
    asked = [Outgoing(message, f"price-{number}") for number, message in enumerate(messages)]
    answer = client.post(endpoints.price, endpoints.spell(asked, config), repeat="always").data
    rows = answer.get("messages") if isinstance(answer, dict) else None
    return judge(asked, rows if isinstance(rows, list) else [])
