"""Rows for random walks of sending: messages, cancellations and templates, deleted ones and changed ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from random import Random
from typing import Any

from tests.target.stepping import Sinks

SINKS = {"sms_messages": "sms", "voice_messages": "voice", "mms_messages": "mms"}
"""The sinks that send, and their channels."""
OWN = {
    "sms_messages": {},
    "voice_messages": {"voice": "female", "lang": "en-au"},
    "mms_messages": {"subject": "News"},
}
"""What rows of a sink need beside the common columns."""
NUMBERS = [f"+6149157015{number}" for number in range(10)]
ZONES = ["UTC", "Australia/Perth", "Europe/Berlin", "America/New_York"]
STRINGS = ["promo", "promo", "promo", "news"]
TEMPLATES = ["Wa", "Wb"]
AHEAD = [-7200, -600, 120, 3000, *[30_000, 90_000, 200_000] * 3]
"""Seconds until a schedule."""
LIMITS = [-60, 40, 900, 6000, 100_000, 250_000]
"""Seconds until it is too late."""


class Rows:
    """What comes from upstream; each message has a ``from`` of its own, by which it is known on arrival."""

    def __init__(self, chance: Random, now: Callable[[], datetime]) -> None:
        self._chance, self._now = chance, now
        self._senders, self._ids = count(1000), count(1)
        self._last: Sinks = []
        self.keys: list[tuple[str, str]] = []
        """Sink and key of every message."""

    def draw(self, scheduled: list[str], *, templates: bool) -> Sinks:
        """Return the rows of one input: new ones, often behind those of the last one.

        Args:
            scheduled: Ids of messages that a cancellation may name.
            templates: Whether rows may change templates.
        """
        chance = self._chance
        kinds = ["message"] * 9 + ["deleted"] + ["cancellation"] * 3 + ["template"] * (2 * templates)
        new = [
            getattr(self, f"_{kind}")(scheduled) for kind in chance.choices(kinds, k=chance.randint(1, 12))
        ]
        return self._delivered(new, templates=templates)

    def again(self, covered: int) -> None:
        """Learn what the last input's STATE covers: what is behind it comes again."""
        self._last = self._last[covered:]

    def of(self, sink: str, key: str) -> dict[str, Any]:
        """Return a message that nothing holds back, to be delivered as it is."""
        row = {"idempotency_key": key, "body": self._body(key), "to": self._chance.choice(NUMBERS)}
        return self._signed(sink, row | OWN[sink] | self._media(sink))

    def _delivered(self, new: Sinks, *, templates: bool) -> Sinks:
        again = self._last if self._chance.random() < 0.7 and len(self._last) < 30 else []
        rows = [one for one in [*again, *new] if templates or one[0] != "sms_templates"]
        self._last = rows
        return [(sink, self._signed(sink, row)) for sink, row in rows]

    def _signed(self, sink: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as it is delivered, once."""
        if sink not in SINKS or "_sdc_deleted_at" in row:
            return dict(row)
        return {**row, "from": str(next(self._senders))}

    def _known(self) -> tuple[str, str]:
        return self._chance.choice(self.keys[-8:])

    def _new(self) -> tuple[str, str]:
        sink = self._chance.choices(list(SINKS), [4, 2, 1])[0]
        self.keys.append((sink, f"key {len(self.keys)}"))
        return self.keys[-1]

    def _message(self, _: list[str]) -> tuple[str, dict[str, Any]]:
        chance = self._chance
        sink, key = self._known() if self.keys and chance.random() < 0.2 else self._new()
        now = int(self._now().timestamp())
        row: dict[str, Any] = {"idempotency_key": key, "to": chance.choice(NUMBERS)}
        row["time_zone"] = chance.choice(ZONES)
        kind = chance.random()
        if kind < 0.15 and sink != "voice_messages":
            row |= {"template_name": chance.choice(TEMPLATES), "name": key}
        elif kind < 0.35:
            row["body"] = f"offer {chance.randrange(2)}"
        else:
            row["body"] = self._body(key)
        # Not of pictures: the history shows too little to tell those apart that share one. Nor of texts that
        # several keys share: nobody could tell whose the unanswered one was.
        if sink != "mms_messages" and not row.get("body", "").startswith("offer") and chance.random() < 0.75:
            row["custom_string"] = chance.choice(STRINGS)
        if chance.random() < 0.7:
            row["schedule"] = now + chance.choice(AHEAD)
        if chance.random() < 0.15:
            row["send_before"] = now + chance.choice(LIMITS)
        if chance.random() < 0.1:
            row["purpose"] = "transactional"
        row["opted_out"] = chance.random() < 0.03
        return sink, row | OWN[sink] | self._media(sink)

    def _deleted(self, _: list[str]) -> tuple[str, dict[str, Any]]:
        sink, key = self._known() if self.keys else self._new()
        return sink, {"idempotency_key": key, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}

    def _cancellation(self, scheduled: list[str]) -> tuple[str, dict[str, Any]]:
        chance = self._chance
        row: dict[str, Any] = {"id": f"c{next(self._ids)}"}
        if scheduled and chance.random() < 0.25:
            row["message_id"] = chance.choice(scheduled)
        else:
            row["custom_string"] = chance.choice([*STRINGS, "*"])
        if chance.random() < 0.3:
            row["channel"] = chance.choice(["sms", "voice"])
        return "cancellations", row

    def _template(self, _: list[str]) -> tuple[str, dict[str, Any]]:
        chance, number = self._chance, next(self._ids)
        row: dict[str, Any] = {"id": f"t{number}", "template_name": chance.choice(TEMPLATES)}
        if chance.random() < 0.2:
            return "sms_templates", row | {"_sdc_deleted_at": "2026-01-01T00:00:00Z"}
        return "sms_templates", row | {"body": f"{{name}} in template {chance.randrange(3)}"}

    def _body(self, key: str) -> str:
        return f"{key} in version {self._chance.randrange(3)}"

    def _media(self, sink: str) -> dict[str, str]:
        number = self._chance.randrange(2)
        return {"media_file": f"https://example.com/{number}.jpg"} if sink == "mms_messages" else {}
