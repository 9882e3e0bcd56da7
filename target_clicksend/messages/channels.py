"""The channels: where their messages are sent, priced and found, and the bodies of their requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clicksend.client import Client
from target_clicksend.messages.judging import Outgoing, Verdict, judge
from target_clicksend.messages.message import Channel, Message

Payload = dict[str, Any]


@dataclass(frozen=True)
class Endpoints:
    """One channel of the API.

    Attributes:
        history_date: The history's column for the time.
        shows_text: Whether the history shows all that the recipient got; of media it has links of its own.
        spell: Returns the request's body for some messages; of MMS all with one media_file.
    """

    send: str
    price: str
    history: str
    history_date: str
    shows_text: bool
    spell: Callable[[Sequence[Outgoing], Mapping[str, Any]], Payload]


def _sms(outgoing: Sequence[Outgoing], config: Mapping[str, Any]) -> Payload:
    messages = [_common(one) for one in outgoing]
    return {"shorten_urls": bool(config.get("shorten_urls")), "messages": messages}


def _mms(outgoing: Sequence[Outgoing], config: Mapping[str, Any]) -> Payload:  # noqa: ARG001
    # The official specification has "from" among what is required, and others send it empty.
    messages = [{"from": "", **_common(one), "subject": one.message.subject} for one in outgoing]
    return {"media_file": outgoing[0].message.media_file, "messages": messages}


def _voice(outgoing: Sequence[Outgoing], config: Mapping[str, Any]) -> Payload:  # noqa: ARG001
    return {"messages": [_common(one) | _spoken(one.message) for one in outgoing]}


def _spoken(message: Message) -> Payload:
    return {
        "voice": message.voice,
        "lang": message.lang,
        "require_input": message.require_input,
        "machine_detection": message.machine_detection,
    }


def _common(outgoing: Outgoing) -> Payload:
    message = outgoing.message
    fields = {
        "to": message.to,
        "body": message.body,
        "custom_string": outgoing.custom_string,
        "from": message.sender,
        "schedule": message.schedule,
        "source": message.source,
        "country": message.country,
        "from_email": message.from_email,
    }
    return {name: value for name, value in fields.items() if value is not None}


ENDPOINTS: dict[Channel, Endpoints] = {
    "sms": Endpoints("/sms/send", "/sms/price", "/sms/history", "date", shows_text=True, spell=_sms),
    "mms": Endpoints("/mms/send", "/mms/price", "/mms/history", "date_added", shows_text=False, spell=_mms),
    "voice": Endpoints(
        "/voice/send", "/voice/price", "/voice/history", "date_added", shows_text=True, spell=_voice
    ),
}


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
