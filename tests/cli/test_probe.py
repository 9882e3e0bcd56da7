"""``clicksend probe`` finds the position of every switch, in every dialect, and guesses none."""

import json
from collections import Counter
from random import Random
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from clicksend.probe import report
from clicksend.probe.asking import ask
from clicksend.probe.findings import Standing
from clicksend.probe.points import POINTS
from clicksend.sandbox import Sandbox
from clicksend.sandbox.switches import DIALECTS, Switches, dialect
from tests.cli.probe_cases import ALLOWED, connected, found, let_scheduled_go, many_lists, probing, remains
from tests.sandbox.runner import DAY, EPOCH

NUMBERS = {
    "history_lag": (0, 5),
    "poll_rules": (0, 1, 3),
    "throttle_seconds": (0, 10, 20),
    "part_limit": (3, 8, 100),
}
"""Positions to try of switches that are numbers."""
CANNOT = {
    "drift": "the world's own movement, which no account has",
    "enabled_countries": "the dashboard shows them; asking would take a price for each country",
    "no_credit": "an account would have to be emptied first",
}
"""Switches that the probe does not ask for, and why."""
THROUGH_HUB = ("hub_paths", "hub_envelope", "run_envelope", "hub_balance")
READ = {point.name for point in POINTS if point.needs != "write"}
"""What depends on how rows are spelled."""
BEFORE = {"empty_writes": ("null_clears",)}
"""What must be asked before a point."""
WITH = {"date_before_in": {"query_for_voice": {"legacy_paths": "served"}}}
"""Other switches without which a position makes no difference."""


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def worlds():
    sizes = {"messages": 300, "contacts": 40, "epoch": EPOCH}
    with Sandbox(types="live", **sizes) as live, Sandbox(types="legacy", **sizes) as legacy:
        yield {"live": live, "legacy": legacy}


@pytest.fixture
def world(worlds):
    worlds["live"].control("POST", "reset")
    return worlds["live"]


def positions():
    for name, kind in get_type_hints(Switches).items():
        if name in CANNOT:
            continue
        values = NUMBERS.get(name) or (
            (False, True) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
        )
        assert values, f"{name}: which positions are there?"
        yield from ((name, value, "live") for value in values)
        if name in READ:
            yield from ((name, value, "legacy") for value in values)


def is_further(name, value, types):
    """Return whether a position is another one than the first that the sandbox does not have by itself."""
    unusual = [one for switch, one, _ in positions() if switch == name and one != getattr(Switches(), name)]
    return (value, types) != (unusual[0], "live")


def ready(box, name, value):
    """Give the world what makes a difference for a point."""
    if name == "retention":
        box.advance(60 * DAY)
    elif name == "cancel_filter":
        let_scheduled_go(box)
    elif name == "next_page_url":
        many_lists(box)
    box.control("POST", "switches", {name: value, **WITH.get(name, {}).get(value, {})})


def test_every_switch_has_a_point_or_a_reason():
    asked = {point.name: point for point in POINTS if point.is_switch}
    assert asked.keys() | CANNOT.keys() == set(Switches.__struct_fields__)
    assert not asked.keys() & CANNOT.keys()
    assert Counter(point.name for point in POINTS).most_common(1)[0][1] == 1
    assert {name: point.assumed for name, point in asked.items()} == {
        name: getattr(Switches(), name) for name in asked
    }


@pytest.mark.parametrize(
    ("name", "value", "types"),
    [pytest.param(*one, marks=pytest.mark.long if is_further(*one) else ()) for one in positions()],
    ids=str,
)
def test_it_finds_the_position(worlds, types, name, value):
    box = worlds[types]
    box.control("POST", "reset")
    ready(box, name, value)
    before = remains(box) if box.state()["switches"]["missing_list"] else None
    finding = found(box, *BEFORE.get(name, ()), name, hub=name in THROUGH_HUB)[name]
    assert finding.position == value, finding
    assert type(finding.position) is type(value)
    assert remains(box) == before


@pytest.mark.long
@pytest.mark.parametrize("types", ["live", "legacy"])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_found_whole(worlds, types, name, tmp_path):
    box = worlds[types]
    box.control("POST", "reset")
    let_scheduled_go(box)
    many_lists(box)
    box.control("POST", "switches", msgspec.to_builtins(DIALECTS[name]))
    before = remains(box)
    client = connected(box)
    with probing(client) as account:
        outcomes = list(ask(account, ALLOWED))
        shown = report.as_json(account, outcomes, date="2026-09-21")
    client.close()
    assert remains(box) == before
    unknown = {one.point.name for one in outcomes if one.standing in (Standing.UNKNOWN, Standing.FAILED)}
    assert unknown == {*THROUGH_HUB}
    path = tmp_path / "probe.json"
    path.write_text(json.dumps(shown))
    assert dialect(str(path)) == DIALECTS[name]
    with Sandbox(messages=0, contacts=0, epoch=EPOCH, dialect=str(path)) as other:
        assert other.state()["switches"] == msgspec.to_builtins(DIALECTS[name])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_whatever_comes_together_no_position_is_wrong(worlds, seed):
    rng = Random(seed)
    box = worlds[rng.choice(["live", "legacy"])]
    box.control("POST", "reset")
    let_scheduled_go(box)
    choices = {}
    for name, value, _ in positions():
        choices.setdefault(name, []).append(value)
    mixed = {name: rng.choice(values) for name, values in choices.items() if name not in THROUGH_HUB}
    if mixed["legacy_paths"] == "gone":
        # Nothing tells them apart where calls cannot be marked.
        mixed["date_before_in"] = rng.choice(["body", "query"])
    box.control("POST", "switches", mixed | {"voice_access": True})
    findings = found(box)
    wrong = {
        name: (value, findings[name])
        for name, value in (mixed | {"voice_access": True}).items()
        if findings[name].position not in (None, value)
    }
    assert not wrong
    assert sum(findings[name].position is None for name in mixed) < 10


def test_an_empty_account_cannot_tell():
    with Sandbox(messages=0, contacts=0, epoch=EPOCH) as box:
        client = connected(box)
        with probing(client) as account:
            outcomes = {one.point.name: one for one in ask(account, ())}
        client.close()
    for name in (
        "date_filter",
        "updated_after",
        "order_by",
        "q_match",
        "q_terms",
        "retention",
        "next_page_url",
    ):
        assert outcomes[name].standing is Standing.UNKNOWN, name
        assert outcomes[name].finding.text.startswith("cannot tell: ")


def test_reading_writes_nothing(world):
    client = connected(world)
    with probing(client) as account:
        for one in ask(account, ()):
            assert one.standing is not Standing.FAILED
            assert (one.standing is Standing.NOT_TRIED) == (one.point.needs != "reading")
    client.close()
    writes = {(seen["method"], seen["path"]) for seen in world.requests() if seen["method"] != "GET"}
    assert writes == {("POST", "/sms/price"), ("POST", "/mms/price")}


def test_mixed_answers_are_said_and_are_no_position(world):
    body = {"http_code": 200, "response_code": "SUCCESS", "data": {"total": 0, "last_page": 1, "data": []}}
    world.control("POST", "faults", {"kind": "body", "path": "/sms/history", "body": body, "times": -1})
    finding = found(world, "empty_page")["empty_page"]
    assert (finding.position, finding.text) == (None, "no rows, with last_page, from, to = 1, None, None")


@pytest.mark.long
@pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"data": "x"}, {"data": [1]}, [[1]], {"messages": 1}])
def test_no_shape_of_answers_ends_it(world, data, tmp_path):
    body = {"http_code": 200, "response_code": "SUCCESS", "data": data}
    for path in ("/[!l]*", "/lists/*/c*", "/lists/*/r*"):
        world.control("POST", "faults", {"kind": "body", "path": path, "body": body, "times": -1})
    client = connected(world)
    with probing(client) as account:
        outcomes = list(ask(account, ALLOWED))
        shown = report.as_json(account, outcomes, date="2026-09-21")
    client.close()
    assert len(outcomes) == len(POINTS)
    (tmp_path / "probe.json").write_text(json.dumps(shown))
    dialect(str(tmp_path / "probe.json"))


@pytest.mark.long
@pytest.mark.parametrize("status", [400, 403, 404, 405, 429, 500])
def test_no_error_ends_it(world, status):
    world.control("POST", "faults", {"kind": "status", "path": "/[!cl]*", "status": status, "times": -1})
    client = connected(world)
    with probing(client) as account:
        outcomes = list(ask(account, ALLOWED))
    client.close()
    assert len(outcomes) == len(POINTS)
    failed = [one for one in outcomes if one.standing is Standing.FAILED]
    assert bool(failed) == (status in (429, 500))
