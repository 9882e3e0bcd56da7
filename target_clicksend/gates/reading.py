"""Rows of the sinks that send, read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from target_clicksend.columns import DELETED
from target_clicksend.gates.age import read_stale_at
from target_clicksend.gates.fields import (
    read_country,
    read_custom_string,
    read_from_email,
    read_media_file,
    read_number,
    read_required,
)
from target_clicksend.gates.message import Channel, Message
from target_clicksend.gates.moments import LocalTimes, read_moment, read_zone
from target_clicksend.gates.placeholders import check_filled
from target_clicksend.gates.templates import Templates
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.values import read_flag, read_text

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


class Reader:
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

    def read(self, row: Row) -> Message:
        """Return the message that a row asks for, not judged yet.

        Raises:
            Rejected: A column is missing, or cannot be sent as it is.
        """
        values = row.values
        if read_text(values, "list_id") not in ("", "0"):
            raise Rejected("list_id is set: one row is one recipient, so give a row for each contact")
        country = read_country(values)
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
