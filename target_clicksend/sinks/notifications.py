"""The sink ``notifications``: messages from templates of the hub."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cached_property
from typing import Any

from typing_extensions import override

from clicksend.hub import Hub
from clicksend.text import is_blank
from target_clicksend.columns import DELETED
from target_clicksend.messages.message import Message, Template
from target_clicksend.messages.parse import judged_by, read_number, read_required
from target_clicksend.messages.send import HubRoute, Route
from target_clicksend.row import Rejected, Row, Values
from target_clicksend.run import Run
from target_clicksend.sinks.messages import Messages
from target_clicksend.values import read_text, says_nothing


class Notifications(Messages):
    """Notifications of the hub, which has no history: unanswered ones stay unknown. Times as for texts."""

    name = "notifications"
    channel = "notification"
    columns = frozenset(
        {"to", "template_id", "variables", "locale", "schedule", "idempotency_key", "purpose", "time_zone"}
        | {"opted_out", "send_before", "campaign", DELETED}
    )
    personal = frozenset({"to", "variables"})
    needs_account = False

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        Hub(run.client)  # it says at once when there is no key for it

    @cached_property
    @override
    def route(self) -> Route:
        return HubRoute(self.run)

    @override
    def parse(self, row: Row) -> Message:
        values = row.values
        return Message(
            row=row.without_values(),
            channel=self.channel,
            to=read_number(values, "to", self.run.country),
            template=Template(
                template_id=read_required(values, "template_id"),
                variables=_variables(values),
                locale=read_text(values, "locale"),
            ),
            **judged_by(values, self.run.config, self.local_times),
        )


def _variables(values: Values) -> dict[str, str]:
    """Return the template's variables, all of them text.

    Raises:
        Rejected: They are not an object, or one of them is null, a word for that, a list or an object.
    """
    given: Any = values.get("variables")
    if given is None or (isinstance(given, str) and is_blank(given)):
        given = {}
    if isinstance(given, str):
        try:
            # Databases without a type for objects hand them over as text.
            given = json.loads(given, parse_float=Decimal)
        except (ValueError, RecursionError, ArithmeticError):
            given = None
    if not isinstance(given, dict):
        raise Rejected("variables is not an object")
    if any(value is None or isinstance(value, dict | list) for value in given.values()):
        raise Rejected("variables has a value that is not text, a number or a boolean")
    variables = {name: read_text(given, name, keeps_digits=True) for name in given}
    if any(map(says_nothing, variables.values())):
        raise Rejected("variables has a value that is a word for nothing, like null or NaN")
    return variables
