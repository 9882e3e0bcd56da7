"""Points about marking receipts as read.

Two dates go out, one in the body and one in the query, so chosen that what stays unread tells which of them
is read, and with which time of a receipt it is compared. A second call then names the very second of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from clicksend.errors import ApiError
from clicksend.paging import Row, read_pages
from clicksend.probe.account import Account, seconds
from clicksend.probe.findings import Finding, Unknown

MOST_RECEIPTS = 2000
MOST_CUTS = 16
TOO_FEW = "the unread receipts are too few, or too much alike."


class Receipt(NamedTuple):
    """An unread receipt: which it is, when its message was sent and when it was reported (Unix seconds)."""

    key: tuple[str, ...]
    sent: int
    reported: int


class Way(NamedTuple):
    """One way to read ``date_before``; a place of "nowhere" marks everything."""

    place: str
    time: str

    def stays(self, receipt: Receipt, body: int, query: int) -> bool:
        """Tell whether a receipt stays unread."""
        cut = body if self.place == "body" else query
        return self.place != "nowhere" and self.when(receipt) >= cut

    def when(self, receipt: Receipt) -> int:
        """Return the time that is compared."""
        return receipt.sent if self.time == "sent" else receipt.reported


NOWHERE = Way("nowhere", "")
WAYS = [*(Way(place, time) for place, time in product(("body", "query"), ("sent", "reported"))), NOWHERE]


def date_before_in(account: Account) -> Finding:
    """Tell where the date is read."""
    finding = _agreed(way.place for way in _sms(account))
    if finding.position != "body":
        return finding
    try:
        voice = {way.place for way in _marked(account, "voice")}
    except ApiError as error:
        return Finding("body", f"body; {error.status} for calls")
    except Unknown:
        voice = set()
    if voice == {"query"}:
        return Finding("query_for_voice")
    if voice != {"body"}:
        raise Unknown("in the body for text messages; calls do not tell")
    return finding


def date_before_time(account: Account) -> Finding:
    """Tell which time of a receipt the date is compared with."""
    return _agreed(way.time for way in _sms(account))


def date_before(account: Account) -> Finding:
    """Tell whether the second of the date is marked too."""
    ways = _sms(account)
    unread = _unread(account, "sms")
    if len(ways) != 1 or NOWHERE in ways or not unread:
        raise Unknown(TOO_FEW)
    cut = min(map(ways[0].when, unread))
    _mark(account, "sms", cut, cut)
    marked = unread - _unread(account, "sms")
    at_cut = {one for one in unread if ways[0].when(one) == cut}
    if marked in (set(), at_cut):
        return Finding("inclusive" if marked else "exclusive")
    return Finding(None, "others were marked")


def _sms(account: Account) -> list[Way]:
    ways: list[Way] = account.once("marked", lambda: _marked(account, "sms"))
    return ways


def _agreed(values: Iterable[str]) -> Finding:
    found = {*values}
    if not found:
        return Finding(None, "in none of the ways that we know")
    if len(found) > 1:
        raise Unknown(TOO_FEW)
    (position,) = found
    return Finding(None, "the date is ignored: all were marked") if position in NOWHERE else Finding(position)


def _marked(account: Account, channel: str) -> list[Way]:
    """Mark receipts and return the ways to read the dates that explain what stayed unread."""
    before = _unread(account, channel)
    body, query = _cuts(before)
    _mark(account, channel, body, query)
    left = before & _unread(account, channel)
    return [way for way in WAYS if _stay(way, before, body, query) == left]


def _mark(account: Account, channel: str, body: int, query: int) -> None:
    account.put(f"/{channel}/receipts-read", {"date_before": body}, date_before=query)


def _cuts(receipts: set[Receipt]) -> tuple[int, int]:
    """Return two dates under which the most ways differ, and that leave the most; no receipt has them."""
    times = {time for one in receipts for time in (one.sent, one.reported)}
    tried = sorted({time + 1 for time in times} - times)[:MOST_CUTS]
    if not tried:
        raise Unknown("there is no unread receipt")

    def worth(pair: tuple[int, int]) -> tuple[int, int]:
        left = [_stay(way, receipts, *pair) for way in WAYS]
        return len({*left}), min(map(len, left[:-1]))

    return max(product(tried, tried), key=worth)


def _stay(way: Way, receipts: set[Receipt], body: int, query: int) -> frozenset[Receipt]:
    return frozenset(one for one in receipts if way.stays(one, body, query))


def _unread(account: Account, channel: str) -> set[Receipt]:
    receipts: set[Receipt] = set()
    for page in read_pages(account.client, f"/{channel}/receipts"):
        if (page.total or 0) > MOST_RECEIPTS:
            raise Unknown(f"there are more than {MOST_RECEIPTS} unread receipts")
        receipts |= {_receipt(row) for row in page.rows}
    return receipts


def _receipt(row: Row) -> Receipt:
    sent, reported = (seconds(row.get(name)) for name in ("timestamp_send", "timestamp"))
    if sent is None or reported is None:
        raise Unknown("a receipt has not both of its times")
    return Receipt((str(row.get("message_id")), str(row.get("status_code"))), sent, reported)
