"""The reference: the least that reads every page and writes RECORD lines; no types, no state, no retries."""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import requests

THREADS = 8
CREDENTIALS = ("sandbox", "sandbox-key")


def read(api_url: str, output: Path) -> None:
    """Read the SMS history, several pages at once, and write it in order."""
    session = requests.Session()
    session.trust_env = False
    session.auth = CREDENTIALS

    def page(number: int) -> dict[str, Any]:
        params = {"limit": 100, "order_by": "date:asc", "page": number}
        response = session.get(f"{api_url}/sms/history", params=params, timeout=30)
        return orjson.loads(response.content)["data"]

    with output.open("wb") as file, ThreadPoolExecutor(THREADS) as pool:

        def write(rows: list[dict[str, Any]]) -> None:
            now = datetime.now(UTC)
            for row in rows:
                message = {"type": "RECORD", "stream": "sms_history", "record": row, "time_extracted": now}
                file.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))

        first = page(1)
        write(first["data"])
        pending = deque()
        for number in range(2, first["last_page"] + 1):
            pending.append(pool.submit(page, number))
            if len(pending) >= 2 * THREADS:
                write(pending.popleft().result()["data"])
        for future in pending:
            write(future.result()["data"])


if __name__ == "__main__":
    read(sys.argv[1], Path(sys.argv[2]))
