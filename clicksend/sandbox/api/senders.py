"""Senders beside the rented numbers: people's own, and names. Newer services, with answers of their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clicksend.sandbox.api.answers import Answer, Call, number
from clicksend.sandbox.simulation import Simulation

_ACCOUNT = "85edb794-ee6d-4a38-9f63-c5fa8acf0d79"
_ADDED, _CHANGED = "2025-08-25T08:00:00Z", "2025-08-25T08:30:00Z"
_OWN_NUMBERS = (
    ("+18019234886", "US", "Office", "APPROVED"),
    ("+61491570156", "AU", 'Zoë "mobile"', "PENDING"),
)
_ALPHA_TAGS = (("ACME", "APPROVED"), ("ACMEnews", "APPROVED"), ("Summer25", "REJECTED"))
_FEW = 10


def own_numbers(_: Simulation, call: Call) -> Answer:
    """GET /own-numbers: numbers that somebody has proved to be theirs."""
    rows = [
        {
            **_row(serial, status),
            "phone_number": phone,
            "country": country,
            "label": label,
            "verified_timestamp": _CHANGED if status == "APPROVED" else None,
            "notified_timestamp": None,
            "is_nearing_expiration": False,
        }
        for serial, (phone, country, label, status) in enumerate(_OWN_NUMBERS, start=1)
    ]
    return _page(call, "own_numbers", rows)


def alpha_tags(_: Simulation, call: Call) -> Answer:
    """GET /alpha-tags: names to send from."""
    rows = [
        {**_row(serial, status), "alpha_tag": tag, "reason": "Company Name", "countries": ["AU"]}
        for serial, (tag, status) in enumerate(_ALPHA_TAGS, start=101)
    ]
    return _page(call, "alpha_tags", rows)


def _row(serial: int, status: str) -> dict[str, Any]:
    owners = {"account_id": _ACCOUNT, "workspace_id": _ACCOUNT, "user_id": _ACCOUNT}
    dates = {"created_timestamp": _ADDED, "updated_timestamp": _CHANGED}
    return {
        "id": str(UUID(int=serial << 96 | 0x4000 << 64 | 0x8000 << 48)),
        **owners,
        "status": status,
        **dates,
    }


def _page(call: Call, name: str, rows: list[dict[str, Any]]) -> Answer:
    """Answer with the first page; no more rows exist than fit the smallest usual one."""
    size = max(1, number(call.query, "page_size") or _FEW)
    here = f"https://rest.clicksend.com/v3{'/' + name.replace('_', '-')}?page_size={size}"
    pagination = {"self": here, "next": here if len(rows) > size else None, "page_size": size}
    return Answer({name: rows[:size], "_metadata": {"pagination": pagination}}, "", bare=True)
