"""The channels: where their messages are sent, priced and found, and how a request is spelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from target_clicksend.gates.message import Channel, Message
from target_clicksend.messages.judging import Outgoing

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
