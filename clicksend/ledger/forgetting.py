"""Removing what a ledger has of a person, as far as it can be told from a phone number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select, update

from clicksend.ledger.hiding import HIDDEN, SLICE
from clicksend.ledger.tables import opt_ins, opt_outs, outcomes

FORGOTTEN = "(forgotten)"
"""What stands for the key of a row."""
SEPARATORS = ("", " ", "-", ".")


class Forgotten(Struct, frozen=True, kw_only=True):
    """What was removed, and what stays.

    Attributes:
        messages: Messages to the number that no longer show it.
        rows: Rows whose key, custom_string or campaign was the number.
        opted_out_by: Where it is still noted that the number opted out: ``list``, ``reply``.
        is_opted_in: Whether it is still noted, with a reason, that a person opted it in again.
    """

    messages: int
    rows: int
    opted_out_by: tuple[str, ...]
    is_opted_in: bool


def forget(connection: Connection, recipient_hash: str, hashes: Collection[str]) -> Forgotten:
    """Remove a number from claims, and from rows that have one of its hashes; keep that it opted out."""
    claims = update(outcomes).where(outcomes.c.recipient_hash == recipient_hash)
    messages = connection.execute(claims.values(recipient_hash=None, body_hash=None)).rowcount
    changes = list(_changes(connection, frozenset(hashes)))
    if changes:
        row = update(outcomes).where(outcomes.c.outcome_id == bindparam("id"))
        connection.execute(row.values({name: bindparam(f"new_{name}") for name in HIDDEN}), changes)
    by = select(opt_outs.c.source).where(opt_outs.c.hash == recipient_hash).order_by(opt_outs.c.source)
    opted_in = select(opt_ins.c.hash).where(opt_ins.c.hash == recipient_hash)
    return Forgotten(
        messages=messages,
        rows=len(changes),
        opted_out_by=tuple(connection.execute(by).scalars()),
        is_opted_in=connection.execute(opted_in).first() is not None,
    )


def _changes(connection: Connection, hashes: frozenset[str]) -> Iterator[dict[str, Any]]:
    query = select(outcomes.c.outcome_id, *(outcomes.c[name] for name in HIDDEN))
    query = query.order_by(outcomes.c.outcome_id).limit(SLICE)
    after = ""
    while rows := connection.execute(query.where(outcomes.c.outcome_id > after)).all():
        after = rows[-1].outcome_id
        for row in rows:
            new = _without(row, hashes)
            if new != {name: getattr(row, name) for name in HIDDEN}:
                yield {"id": row.outcome_id, **{f"new_{name}": value for name, value in new.items()}}


def _without(row: Row[Any], hashes: frozenset[str]) -> dict[str, str | None]:
    named = json.loads(row.source_key) if row.source_key else {}
    # Integers may be declared clear.
    fits = [name for name, value in named.items() if str(value) in hashes]
    return {
        "key": FORGOTTEN if fits or row.key in hashes else row.key,
        "source_key": json.dumps(named | dict.fromkeys(fits)) if fits else row.source_key,
        "custom_string": None if row.custom_string in hashes else row.custom_string,
        "campaign": None if row.campaign in hashes else row.campaign,
    }


def spellings(number: str) -> set[str]:
    """Return how a number (E.164) may have been spelled in a table."""
    import phonenumbers  # noqa: PLC0415, takes long

    parsed, kinds = phonenumbers.parse(number), phonenumbers.PhoneNumberFormat
    written = (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL, kinds.RFC3966)
    forms = {phonenumbers.format_number(parsed, one) for one in written}
    forms |= {form.removeprefix("tel:") for form in forms}
    national = str(parsed.national_number)
    forms |= {number, f"{parsed.country_code} {national}", f"00 {parsed.country_code} {national}", national}
    forms |= {form.removeprefix("+") for form in forms}
    groups = {form: re.findall(r"\d+", form) for form in forms}
    for form, digits in groups.items():
        for separator in SEPARATORS:
            forms |= {separator.join(digits), f"{'+' * form.startswith('+')}{separator.join(digits)}"}
    return forms


def hashes_of(number: str, hashed: Callable[[str], str], older: Collection[Callable[[str], str]]) -> set[str]:
    """Return as what a number (E.164), in any of its spellings, may be kept.

    Args:
        number: The number.
        hashed: Makes the ledger's hashes.
        older: What earlier versions hashed keys with: those hashes were hashed again.
    """
    spelled = spellings(number)
    return spelled | {hashed(one) for one in spelled} | {hashed(old(one)) for one in spelled for old in older}
