"""Points about filters, order and search: asked for rows that are known."""

from __future__ import annotations

from datetime import UTC, datetime

from clicksend.errors import ApiError, ForbiddenError, NotFoundError
from clicksend.paging import LARGEST_PAGE, Row, id_of
from clicksend.probe.account import Account, seconds
from clicksend.probe.findings import Finding, Unknown

HISTORY = "/sms/history"
MOST_LISTS = 20
NO_ROWS = "there is no text message"
NO_ONE = "+000000000000"
DAY = 86_400
KEPT = (118, 125)
"""Days: four months, some days more or less."""
MONTHS_BACK = range(6, 13)


def date_filter(account: Account) -> Finding:
    """Ask for the second of a message, and for the seconds beside it."""
    second = _date(_known(account))

    def found(date_from: int, date_to: int) -> bool:
        """Tell whether that second is among what is found.

        Raises:
            _Ignored: There are others.
        """
        page = account.page(HISTORY, date_from=date_from, date_to=date_to, limit=LARGEST_PAGE)
        dates = {_date(row) for row in page.rows}
        if dates - {*range(date_from, date_to + 1)}:
            raise _Ignored
        return second in dates

    try:
        ends = found(second, second)
        if not found(second - 1, second + 1):
            raise Unknown("a message is not found by the seconds around it")
        sides = (found(second, second + 1), found(second - 1, second))
    except _Ignored:
        return Finding("ignored")
    if ends and all(sides):
        return Finding("inclusive")
    if not ends and not any(sides):
        return Finding("exclusive")
    named = ["inclusive" if side else "exclusive" for side in sides]
    return Finding(None, f"date_from is {named[0]}, date_to {named[1]}")


class _Ignored(Exception):  # noqa: N818 - an answer, not a failure
    """A filter lets others through."""


def updated_after(account: Account) -> Finding:
    """Ask for contacts after the second in which one was changed last."""
    for list_id in _lists(account):
        path = f"/lists/{list_id}/contacts"
        rows = account.page(path, limit=LARGEST_PAGE).rows
        times = [time for row in rows if (time := seconds(row.get("date_updated")))]
        if not times:
            continue
        last = max(times)

        def found(after: int, path: str = path) -> set[int]:
            page = account.page(path, limit=LARGEST_PAGE, updated_after=after)
            return {seconds(row.get("date_updated")) or 0 for row in page.rows}

        at, before = found(last), found(last - 1)
        if min(at | before) < last - 1:
            return Finding(None, "ignored: older contacts came too")
        if last not in before:
            raise Unknown("a contact is not found after the second before its change")
        return Finding("inclusive" if last in at else "strict")
    raise Unknown("there is no contact")


def order_by(account: Account) -> Finding:
    """Ask for both orders."""
    first, second = (
        [_date(row) for row in account.page(HISTORY, limit=15, order_by=f"date:{way}").rows]
        for way in ("asc", "desc")
    )
    if len({*first, *second}) < 2:  # noqa: PLR2004
        raise Unknown("there are no two text messages of different times")
    if first == second:
        return Finding("ignored")
    if first == sorted(first) and second == sorted(second, reverse=True):
        return Finding("honoured")
    return Finding(None, "neither order was kept")


def q_match(account: Account) -> Finding:
    """Search a known message by its recipient, and by a part of that."""
    if _searches(account) is None:
        raise Unknown("q is ignored")
    number = str(_known(account)["to"])
    part = number[4:]
    rows = _search(account, f"to:{part}")
    if not rows:
        return Finding("exact")
    if all(part in str(row.get("to")) for row in rows):
        return Finding("substring")
    return Finding(None, "a part finds others, too")


def q_terms(account: Account) -> Finding:
    """Search a known message by one term, and by two of which both, one or none fit."""
    status = _searches(account)
    if status is None:
        return Finding("none")
    number = str(_known(account)["to"])
    both = bool(_search(account, f"to:{number},status:{status}"))
    others = (
        bool(_search(account, f"to:{number},status:Nonesuch")),
        bool(_search(account, f"to:{NO_ONE},status:{status}")),
    )
    if not any((both, *others)):
        return Finding("one")
    if both and not any(others):
        return Finding("several")
    fitting = {(True, True): "one of two terms is enough", (True, False): "only the first term counts"}
    return Finding(None, fitting.get(others, "only the last term counts"))


def retention(account: Account) -> Finding:
    """Look how old the oldest message is, and whether there must have been older ones."""
    first = account.page(HISTORY, limit=LARGEST_PAGE, order_by="date:asc")
    rows = first.rows
    if first.last_page > 1:
        rows = (
            rows + account.page(HISTORY, limit=LARGEST_PAGE, order_by="date:asc", page=first.last_page).rows
        )
    now = account.now()
    days = (now - min(map(_date, rows))) // DAY if rows else 0
    least, most = KEPT
    if days > most:
        return Finding(position=False, text=f"no: the oldest message is {days} days old")
    if days >= least:
        return Finding(position=True, text=f"yes: the oldest message is {days} days old")
    if any(_sent_in(account, now, months) for months in MONTHS_BACK):
        return Finding(position=True, text=f"yes: the oldest is {days} days old, the usage knows older ones")
    raise Unknown(f"no trace of messages older than {least} days")


def _sent_in(account: Account, now: int, months: int) -> bool:
    """Tell whether the usage of a month has messages."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    try:
        usage = account.get(f"/account/usage/{year}/{month + 1}/subaccount")
    except (ForbiddenError, NotFoundError):
        return False
    return bool(usage.get("sms"))


def _searches(account: Account) -> str | None:
    """Return the status of the known message, None when ``q`` is ignored."""

    def asked() -> str | None:
        row = _known(account)
        if _search(account, f"to:{NO_ONE}"):
            return None
        if not _search(account, f"to:{row['to']}"):
            raise Unknown("a message is not found by its recipient")
        return str(row["status"])

    status: str | None = account.once("searches", asked)
    return status


def _search(account: Account, terms: str) -> list[Row]:
    return account.page(HISTORY, limit=15, q=terms).rows


def _known(account: Account) -> Row:
    """Return a message that can be searched for."""
    for row in account.history():
        number, status = str(row.get("to")), str(row.get("status"))
        if number[:1] == "+" and number[1:].isdigit() and status.isalpha():
            return row
    raise Unknown(NO_ROWS)


def _lists(account: Account) -> list[int]:
    try:
        rows = account.page("/lists", limit=LARGEST_PAGE).rows
    except ApiError:
        return []
    return [id_of(row, "list_id", "GET /lists") for row in rows[:MOST_LISTS]]


def _date(row: Row) -> int:
    found = seconds(row.get("date"))
    if found is None:
        raise Unknown("a message's date is not a time in seconds")
    return found
