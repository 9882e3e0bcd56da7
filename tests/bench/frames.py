"""Reads the SMS history with ``clicksend.read`` in batches, as a program of an analyst does."""

from __future__ import annotations

import clicksend
from tests.bench.bare_loop import CREDENTIALS


def read(api_url: str, concurrency: int) -> int:
    """Return how many rows there are."""
    username, key = CREDENTIALS
    rows = clicksend.read(
        "sms_history", api_url=api_url, username=username, api_key=key, max_concurrency=concurrency
    )
    return sum(batch.num_rows for batch in rows.to_batches())
