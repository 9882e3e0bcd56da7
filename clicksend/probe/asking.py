"""Asking all points, one after the other; whatever goes wrong with one is its own."""

from __future__ import annotations

from collections.abc import Container, Iterator

from clicksend.errors import (
    ApiError,
    BadRequestError,
    ClickSendError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    StoppedError,
    UnauthorizedError,
)
from clicksend.probe.account import Account
from clicksend.probe.findings import Finding, Outcome, Point, Standing, Unknown
from clicksend.probe.points import POINTS

OPTIONS = {"write": "--write", "to": "--write, --to NUMBER", "mark_read": "--mark-read"}
ANSWERS = (BadRequestError, ForbiddenError, NotFoundError, MethodNotAllowedError)
"""Errors that are an answer to a question, if not to this one."""


def ask(account: Account, allowed: Container[str], points: tuple[Point, ...] = POINTS) -> Iterator[Outcome]:
    """Yield what comes of each point.

    Args:
        account: The account.
        allowed: What it may do beside reading: ``write``, ``to``, ``mark_read``.
        points: Those to ask.

    Raises:
        UnauthorizedError: The key was not accepted; the rest would say the same once more.
    """
    for point in points:
        if point.needs != "reading" and point.needs not in allowed:
            tried = Finding(None, f"not tried: needs {OPTIONS[point.needs]}")
            yield Outcome(point, Standing.NOT_TRIED, tried)
        else:
            yield _asked(account, point)


def _asked(account: Account, point: Point) -> Outcome:
    try:
        finding = point.find(account)
    except Unknown as why:
        return Outcome(point, Standing.UNKNOWN, Finding(None, f"cannot tell: {why}"))
    except ANSWERS as error:
        return Outcome(point, Standing.UNKNOWN, Finding(None, f"cannot tell: {_short(error)}"))
    except ClickSendError as error:
        if isinstance(error, UnauthorizedError | StoppedError) and len(account.statuses) < 2:  # noqa: PLR2004
            raise
        text = _short(error) if isinstance(error, ApiError) else str(error)
        return Outcome(point, Standing.FAILED, Finding(None, f"could not be asked: {text}"))
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError):
        shape = Finding(None, "cannot tell: the answer has an unknown shape")
        return Outcome(point, Standing.UNKNOWN, shape)
    same = finding.position == point.assumed
    return Outcome(point, Standing.AS_ASSUMED if same else Standing.DIFFERENT, finding)


def _short(error: ApiError) -> str:
    """Return an error without its advice, which is about settings."""
    return str(error).partition(". ")[0]
