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
PROCESSOR = 60_000
"""Rows a second that one core reads; ``make bench`` measures it."""
ANSWER, LINE, PARQUET = 690, 820, 40
"""Bytes of a row: in ClickSend's answer, as a RECORD line, in a Parquet file."""
TRIPS = 5.5
"""Times a latency that more requests at once do not shorten: two pages that ask what there is, the rise to
the level, the last answer (observed)."""
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
    return minutes * MINUTE + last / speed + TRIPS * latency


def table() -> str:
    """Return the model's figures as docs/scale.md has them: one process, a usual processor, 300 ms a page."""
    lines = [
        "| messages | requests | at 6,000 a minute | at 1,200 a minute | answers | RECORD lines | Parquet |",
        "|---|---|---|---|---|---|---|",
    ]
    for power in range(4, 10):
        rows = 10**power
        cells = [f"10^{power}", f"{requests_for(rows):,}"]
        cells += [
            _time(seconds_for(rows, processor=PROCESSOR, latency=0.3, limit=limit)) for limit in (6000, 1200)
        ]
        cells += [_size(rows * each) for each in (ANSWER, LINE, PARQUET)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def _size(size: float) -> str:
    for unit, of in (("GB", 1e9), ("MB", 1e6)):
        if size >= of:
            return f"{size / of:,.0f} {unit}"
    return f"{size / 1e6:.1f} MB"


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
