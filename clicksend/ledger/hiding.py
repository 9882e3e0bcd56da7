"""What earlier versions have stored in clear is hashed, once, when the key is at hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from clicksend.key_values import is_impersonal, normalize, normalize_older
from clicksend.ledger.records import TOKEN, outcome_id_of
from clicksend.ledger.tables import outcomes

HASH = re.compile(r"[0-9a-f]{64}")
SLICE = 5000
"""Rows that are in memory at once."""
HIDDEN = ("key", "source_key", "custom_string", "campaign")
"""Columns of what rows bring."""


def hide(
    connection: Connection, hashed: Callable[[str], str], clear: Collection[str], *, is_keyed: bool
) -> None:
    """Hash whatever rows have brought that says something about a person; ids and times stay.

    Args:
        connection: To the database.
        hashed: Makes the ledger's hashes.
        clear: Columns that are declared to be stored in clear.
        is_keyed: Whether hashes that stand there were made with the ledger's key, not without any.
    """
    rule = _Rule(hashed, frozenset(clear), is_keyed)
    query = select(outcomes.c.outcome_id, *(outcomes.c[name] for name in HIDDEN))
    query = query.order_by(outcomes.c.outcome_id).limit(SLICE)
    statement = (
        update(outcomes)
        .where(outcomes.c.outcome_id == bindparam("id"))
        .values({name: bindparam(f"new_{name}") for name in HIDDEN})
    )
    after = ""
    while rows := connection.execute(query.where(outcomes.c.outcome_id > after)).all():
        after = rows[-1].outcome_id
        connection.execute(statement, [{"id": row.outcome_id, **rule.hidden(row)} for row in rows])


class _Rule:
    def __init__(self, hashed: Callable[[str], str], clear: frozenset[str], is_keyed: bool) -> None:  # noqa: FBT001
        self._hashed, self._clear, self._is_keyed = hashed, clear, is_keyed

    def hidden(self, row: Row[Any]) -> Mapping[str, str | None]:
        """Return the new values of a row's columns."""
        reference, campaign = row.custom_string, row.campaign
        is_ours = reference is None or outcome_id_of(reference) == row.outcome_id
        if not is_ours and "custom_string" not in self._clear:
            reference = self._hashed(reference.strip())
        if campaign and "campaign" not in self._clear:
            campaign = self._hashed(campaign)
        key = row.key if TOKEN.fullmatch(row.key) else self._hide(row.key)
        named = {"key": key, "source_key": self._source_key(row.source_key)}
        named |= {"custom_string": reference, "campaign": campaign}
        return {f"new_{name}": value for name, value in named.items()}

    def _source_key(self, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            values = json.loads(text)
        except ValueError:
            return None
        if not isinstance(values, dict):
            return None
        return json.dumps(
            {name: value if name in self._clear else self._hide(value) for name, value in values.items()}
        )

    def _hide(self, value: Any) -> Any:
        if is_impersonal(value, normalize(value)):
            return value
        is_ours = self._is_keyed and isinstance(value, str) and HASH.fullmatch(value)
        return value if is_ours else self._hashed(normalize_older(value))
