"""``q``, ``operator`` and ``order_by``: how ClickSend's collections are searched and sorted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from clicksend.sandbox.api.answers import number
from clicksend.sandbox.switches import Switches

T = TypeVar("T")
Fields = Mapping[str, Callable[[Any], object]]
"""The fields a collection may be searched or sorted by, and how to get each from a row."""


def matching(rows: Sequence[T], query: dict[str, str], fields: Fields, switches: Switches) -> Sequence[T]:
    """Return the rows that ``q=field:value``, or ``q=field:value,field2:value``, asks for.

    Case does not matter, an empty value matches everything, ``operator=OR`` wants one term instead of all. A
    field that is not documented as searchable is ignored (unconfirmed).
    """
    asked = {"one": [query.get("q", "")], "several": query.get("q", "").split(","), "none": []}
    parts = [part.partition(":") for part in asked[switches.q_terms] if part]
    terms = [(field.strip(), value.casefold()) for field, _, value in parts]
    tests = [(fields[field], value) for field, value in terms if value and field in fields]
    if not tests:
        return rows
    combine = any if query.get("operator", "").upper() == "OR" else all
    partly = switches.q_match == "substring"

    def fits(row: T, get: Callable[[Any], object], value: str) -> bool:
        found = str(get(row)).casefold()
        return value in found if partly else value == found

    return [row for row in rows if combine(fits(row, get, value) for get, value in tests)]


def ordered(
    rows: Sequence[T], query: dict[str, str], fields: Fields, switches: Switches, by: str = ""
) -> Sequence[T]:
    """Sort as ``order_by=field:asc|desc`` asks; the rows are sorted by ``by`` already."""
    field, _, direction = query.get("order_by", "").partition(":")
    descending = direction.lower() == "desc"
    if switches.order_by == "ignored" or field not in fields:
        return rows
    if field == by:
        return rows[::-1] if descending else rows
    get = fields[field]
    return sorted(rows, key=lambda row: (get(row) is not None, get(row)), reverse=descending)


def dated(
    rows: Sequence[Any], query: dict[str, str], date: Callable[[Any], int], switches: Switches
) -> tuple[int, int]:
    """Return the range of ``rows``, sorted by ``date``, that ``date_from`` and ``date_to`` ask for."""
    how, first, end = switches.date_filter, 0, len(rows)
    if how == "ignored":
        return first, end
    from_side, to_side = (bisect_left, bisect_right) if how == "inclusive" else (bisect_right, bisect_left)
    date_from, date_to = number(query, "date_from"), number(query, "date_to")
    if date_from is not None:
        first = from_side(rows, date_from, key=date)
    if date_to is not None:
        end = to_side(rows, date_to, key=date)
    return first, max(first, end)
