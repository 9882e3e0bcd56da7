"""Compares the model of docs/scale.md with runs: how long one process reads so many rows within a limit.

The processor's speed is measured first, without latency and limit; all else is predicted from it.
"""

from __future__ import annotations

import argparse
import math
import sys

from tests.bench.cases import levels
from tests.bench.runs import Case, run

PAGE = 100
"""Rows."""
SHARE = 0.8
"""``rate_limit_share``."""
MOST = 64
"""``max_concurrency``."""
MINUTE = 60
CALIBRATION = 100_000
"""Rows that the processor's speed is measured with."""


def requests_for(rows: int) -> int:
    """Return the requests that a history of so many rows takes.

    One a page; one for each window of 10,000 rows, whose last page is not full; one to begin with.
    """
    return math.ceil(rows / PAGE) + math.ceil(rows / 10_000) + 1


def seconds_for(rows: int, *, processor: float, latency: float = 0, limit: int = 0) -> float:
    """Predict how long reading takes, from its first request to its end.

    Args:
        rows: Rows of the history.
        processor: Rows a second that the machine can read where nothing else holds it back.
        latency: Seconds from a request to its answer.
        limit: Requests a minute that the headers name, 0 for none.

    Returns:
        Seconds. Within a limit, a share of each minute's requests goes out as fast as they can, and the rest
        of the minute is waited for.
    """
    requests = requests_for(rows)
    speed = min(processor / PAGE, MOST / latency if latency else math.inf)
    minutes, last = 0, requests
    if limit and requests:
        allowed = math.ceil(limit * SHARE)
        minutes, last = divmod(requests - 1, allowed)
        last += 1
        if allowed / speed > MINUTE:
            return requests / speed
    # The first page, the first of the first window, and the rise to the level come one after the other.
    return minutes * MINUTE + last / speed + 3 * latency


def main() -> int:
    """Print predictions beside measurements; return 1 where one is more than ``--within`` off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000, 300_000])
    parser.add_argument("--limits", type=int, nargs="+", default=[1_200, 6_000], help="requests a minute")
    parser.add_argument("--latency", type=float, default=300, help="milliseconds a page")
    parser.add_argument("--within", type=float, default=0.2, help="share by which a prediction may be off")
    options = parser.parse_args()
    case: Case = next(levels())
    processor = max(run(case, CALIBRATION).rate for _ in range(2))
    sys.stdout.write(f"This machine reads {processor:,.0f} rows/s; {options.latency:g} ms a page\n")
    sys.stdout.write(f"{'rows':>10}{'limit':>8}{'predicted':>12}{'measured':>11}{'off':>7}{'429':>6}\n")
    wrong = 0
    for limit in options.limits:
        for rows in options.rows:
            expected = seconds_for(rows, processor=processor, latency=options.latency / 1000, limit=limit)
            result = run(case, rows, latency=options.latency, limit=limit)
            off = result.seconds / expected - 1
            wrong += abs(off) > options.within
            times = f"{expected:>10.1f} s{result.seconds:>9.1f} s{off:>7.0%}"
            sys.stdout.write(f"{rows:>10,}{limit:>8,}{times}{result.refused:>6}\n")
            sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
