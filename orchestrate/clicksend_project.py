"""What the DAGs share, out of the environment: to read it needs neither a database nor a network."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Asset

from clicksend.airflow.meltano import state_id

ACCOUNTS = os.environ.get("CLICKSEND_ACCOUNTS", "clicksend_default").split(",")
"""Connections of type clicksend; each has a pool of its own name, and a schema in the warehouse."""
DEFAULT = "clicksend_default"
"""The account whose schema and states are those of `meltano run` without Airflow."""
SLOTS = int(os.environ.get("CLICKSEND_POOL_SLOTS", "2"))
"""Slots of each of these pools."""
WAREHOUSE = "clicksend_warehouse"
"""A connection of type postgres."""
PROJECT = os.environ.get("CLICKSEND_PROJECT", str(Path(__file__).resolve().parents[1]))
ENVIRONMENT = os.environ.get("MELTANO_ENVIRONMENT", "prod")
MELTANO = shlex.split(os.environ.get("CLICKSEND_MELTANO", "meltano"))
TAP, TARGET = "tap-clicksend", "target-postgres"

RUN: dict[str, Any] = {
    "project": PROJECT,
    "environment": ENVIRONMENT,
    "meltano_command": MELTANO,
    "warehouse_conn_id": WAREHOUSE,
    "slots": SLOTS,
}
"""Arguments of every pipeline."""

Span = tuple[datetime, datetime]


def schema(account: str) -> str:
    """Return where the warehouse has an account's tables: two accounts must not mark each other's rows."""
    return "clicksend" if account == DEFAULT else account


def asset(account: str) -> Asset:
    """Return what is there when an account's messages are: DAGs can be scheduled on it."""
    return Asset(name=account, uri=f"clicksend://{account}/messages")


def state(account: str, name: str | None = None) -> str | None:
    """Return the suffix of a state's name."""
    parts = [*([] if account == DEFAULT else [account]), *([name] if name else [])]
    return "-".join(parts) or None


def spans(params: Mapping[str, Any]) -> list[Span]:
    """Cut the time from ``start`` up to, not including, ``end`` into windows of ``days``.

    They depend on nothing else: a second try, today or next week, finds the states of the first.
    """
    first, last = (
        datetime.combine(date.fromisoformat(params[name]), time(), UTC) for name in ("start", "end")
    )
    if first >= last:
        raise ValueError(f"end ({last:%Y-%m-%d}) must be later than start ({first:%Y-%m-%d}).")
    step = timedelta(days=params["days"])
    found = []
    while first < last:
        found.append((first, min(first + step, last)))
        first += step
    return found


def models(account: str) -> dict[str, str]:
    """Return dbt's settings: which tables the models are made of, and where they are made."""
    tables = schema(account)
    return {"DBT_CLICKSEND_SCHEMA": tables, "DBT_POSTGRES_SCHEMA": f"{tables}_analytics"}


def backfill_state(account: str, span: Span) -> str:
    """Return the suffix of a window's state."""
    return str(state(account, "backfill-{:%Y-%m-%d}-{:%Y-%m-%d}".format(*span)))


def backfill_state_id(account: str, span: Span) -> str:
    """Return the whole name that Meltano gives to it."""
    return state_id(ENVIRONMENT, TAP, TARGET, backfill_state(account, span))
