"""What waits in memory and what waits on disk is found the same way."""

from __future__ import annotations

import pytest

from target_clicksend.messages.spool import Batch, Spool
from target_clicksend.row import Row
from tests.target.messages.gates.cases import message


def waiting(number, key="key", custom_string=None):
    return message(row=Row(number, "texts", key, "{}", {}), custom_string=custom_string)


@pytest.fixture(params=[Batch, Spool])
def filled(request):
    """Return what waits: names with blanks, a long one, none; two messages of one key."""
    filled = request.param()
    for number, name in enumerate(["order 7", " order 7  ", "order 8", None, "", "x" * 50], 1):
        filled.add(waiting(number, f"key {number // 2}", name))
    return filled


def numbers(messages):
    return [one.row.number for one in messages]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order 7", [1, 2]),
        ("order 7 ", [1, 2]),
        (" order 8", [3]),
        ("Order 7", []),
        ("x" * 50, [6]),
        (None, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_by_custom_string_blanks_aside(filled, name, expected):
    assert numbers(filled.of_custom_string(name)) == expected


def test_by_key_in_order_of_arrival(filled):
    assert numbers(filled.of_key("key 1")) == [2, 3]
    assert filled.of_key("key") == []


def test_all_in_order_and_none_twice_though_some_go_meanwhile(filled):
    seen = []
    for batch in filled.batches(4):
        for one in batch:
            seen.append(one.row.number)
            filled.remove(one)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert len(filled) == 0


def test_what_goes_is_gone(filled):
    filled.remove(waiting(2))
    assert len(filled) == 5
    assert numbers(filled.of_custom_string("order 7")) == [1]
