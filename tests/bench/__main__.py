"""Prints how fast the tap is, next to a bare loop over the same pages; writes to temporary folders only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.bench.cases import BARE_TAP, TAP, bare, frames, levels, taps
from tests.bench.runs import BenchError, Case, Run, run, seconds_of

CHECKED_ROWS = 20_000
"""Enough for the tap to cut the history into several windows."""

LATENCY_ROWS = 100_000
LIMIT = 6_000
"""Requests a minute, as ClickSend's headers have named them (observed)."""
ROWS_OF_ALL_REPEATS = 600_000
"""So that a million rows are read once, however many repeats smaller histories get."""

COLUMNS = f"{'':<22}{'rows':>10}{'rows/s':>10}{'ratio':>8}{'peak MB':>9}{'requests':>10}{'start-up':>10}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    try:
        reference, cases = bare(), list(taps())
        if len(cases) == 1:
            _print("The tap does not know batch_config: BATCH is left out.\n")
        cases.extend(frames())
        for case in (reference, *cases):
            _check(case, min(CHECKED_ROWS, *options.rows))
        _throughput(reference, cases, options.rows, options.repeats)
        if options.latency:
            for latency in options.latency:
                _at_latency(min(LATENCY_ROWS, max(options.rows)), latency, options.repeats)
        _start_up(options.repeats)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3, help="alternating runs; the best counts")
    parser.add_argument(
        "--latency", type=float, nargs="*", default=[50, 300, 700], help="milliseconds a page, a table each"
    )
    return parser.parse_args(arguments)


def _check(case: Case, rows: int) -> None:
    """Let a case read a few rows and count what it wrote.

    Raises:
        BenchError: Rows are missing, or there are too many.
    """
    written = run(case, rows, count=True).written
    if written != rows:
        raise BenchError(f"{case.name} wrote {written} rows of {rows}.")


def _throughput(reference: Case, cases: list[Case], sizes: Sequence[int], repeats: int) -> None:
    _print(f"\nNo latency; ratio to the bare loop; best of up to {repeats} alternating runs\n{COLUMNS}")
    for rows in sizes:
        fewer = max(1, min(repeats, ROWS_OF_ALL_REPEATS // rows))
        results = _alternate([reference, *cases], rows, 0, fewer)
        base = results[reference.name].rate
        for name, result in results.items():
            _print(_line(name, result, result.rate / base))
        capacity = max(result.rate / result.busy for result in results.values())
        _print(f"The page server could serve {capacity:,.0f} rows/s, {capacity / base:.0f} bare loops.\n")


def _at_latency(rows: int, latency: float, repeats: int) -> None:
    _print(f"\n{latency:g} ms a page, {LIMIT:,} requests a minute; ratio to the best fixed number\n{COLUMNS}")
    found, *fixed = _alternate(list(levels()), rows, latency, repeats, LIMIT).items()
    best = max(result.rate for _, result in fixed)
    for name, result in (found, *fixed):
        refused = f"  {result.refused} answered 429" if result.refused else ""
        _print(f"{_line(name, result, result.rate / best).rstrip()}{refused}\n")


def _alternate(cases: list[Case], rows: int, latency: float, repeats: int, limit: int = 0) -> dict[str, Run]:
    """Return the fastest run of each case."""
    rounds = [[run(case, rows, latency=latency, limit=limit) for case in cases] for _ in range(repeats)]
    return {
        case.name: max(runs, key=lambda result: result.rate)
        for case, *runs in zip(cases, *rounds, strict=True)
    }


def _start_up(repeats: int) -> None:
    _print(f"\n{'Start-up, seconds':<22}{'tap':>10}{'bare tap':>10}{'more':>8}\n")
    for option in ("--about", "--discover"):
        rounds = [[seconds_of([*command, option]) for command in (TAP, BARE_TAP)] for _ in range(repeats)]
        tap, least = map(min, zip(*rounds, strict=True))
        _print(f"{option:<22}{tap:>10.2f}{least:>10.2f}{tap - least:>8.2f}\n")


def _line(name: str, result: Run, ratio: float) -> str:
    return (
        f"{name:<22}{result.rows:>10,}{result.rate:>10,.0f}{ratio:>8.2f}{result.megabytes:>9.0f}"
        f"{result.requests:>10,}{result.start_up:>10.2f}\n"
    )


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
