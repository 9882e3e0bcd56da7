"""What nobody has confirmed about the API: the tap extracts the same rows whichever way it is."""

from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from clicksend.sandbox import Sandbox
from clicksend.sandbox.switches import DIALECTS, Switches
from tap_clicksend.streams import ALL
from tests.sandbox.runner import EPOCH
from tests.tap.runner import run_tap

OTHER_ROWS = {
    "legacy_paths": {"mms_receipts"},
    "missing_list": set(),
}
"""Streams that a position of a switch leaves without rows, by switch."""
NOT_READING = frozenset(
    # Whether the hub serves anything at all is told apart in the tests of the connection; the others are
    # about writing.
    [
        "hub_paths",
        "hub_balance",
        "bad_phone",
        "contact_text",
        "null_clears",
        "copy",
        "duplicate_fields",
        "other_fields",
        "cancel_filter",
        "date_before",
        "date_before_in",
        "date_before_time",
        "existing_address",
        "no_credit",
        "too_many_recipients",
        "answer_order",
        "answer_rows",
        "gsm_extension",
        "media_file",
    ]
)
NAMES = [stream.name for stream in ALL]


def positions():
    """Yield each switch of reading with each of its positions but the one of the world."""
    for name, kind in get_type_hints(Switches).items():
        if get_origin(kind) is Literal and name not in NOT_READING:
            usual = getattr(DIALECTS["documented"], name)
            yield from ((name, value) for value in get_args(kind) if value != usual)


@pytest.fixture(scope="module", params=["live", "legacy"])
def world(request):
    with Sandbox(types=request.param, messages=120, contacts=60, epoch=EPOCH, dialect="documented") as box:
        yield box


@pytest.fixture(scope="module")
def usual(world):
    return rows(world)


def rows(world):
    output = run_tap(world.api_url, page_size=40, start_date="2026-01-01")
    volatile = {"_media_file_url"}
    return {
        name: sorted(
            repr(sorted((k, v) for k, v in row.items() if k not in volatile)) for row in output.rows(name)
        )
        for name in NAMES
    }


@pytest.mark.parametrize(("switch", "value"), list(positions()), ids=str)
def test_the_rows_are_the_same_whichever_way_it_is(world, usual, switch, value):
    world.control("POST", "reset")
    world.control("POST", "switches", {switch: value})
    expected = usual | {name: [] for name in OTHER_ROWS.get(switch, ())}
    found = rows(world)
    assert {name: len(some) for name, some in found.items()} == {n: len(s) for n, s in expected.items()}
    assert found == expected
    world.control("POST", "reset")


def test_most_switches_are_tried():
    assert len({name for name, _ in positions()}) >= 10
