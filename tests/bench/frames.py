"""Reads the SMS history with ``clicksend.read`` in bounded memory, as a program of an analyst does."""

from __future__ import annotations

import clicksend
from clicksend.frames import Rows
from tests.bench.bare_loop import CREDENTIALS


def to_batches(api_url: str, _folder: str) -> int:
    """Return how many rows there are."""
    return sum(batch.num_rows for batch in _rows(api_url).to_batches())


def to_parquet(api_url: str, folder: str) -> int:
    """Write files; return how many rows are in them."""
    from pyarrow.parquet import read_metadata

    files = _rows(api_url).to_parquet(folder).glob("*.parquet")
    return sum(read_metadata(file).num_rows for file in files)


def _rows(api_url: str) -> Rows:
    username, key = CREDENTIALS
    return clicksend.read("sms_history", api_url=api_url, username=username, api_key=key)
