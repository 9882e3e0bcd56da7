"""Rows that no table should hold: each gets an outcome, and the good row after them is done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clicksend.sandbox import API_KEY
from target_clicksend.settings import NAMES
from target_clicksend.target import sink_class
from tests.conftest import budget
from tests.sandbox.runner import EPOCH
from tests.target.messages.cases import ROWS, TO
from tests.target.runner import schema, state

GOOD: dict[str, dict[str, Any]] = {
    "cancellations": {"custom_string": "mine"},
    "contact_lists": {"list_name": "A new list"},
    "contacts": {"phone_number": "+14155550001", "list_name": "s"},
    "sms_templates": {"template_name": "A new one", "body": "Hello"},
    "email_addresses": {"email_address": "somebody@people.example"},
    "notifications": {"to": TO, "template_id": "your_template_id", "variables": {"message": "Hi"}},
    **ROWS,
}
DEEP, LONG = 200_000, 100_000
STEP = budget(10, 1)
"""Each column gets every so many values, the next column those after them."""
TEXTS = [
    *("[" * DEEP, "{" * DEEP, '{"a":' * DEEP, "[" * 700 + "]" * 700, '{"message":' * 300 + "1" + "}" * 300),
    *(
        "9" * LONG,
        f"-{'9' * LONG}",
        f"0.{'9' * LONG}",
        f"+{'9' * LONG}",
        "a" * LONG,
        "\ud800",
        "a\udfff",
        "\0",
    ),
    *(
        "",
        "  ",
        "\u200b",
        "\u202e",
        "\u2028",
        "null",
        "NaN",
        "{",
        "{}",
        "{{",
        "%s%n",
        "'; drop table meta; --",
    ),
    *("1e999999999", "-1e999999999", "1e-999999999", "Infinity", "1_000", "\u0661", "-0", "--1"),
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00+23:59"),
    *("9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "9999999999", "9999999999999", "0000000000"),
    *(
        "../../etc/passwd",
        "/",
        "Europe",
        "https://[",
        "https://a@b",
        '{"message": NaN}',
        '{"message": 1e400}',
    ),
    json.dumps({"message": "9" * LONG}),
]
VALUES = [
    *("true", "false", "null", "[]", "{}", "[1]", '["a"]', '{"a":{"b":[1]}}', "[[[[]]]]", '{"message":{}}'),
    *("NaN", "-Infinity", "1e400", "1e-400", "1e30", "-1", "0", "1.5", "12345678901234567890123", "9" * LONG),
    *(f"{'[' * 500}{']' * 500}", f"{'[' * LONG}{']' * LONG}", f'"{"9" * 50}"', "-0.0", "1E+2"),
]
ODD = [*map(json.dumps, TEXTS), *VALUES]


TEMPLATE = {"to": TO, "template_name": "test template", "name": "Ann"}
UNIQUE = ("list_name", "phone_number", "email_address", "template_name")
CASES = [
    *(pytest.param(sink, GOOD[sink], {}, id=sink) for sink in NAMES),
    pytest.param("sms_messages", TEMPLATE, {}, id="filled template"),
    pytest.param(
        "contacts",
        GOOD["contacts"],
        {"flattening_enabled": True, "flattening_max_depth": 9},
        id="flattened contacts",
    ),
]


def line(sink, parts):
    """Return a RECORD with values that are JSON already."""
    row = ", ".join(f"{json.dumps(name)}: {value}" for name, value in parts.items())
    return f'{{"type": "RECORD", "stream": "{sink}", "record": {{{row}}}}}'


def poisoned(sink, usual):
    """Yield rows with an odd value in one column; and rows whose columns are odd themselves."""
    columns = sorted(sink_class(sink).columns | usual.keys() | {"id", "made", "price"})
    for number, column in enumerate(columns):
        yield from ({column: value} for value in ODD[number % STEP :: STEP])
    for name in ("n" * 5000, "\ud800", "\0", "", " ", "{", "\u202eto", "to\0", "a" * LONG):
        yield {name: '"x"'}
    yield {f"column_{number}": '"x"' for number in range(2000)}
    yield {f"column_{number}": "[" * 10 + "]" * 10 for number in range(2000)}


def numbered(usual, number):
    """Return the columns of a row that is as it should be, and no other one's duplicate."""
    names = usual.keys() & {*UNIQUE} if "to" not in usual else ()
    own = {name: f"{number}{usual[name]}" for name in names}
    if "phone_number" in own:
        own["phone_number"] = f"+1415555{number:04}"
    return {name: json.dumps(value) for name, value in {"id": number, "made": EPOCH, **usual, **own}.items()}


@pytest.mark.parametrize(("sink", "usual", "config"), CASES)
def test_no_row_stops_a_run(out, sink, usual, config):
    odd = [*poisoned(sink, usual)]
    rows = [numbered(usual, number) | row for number, row in enumerate(odd, 1)]
    rows += [odd[-1], {"n" * 5000: '"x"'}, {}]
    last = numbered(usual, 0) | {"id": "7654321"}
    hub = {"api_url": None, "hub_url": out.url, "username": None, "api_key": API_KEY}
    out.switch(throttle_seconds=0)
    if sink == "cancellations":
        # What cancels nothing is rejected.
        last["custom_string"] = '"last"'
        out.send({"schedule": out.at + 86_400, "custom_string": "last"})
    ran = out.run(
        [schema(sink, ["id"]), *(line(sink, row) for row in [*rows, last]), state({"all": True})],
        **(hub if sink == "notifications" else {}),
        **config,
        create_missing_lists=True,
        quiet_hours={"start": "01:00", "end": "01:01"},
        max_row_age_hours=1_000_000,
        created_at_column="made",
    )
    assert ran.error is None
    assert (ran.report["rows_read"], ran.report["rows_unfinished"]) == (len(rows) + 1, 0)
    assert sum(sum(counts.values()) for counts in ran.report["rows"].values()) == len(rows) + 1
    ((outcome,),) = out.query("select outcome from outcomes where source_key like '%: 7654321%'")
    assert outcome in {"cancelled", "created", "sent"}
