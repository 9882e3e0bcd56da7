"""What the end of a run means to a scheduler: done, try again, or leave it to a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DONE, WRONG_SETTINGS, UNKNOWN, INTERRUPTED, TERMINATED = 0, 2, 3, 130, 143
TELLING = (UNKNOWN, WRONG_SETTINGS, TERMINATED, INTERRUPTED)
"""Where several processes end with codes of their own, the first of these says what is to be done."""
COUNTS = (
    *("plugin", "version", "run_id", "exit_code", "rows", "requests", "rate_limited"),
    *("waited_seconds", "re_reads", "spend", "prices", "currency", "unknown_open"),
)
"""What of a report may be shown to whoever sees a run; samples, which hold bodies of messages, may not."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        code: 0 done, 1 and others an error, 2 wrong settings, 3 unknown sends, 130 and 143 stopped.
        sentence: What happened, and what a person does next; empty when it is done.
    """

    code: int
    sentence: str

    @property
    def is_final(self) -> bool:
        """Whether another try would end in the same way."""
        return self.code in (WRONG_SETTINGS, UNKNOWN)


def read_report(path: Path) -> Report | None:
    """Return a report of tap or target, None where it wrote none."""
    try:
        report = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None


def counts(report: Report | None) -> Report | None:
    """Return the counts of a report."""
    if report is None:
        return None
    return {name: report[name] for name in COUNTS if name in report}


def judge(codes: Sequence[int], reports: Sequence[Report | None]) -> Ending:
    """Say how a run ended.

    Args:
        codes: Exit codes of the processes, the tap's first.
        reports: What tap and target reported; their own codes count, since `meltano run` ends with 1 whatever
            they were.
    """
    known = [report for report in reports if report]
    told = [code for report in reversed(known) if isinstance(code := report.get("exit_code"), int)]
    failed = [code for code in (*told, *reversed(codes)) if code != DONE]
    if not failed:
        return Ending(DONE, "")
    code = next((one for one in TELLING if one in failed), failed[0])
    return Ending(code, " ".join(_sentences(code, known)))


def _sentences(code: int, reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if code == UNKNOWN:
        found = sum(int(report.get("unknown_open") or 0) for report in reports)
        messages = "1 message is" if found == 1 else f"{found or 'Some'} messages are"
        yield (
            f"{messages} unknown (exit code 3): nobody knows whether ClickSend has sent them. They are not"
            " sent again, by this task or another: a person must look."
        )
    elif code == WRONG_SETTINGS:
        yield "A setting is wrong (exit code 2): the log says which. Another try would end in the same way."
    elif code in (INTERRUPTED, TERMINATED):
        yield f"The run was stopped (exit code {code}); the next one goes on where it was."
    else:
        yield f"The run failed (exit code {code}): the log says why."
    for report in reports:
        if counted := list(_counted(report.get("rows"))):
            yield f"{', '.join(counted)}."
        if (error := report.get("error")) and code != UNKNOWN:  # it would say the same
            yield str(error)
    following = next((str(report["next"]) for report in reports if report.get("next")), "")
    if code == UNKNOWN:
        yield f"Next: {following or 'clicksend ledger reconcile'}"
    elif following:
        yield f"Next: {following}"


def _counted(rows: object) -> Iterator[str]:
    for name, outcomes in rows.items() if isinstance(rows, dict) else ():
        for outcome, count in outcomes.items() if isinstance(outcomes, dict) else ():
            yield f"{name} {count:,} {outcome}"
