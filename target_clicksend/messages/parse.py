"""Rows of the sinks that send, parsed into messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from target_clicksend.columns import DELETED
from target_clicksend.messages.gates.expiry import read_stale_at
from target_clicksend.messages.message import Channel, Message
from target_clicksend.messages.moments import LocalTimes, read_moment, read_zone
from target_clicksend.messages.public_urls import wrong_url
from target_clicksend.messages.templates import Templates, check_filled
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.values import LONGEST, read_country, read_flag, read_phone, read_text

LONGEST_CUSTOM_STRING = 50
"""Characters; ClickSend documents no limit, its own n8n node says 50. Were a longer one cut, its message
could not be told from others in the answer or the history."""
LONGEST_URL = 4000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def read_required(values: Values, name: str, longest: int = LONGEST) -> str:
    """Return a column that must not be empty.

    Raises:
        Rejected: It is.
    """
    if not (text := read_text(values, name, longest)):
        raise Rejected(f"{name} is missing")
    return text


def read_number(values: Values, name: str, country: str | None) -> str:
    """Return a phone number in E.164.

    Args:
        values: The row.
        name: The column.
        country: ISO 3166 code for a number without a country code, None for no such numbers.

    Raises:
        Rejected: It is not a phone number, or missing.
    """
    return read_phone(name, read_required(values, name), country).number


def read_custom_string(values: Values) -> str | None:
    """Return the column ``custom_string`` exactly as it is, None for a blank one.

    Raises:
        Rejected: It is too long.
    """
    if not (text := read_text(values, "custom_string")):
        return None
    given = values["custom_string"]
    text = given if isinstance(given, str) else text
    if len(text) > LONGEST_CUSTOM_STRING:
        raise Rejected(f"custom_string has {len(text)} characters; {LONGEST_CUSTOM_STRING} are the most")
    return text


def read_from_email(values: Values) -> str | None:
    """Return the column ``from_email``.

    Raises:
        Rejected: It is not a valid e-mail address.
    """
    text = read_text(values, "from_email")
    if text and not EMAIL.fullmatch(text):
        raise Rejected("from_email is not a valid e-mail address")
    return text or None


def read_media_file(values: Values) -> str:
    """Return the column ``media_file``; whether it is a picture that can be sent, ClickSend says itself.

    Raises:
        Rejected: Not everybody can fetch it.
    """
    url = read_required(values, "media_file", LONGEST_URL)
    if wrong := wrong_url(url):
        raise Rejected(f"media_file {wrong}")
    return url


_COMMON = frozenset(
    {
        *("to", "body", "from", "schedule", "source", "country", "custom_string", "idempotency_key"),
        *("opted_out", "time_zone", "send_before", "purpose", "campaign", "list_id", DELETED),
    }
)
_WRITTEN = frozenset({"template_id", "template_name", "from_email"})
COLUMNS: dict[Channel, frozenset[str]] = {
    "sms": _COMMON | _WRITTEN,
    "mms": _COMMON | _WRITTEN | {"subject", "media_file"},
    "voice": _COMMON | {"voice", "lang", "require_input", "machine_detection"},
}
"""The columns that each sink knows."""

LONGEST_BODY = 5000
"""Characters that are read; what is too long to send, the gate for parts says better."""
ALPHA_TAG = re.compile(r"[A-Za-z0-9+]{3,11}")
"""As ClickSend registers them (documented)."""
SHORT_CODE = re.compile(r"[0-9]{3,8}")
"""Senders of 3 to 8 digits (ClickSend's help on sender ids)."""
SHORTEST_NUMBER = 7
"""Digits from which on a short code may be a number without its country code."""
NUMBER_LIKE = re.compile(r"[0-9 ().+-]+")
VOICES = ("female", "male")


def judged_by(values: Values, config: Mapping[str, Any], local_times: LocalTimes) -> dict[str, Any]:
    """Return the fields of a message that only the gates look at, and its schedule.

    Raises:
        Rejected: A column cannot be read.
    """
    return {
        "schedule": read_moment(values, "schedule", local_times),
        "campaign": read_text(values, "campaign") or None,
        "purpose": read_text(values, "purpose").lower(),
        "opted_out": read_flag(values, "opted_out") if read_text(values, "opted_out") else None,
        "time_zone": read_zone(values),
        "send_before": read_moment(values, "send_before", local_times),
        "stale_at": read_stale_at(values, config, local_times),
    }


class MessageParser:
    """Reads the rows of one sink as the settings say."""

    def __init__(
        self,
        channel: Channel,
        config: Mapping[str, Any],
        country: str | None,
        templates: Templates,
        local_times: LocalTimes,
    ) -> None:
        self._channel = channel
        self._config = config
        self._country = country
        self._templates = templates
        self._local_times = local_times

    def parse(self, row: Row) -> Message:
        """Return the message that a row asks for, not judged yet.

        Raises:
            Rejected: A column is missing, or cannot be sent as it is.
        """
        values = row.values
        if read_text(values, "list_id") not in ("", "0"):
            raise Rejected("list_id is set: one row is one recipient, so give a row for each contact")
        country = read_country(values, "country")
        return Message(
            row=row.without_values(),
            channel=self._channel,
            to=read_number(values, "to", country or self._country),
            body=self._body(values),
            sender=self._sender(values),
            country=country,
            custom_string=read_custom_string(values),
            from_email=read_from_email(values) if self._channel != "voice" else None,
            source=read_text(values, "source") or self._config.get("source"),
            **judged_by(values, self._config, self._local_times),
            **self._own(values),
        )

    def _body(self, values: Values) -> str:
        body = read_text(values, "body", LONGEST_BODY, keeps_digits=True)
        template_id, template_name = read_text(values, "template_id"), read_text(values, "template_name")
        named = template_id not in ("", "0") or template_name not in ("", "0")
        if body and named and self._channel != "voice":
            raise Rejected("body and a template are both given: give one of them")
        text = self._templates.text(values) if named and self._channel != "voice" else None
        if not (body or text):
            raise Rejected("body is missing" + ("" if self._channel == "voice" else ", and so is a template"))
        check_filled("body", body)
        return body or text or ""

    def _sender(self, values: Values) -> str | None:
        text = read_text(values, "from")
        if not text:
            return None
        if SHORT_CODE.fullmatch(text):
            if len(text) >= SHORTEST_NUMBER and self._is_number(values):
                raise Rejected(
                    "from may be a short code or a phone number without its country code: write a number with"
                    " + and its country code; for a short code of this length unset default_country"
                )
            return text
        if NUMBER_LIKE.fullmatch(text):
            return read_number(values, "from", self._country)
        if self._channel != "sms":
            raise Rejected("from is not a valid phone number: names are for SMS only")
        if not ALPHA_TAG.fullmatch(text):
            raise Rejected("from is neither a phone number nor 3 to 11 letters and digits without blanks")
        return text

    def _is_number(self, values: Values) -> bool:
        try:
            read_number(values, "from", self._country)
        except Rejected:
            return False
        return True

    def _own(self, values: Values) -> dict[str, Any]:
        """Return the fields that only this channel has."""
        if self._channel == "mms":
            subject = read_required(values, "subject")
            check_filled("subject", subject)
            return {"subject": subject, "media_file": read_media_file(values)}
        if self._channel == "voice":
            voice = read_required(values, "voice").lower()
            if voice not in VOICES:
                raise Rejected(f"voice is not {' or '.join(VOICES)}")
            flags = {name: int(read_flag(values, name)) for name in ("require_input", "machine_detection")}
            return {"voice": voice, "lang": read_required(values, "lang").lower(), **flags}
        return {}
