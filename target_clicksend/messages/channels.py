"""The channels of ClickSend's API: where messages are sent, priced and found, and the bodies of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from target_clicksend.messages.message import Channel, Message

Payload = dict[str, Any]


@dataclass(frozen=True)
class Endpoints:
    """One channel of the API.

    Attributes:
        history_date: The history's column for the time.
        shows_text: Whether the history shows all that the recipient got; of media it has links of its own.
        body: Returns the request's body for some messages; of MMS all with one media_file.
    """

    send: str
    price: str
    history: str
    history_date: str
    shows_text: bool
    body: Callable[[Sequence[Message], Mapping[str, Any]], Payload]


def _sms(messages: Sequence[Message], config: Mapping[str, Any]) -> Payload:
    return {"shorten_urls": bool(config.get("shorten_urls")), "messages": [_common(one) for one in messages]}


def _mms(messages: Sequence[Message], config: Mapping[str, Any]) -> Payload:  # noqa: ARG001
    # The official specification has "from" among what is required, and others send it empty.
    rows = [{"from": "", **_common(one), "subject": one.subject} for one in messages]
    return {"media_file": messages[0].media_file, "messages": rows}


def _voice(messages: Sequence[Message], config: Mapping[str, Any]) -> Payload:  # noqa: ARG001
    return {"messages": [_common(one) | _spoken(one) for one in messages]}


def _spoken(message: Message) -> Payload:
    return {
        "voice": message.voice,
        "lang": message.lang,
        "require_input": message.require_input,
        "machine_detection": message.machine_detection,
    }


def _common(message: Message) -> Payload:
    fields = {
        "to": message.to,
        "body": message.body,
        "custom_string": message.custom_string,
        "from": message.sender,
        "schedule": message.schedule,
        "source": message.source,
        "country": message.country,
        "from_email": message.from_email,
    }
    return {name: value for name, value in fields.items() if value is not None}


ENDPOINTS: dict[Channel, Endpoints] = {
    "sms": Endpoints("/sms/send", "/sms/price", "/sms/history", "date", shows_text=True, body=_sms),
    "mms": Endpoints("/mms/send", "/mms/price", "/mms/history", "date_added", shows_text=False, body=_mms),
    "voice": Endpoints(
        "/voice/send", "/voice/price", "/voice/history", "date_added", shows_text=True, body=_voice
    ),
}
