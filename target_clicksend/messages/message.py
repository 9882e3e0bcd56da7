"""A message, read from a row; what it needs to wait on disk is all in it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Literal

import msgspec

from target_clicksend.row import Row

Channel = Literal["sms", "mms", "voice", "notification"]


class Template(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A template of the hub and what fills it.

    Attributes:
        template_id: The hub's.
        variables: Text by the name of its variable.
        locale: Which of its languages; "": the hub chooses.
    """

    template_id: str
    variables: dict[str, str]
    locale: str = ""

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs of the hub's call."""
        inputs: dict[str, Any] = {"template_id": self.template_id, "variables": self.variables}
        return inputs | ({"locale": self.locale} if self.locale else {})


class Message(msgspec.Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """One message to one recipient.

    Attributes:
        row: The row, without its values.
        to: E.164.
        body: What is sent, with the placeholders of its template filled.
        sender: E.164 number, short code or alpha tag; None: ClickSend chooses one.
        schedule: Unix seconds; None: now.
        country: ISO 3166 code of the recipient's number, where the row names one.
        custom_string: The row's own, exactly as it is there.
        from_email: Where replies are mailed.
        source: What ClickSend's history shows as the sending system.
        purpose: ``transactional``, or something else.
        opted_out: What the row says; None: nothing.
        time_zone: The recipient's, as the row has it.
        send_before: Unix seconds.
        stale_at: Unix seconds from which on the row is too old, by ``max_row_age_hours``.
        media_file: URL.
        voice: ``female`` or ``male``.
        lang: Code of a voice language.
        require_input: 0 or 1.
        machine_detection: 0 or 1.
        template: Of a notification, which has no text of its own.
        price: What ClickSend asks for it, in the account's currency; None where that was not asked.
    """

    row: Row
    channel: Channel
    to: str
    body: str = ""
    sender: str | None = None
    schedule: int | None = None
    country: str | None = None
    custom_string: str | None = None
    from_email: str | None = None
    source: str | None = None
    campaign: str | None = None
    purpose: str = ""
    opted_out: bool | None = None
    time_zone: str | None = None
    send_before: int | None = None
    stale_at: int | None = None
    subject: str = ""
    media_file: str = ""
    voice: str = ""
    lang: str = ""
    require_input: int = 0
    machine_detection: int = 0
    template: Template | None = None
    price: Decimal | None = None

    @property
    def content(self) -> str:
        """All that the recipient gets: two pictures under one text are two things."""
        if self.template is not None:
            return json.dumps(self.template.inputs, sort_keys=True)
        return f"{self.body}\0{self.subject}\0{self.media_file}" if self.media_file else self.body

    @property
    def is_transactional(self) -> bool:
        """Whether quiet hours do not matter; opt-outs always do."""
        return self.purpose == "transactional"
