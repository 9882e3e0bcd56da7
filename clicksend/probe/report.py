"""What was found, for people and for a file; neither has a key, a number, a name or an id of the account."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from clicksend.probe.account import Account
from clicksend.probe.findings import Finding, Outcome, Position, Standing

NOTHING = "Nothing"
"""How what does not concern the user begins."""
WIDTH = 79
NAME, ASSUMED = 20, 16
INDENT = " " * (NAME + ASSUMED + 4)


def header() -> str:
    """Return the line above all others."""
    return f"  {'POINT':{NAME}} {'ASSUMED':{ASSUMED}} THE ACCOUNT SHOWS"


def lines(outcome: Outcome) -> list[str]:
    """Return the lines of a point: name, what is assumed, what was found, and what that changes."""
    point = outcome.point
    start = f"{_sign(outcome.standing)} {point.name:{NAME}} {spelled(point.assumed):{ASSUMED}} "
    shown = shows(outcome.finding)
    found = _wrapped(shown, start, INDENT)
    if outcome.standing is not Standing.DIFFERENT:
        return found
    nothing = point.changes.startswith(NOTHING)
    changes = f"Changes {point.changes[0].lower()}{point.changes[1:]}" if nothing else point.changes
    return found + _wrapped(changes, "    ", "    ")


def _wrapped(text: str, start: str, rest: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the line below all others."""
    names = {
        Standing.AS_ASSUMED: "as assumed",
        Standing.DIFFERENT: "different",
        Standing.UNKNOWN: "the account cannot tell",
        Standing.NOT_TRIED: "not tried",
        Standing.FAILED: "could not be asked",
    }
    counts = {standing: sum(one.standing is standing for one in outcomes) for standing in names}
    return ", ".join(f"{count} {names[standing]}" for standing, count in counts.items() if count) + "."


def as_json(account: Account, outcomes: Sequence[Outcome], *, date: str) -> dict[str, Any]:
    """Return the report as an object.

    Its ``switches`` are positions of the sandbox's switches by name; ``clicksend sandbox --dialect FILE``
    takes them.
    """
    return {
        "version": metadata.version("singer-clicksend"),
        "date": date,
        "access": "hub" if account.client.settings.through_hub else "direct",
        "switches": {
            one.point.name: one.finding.position
            for one in outcomes
            if one.point.is_switch and one.finding.position is not None
        },
        "points": [
            {
                "point": one.point.name,
                "question": one.point.question,
                "assumed": one.point.assumed,
                "found": one.finding.position,
                "shows": shows(one.finding),
                "standing": one.standing.name.lower(),
                "changes": one.point.changes,
            }
            for one in outcomes
        ],
        "limits": account.client.limits,
        "endpoints": account.statuses,
        "types": {
            endpoint: {name: sorted(types) for name, types in columns.items()}
            for endpoint, columns in sorted(account.types.items())
            if columns
        },
    }


def shows(finding: Finding) -> str:
    """Spell what was found."""
    return finding.text or ("" if finding.position is None else spelled(finding.position))


def spelled(position: Position) -> str:
    """Spell a position."""
    return {True: "yes", False: "no"}[position] if isinstance(position, bool) else str(position)


def _sign(standing: Standing) -> str:
    sign, plain = standing.value
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain
    return sign
