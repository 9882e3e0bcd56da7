"""What a point is, what may be found out about it, and how it stands then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from clicksend.probe.account import Account

Position = str | int | bool
Needs = Literal["reading", "write", "to", "mark_read"]


class Unknown(Exception):  # noqa: N818 - an answer, not a failure
    """The account cannot tell; the text says why, and holds nothing of the account."""


class Standing(Enum):
    """How a point stands, and the sign before its line; the second is for outputs without the first."""

    AS_ASSUMED = ("✓", "=")
    DIFFERENT = ("!", "!")
    UNKNOWN = ("?", "?")
    NOT_TRIED = ("-", "-")
    FAILED = ("✗", "x")


@dataclass(frozen=True)
class Finding:
    """What the account shows.

    Attributes:
        position: Of the switch with the point's name, None where none of its positions fits.
        text: What to show instead of, or beside, the position; never a value of the account's.
    """

    position: Position | None
    text: str = ""


@dataclass(frozen=True)
class Point:
    """One thing about ClickSend that nobody has confirmed.

    Attributes:
        name: That of the sandbox's switch, where there is one.
        question: What is asked.
        assumed: The position that the sandbox has by default, or what we think.
        changes: What another answer changes for the user.
        find: Finds out.
        needs: What must be allowed for it.
        is_switch: Whether the sandbox has a switch of this name, and its positions.
    """

    name: str
    question: str
    assumed: Position
    changes: str
    find: Callable[[Account], Finding]
    needs: Needs = "reading"
    is_switch: bool = True


@dataclass(frozen=True)
class Outcome:
    """A point and what came of it."""

    point: Point
    standing: Standing
    finding: Finding
