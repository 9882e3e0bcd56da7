"""The hub's own call, ``POST /v1/run``, with Prelude's models behind it.

Unconfirmed: the envelope (a switch), the answer to ``discover``, and what an unknown template answers. The
correct verification code is "000000" unless the request brought an own ``custom_code``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.segments import parts

CODE = "000000"
"""The code that ``prelude/verify-check`` accepts."""
TEMPLATES: dict[str, frozenset[str]] = {
    "your_template_id": frozenset({"message"}),
    "order_update": frozenset({"name", "order"}),
    "plain": frozenset(),
}
"""Templates the hub knows, and the variables that each wants: exactly these."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TEXTS = ("from", "locale", "callback_url", "correlation_id")
_ECHOED = ("from", "callback_url", "correlation_id", "schedule_at")
_LONGEST_EXPIRY, _LONGEST_SCHEDULE = timedelta(days=1), timedelta(days=90)
_BAD_REQUEST, _UNAUTHORIZED, _PAYMENT = 400, 401, 402


class HubRefusal(Exception):  # noqa: N818 - an answer of the hub, not a failure of ours
    """An error in the hub's envelope: ``{"error": {"message", "type", "code"}}``."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": _type(status), "code": code, **more}}


def _type(status: int) -> str:
    return "insufficient_balance" if status == _PAYMENT else "invalid_request_error"


def unauthorized(authorization: str) -> HubRefusal:
    """Make the hub's 401: no key at all, or a wrong one."""
    if not authorization:
        return HubRefusal(_UNAUTHORIZED, "missing_authorization", "No API key provided.")
    return HubRefusal(_UNAUTHORIZED, "invalid_api_key", "Invalid API key provided.")


def out_of_credits() -> HubRefusal:
    """Make the hub's 402."""
    return HubRefusal(
        _PAYMENT, "insufficient_balance", "Insufficient balance.", required_credits=1, available=0
    )


class Prelude:
    """The models behind ``/v1/run``; remembers what was sent and which numbers await their code."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._awaited: dict[str, str] = {}
        self.notifications: list[dict[str, Any]] = []

    def run(self, body: Any) -> Any:
        """Answer one call.

        Raises:
            HubRefusal: The body is not an object, the model unknown, or the inputs none that Prelude takes.
        """
        if not isinstance(body, dict):
            raise _invalid("The body must be a JSON object.")
        if body.get("discover") is True:
            return {"models": [{"id": name, "type": "sms"} for name in _MODELS]}
        model = body.get("model")
        if not isinstance(model, str) or model not in _MODELS:
            raise HubRefusal(_BAD_REQUEST, "model_not_found", "Unknown model.")
        inputs = body.get("inputs", body.get("input"))
        if not isinstance(inputs, dict):
            raise _invalid("inputs must be an object.")
        return _MODELS[model](self, inputs)

    def _notify(self, inputs: dict[str, Any]) -> dict[str, Any]:
        template_id, to = inputs.get("template_id"), inputs.get("to")
        if not isinstance(template_id, str) or template_id not in TEMPLATES:
            raise HubRefusal(_BAD_REQUEST, "invalid_template", "Unknown template_id.")
        if not isinstance(to, str) or not _E164.fullmatch(to):
            raise HubRefusal(_BAD_REQUEST, "invalid_phone_number", "to must be a number in E.164.")
        variables = inputs.get("variables", {})
        if not _fits(variables, TEMPLATES[template_id]):
            raise HubRefusal(
                _BAD_REQUEST, "invalid_template_variables", "The variables must be exactly the template's."
            )
        for name in _TEXTS:
            if not isinstance(inputs.get(name), str | None):
                raise _invalid(f"{name} must be a string.")
        expires_at = self._expiry(inputs.get("expires_at"))
        self._check_schedule(inputs.get("schedule_at"))
        number = len(self.notifications) + 1
        sent = {
            "id": f"notify_{uuid5(NAMESPACE_URL, f'{self._sim.plan.seed}/{number}').hex}",
            "to": to,
            "template_id": template_id,
            "variables": variables,
            "created_at": _rfc3339(self._now()),
            "expires_at": _rfc3339(expires_at),
            **{name: inputs[name] for name in _ECHOED if inputs.get(name) is not None},
            "encoding": "GSM-7" if all(map(str.isascii, variables.values())) else "UCS-2",
            "estimated_segment_count": parts(" ".join(variables.values())),
        }
        self.notifications.append(sent)
        return sent

    def _verify(self, inputs: dict[str, Any]) -> dict[str, Any]:
        value = _target(inputs)
        again = value in self._awaited
        options = inputs.get("options")
        own_code = options.get("custom_code") if isinstance(options, dict) else None
        self._awaited[value] = own_code if isinstance(own_code, str) else CODE
        return {
            "id": f"vrf_{uuid5(NAMESPACE_URL, value).hex}",
            "status": "retry" if again else "success",
            "method": "message",
            "channels": ["sms"],
        }

    def _check(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Compare a code; a wrong one is HTTP 200 too, with the status ``failure``."""
        value, code = _target(inputs), inputs.get("code")
        if not isinstance(code, str):
            raise _invalid("code must be a string.")
        if value not in self._awaited:
            return {"status": "expired_or_not_found"}
        verification = {"id": f"vrf_{uuid5(NAMESPACE_URL, value).hex}"}
        if code != self._awaited[value]:
            return {**verification, "status": "failure"}
        del self._awaited[value]
        return {**verification, "status": "success"}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._sim.now, UTC)

    def _expiry(self, given: Any) -> datetime:
        if given is None:
            return self._now() + _LONGEST_EXPIRY
        moment = _parsed(given, "expires_at")
        if moment <= self._now():
            raise HubRefusal(_BAD_REQUEST, "expires_at_in_past", "expires_at is in the past.")
        if moment > self._now() + _LONGEST_EXPIRY:
            raise HubRefusal(_BAD_REQUEST, "expires_at_too_far_in_future", "expires_at is over a day ahead.")
        return moment

    def _check_schedule(self, given: Any) -> None:
        if given is not None and _parsed(given, "schedule_at") > self._now() + _LONGEST_SCHEDULE:
            raise _invalid("schedule_at is over 90 days ahead.")


def _invalid(message: str) -> HubRefusal:
    return HubRefusal(_BAD_REQUEST, "invalid_request", message)


def _fits(variables: Any, wanted: frozenset[str]) -> bool:
    return (
        isinstance(variables, dict)
        and variables.keys() == wanted
        and all(isinstance(value, str) for value in variables.values())
    )


def _target(inputs: dict[str, Any]) -> str:
    """Read whom to verify: a number in E.164 or an e-mail address."""
    match inputs.get("target"):
        case {"type": "phone_number", "value": str(value)} if _E164.fullmatch(value):
            return value
        case {"type": "email_address", "value": str(value)} if "@" in value:
            return value
    raise _invalid("target must be a phone_number in E.164 or an email_address.")


def _parsed(given: Any, name: str) -> datetime:
    try:
        if _RFC3339.fullmatch(given):
            return datetime.fromisoformat(given.upper())
    except (TypeError, ValueError):
        pass
    raise _invalid(f"{name} must be an RFC 3339 time.")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_MODELS = {
    "prelude/notify-send": Prelude._notify,  # noqa: SLF001 - the table belongs to the class
    "prelude/verify-send": Prelude._verify,  # noqa: SLF001
    "prelude/verify-check": Prelude._check,  # noqa: SLF001
}
