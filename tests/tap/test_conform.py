"""Values that maps made go out in the types of their schema, without loss or not at all."""

import math
from decimal import Decimal

import pytest

from clicksend.errors import SettingsError
from tap_clicksend.rows.conform import Conformer

NULLABLE = {kind: {"type": [kind, "null"]} for kind in ("integer", "number", "string", "boolean")}
TEXTS = {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
COUNTS = {"type": ["array", "null"], "items": {"type": ["integer", "null"]}}


def conformed(value, column):
    return Conformer("texts", {"properties": {"x": column}})({"x": value})["x"]


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (2.0, NULLABLE["integer"], 2),
        (Decimal("2.00"), NULLABLE["integer"], 2),
        (True, NULLABLE["integer"], 1),
        (True, NULLABLE["number"], 1),
        (5, NULLABLE["number"], 5),
        (2.5, NULLABLE["number"], 2.5),
        (math.nan, NULLABLE["number"], None),
        (math.inf, NULLABLE["integer"], None),
        (-math.inf, NULLABLE["string"], None),
        (None, NULLABLE["integer"], None),
        (True, NULLABLE["string"], "true"),
        (Decimal("1E+3"), NULLABLE["string"], "1000"),
        (Decimal("1E-7"), NULLABLE["string"], "0.0000001"),
        ([1, "a", None, 2.5], TEXTS, ["1", "a", None, "2.5"]),
        ([1, 2.0, True, math.nan], COUNTS, [1, 2, 1, None]),
        ({"a": 1}, NULLABLE["string"], '{"a":1}'),
    ],
)
def test_a_value_is_converted_exactly(value, column, expected):
    found = conformed(value, column)
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(expected, list):
        assert list(map(type, found)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("value", "column"),
    [
        (2.5, NULLABLE["integer"]),
        (Decimal("0.1"), NULLABLE["integer"]),
        ("2", NULLABLE["integer"]),
        ("2.5", NULLABLE["number"]),
        (1, NULLABLE["boolean"]),
        (math.nan, {"type": "number"}),
        (None, {"type": ["string"]}),
        ([1.5], COUNTS),
        (["a"], COUNTS),
    ],
)
def test_what_cannot_be_converted_without_loss_ends_the_run_and_is_not_quoted(value, column):
    with pytest.raises(SettingsError, match=r"stream_maps makes \w+ of texts\.x, whose schema says"):
        conformed(value, column)
