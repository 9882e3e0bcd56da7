"""The SkillBoss hub's own calls (``POST /v1/run``), which reach Prelude, not ClickSend.

Inputs follow Prelude's v2 documentation; that the hub passes them on unchanged is unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clicksend.client import Client
from clicksend.errors import SettingsError
from clicksend.text import is_blank

NO_ID = "the hub's answer has no message id"
NOT_GOOD = "the hub's answer has a message id, but does not say that the message was accepted"
TAKEN = ("success",)
"""The hub's word for what went well. Prelude documents no status of a notification."""


class Hub:
    """Calls of one hub account. All raise ``ClickSendError``; none but ``discover`` is ever repeated."""

    def __init__(self, client: Client) -> None:
        if not client.settings.hub_key:
            raise SettingsError("The hub's calls need a hub key: set SKILLBOSS_API_KEY.")
        self._client = client

    def discover(self) -> Any:
        """Return what the hub offers; the shape is the hub's own (unconfirmed)."""
        return self._client.run({"discover": True}, repeat="always").data

    def notify_send(
        self,
        to: str,
        template_id: str,
        variables: dict[str, str] | None = None,
        *,
        may_start: Callable[[], bool] | None = None,
        **options: Any,
    ) -> Any:
        """Send a message made from a template of the Prelude dashboard.

        Args:
            to: E.164 number.
            template_id: The template.
            variables: Exactly the template's variables; one too many or too few is refused.
            may_start: Whether it may still be sent; asked after all waits.
            options: ``locale``, ``schedule_at`` (RFC 3339), ``correlation_id`` and others of Prelude.

        Returns:
            Prelude's message: ``id``, ``to``, ``template_id``, ``created_at`` and more.
        """
        inputs = {"template_id": template_id, "to": to, "variables": variables or {}, **options}
        return self._run("prelude/notify-send", inputs, may_start)

    def verify_send(self, to: str, **options: Any) -> Any:
        """Send a one-time code to an E.164 number; the result's ``status`` says whether it went out."""
        return self._run("prelude/verify-send", {"target": _phone(to), **options})

    def verify_check(self, to: str, code: str) -> Any:
        """Check a one-time code; a wrong one is a result too: ``status`` is then not ``success``."""
        return self._run("prelude/verify-check", {"target": _phone(to), "code": code})

    def _run(self, model: str, inputs: dict[str, Any], may_start: Callable[[], bool] | None = None) -> Any:
        return self._client.run({"model": model, "inputs": inputs}, may_start=may_start).data


def doubt(answer: Any) -> str | None:
    """Return why an answer to ``notify_send`` does not prove that it was taken, None when it does."""
    message_id = answer.get("id") if isinstance(answer, Mapping) else None
    if not isinstance(message_id, str) or is_blank(message_id):
        return NO_ID
    is_good = answer.get("status") in (None, *TAKEN) and answer.get("success") in (None, True)
    return None if is_good and not answer.get("errors") else NOT_GOOD


def _phone(number: str) -> dict[str, str]:
    return {"type": "phone_number", "value": number}
