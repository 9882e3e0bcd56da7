"""Column types: whatever arrives, one type leaves, and nothing is lost."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_clicksend.rows import columns
from tap_clicksend.rows.schema import StreamSchema
from tap_clicksend.streams import ALL

KINDS = {
    "text": columns.text("T."),
    "integer": columns.integer("I."),
    "id": columns.integer("I.", zero_is_none=True),
    "price": columns.price("P."),
    "time": columns.time("T."),
    "words": columns.words("W."),
    "mapping": columns.mapping("M."),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["", "0", "1.00", "1728000000", "1728000000000", 1728000000123, "1721099039,", "0.0700", "1e400"]
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
encode = msgspec.json.Encoder(decimal_format="number").encode


@pytest.mark.parametrize(
    ("kind", "arriving", "leaving"),
    [
        ("text", "", None),
        ("text", 201, "201"),
        ("text", 'Zoë 😀 "x"\n', 'Zoë 😀 "x"\n'),
        ("integer", "1.00", 1),
        ("integer", 1, 1),
        ("integer", "", None),
        ("integer", "1581565666", 1581565666),
        ("integer", True, 1),
        ("id", 0, None),
        ("id", "0", None),
        ("id", "2932037", 2932037),
        ("price", "0.070000", Decimal("0.07")),
        ("price", "10.0000", Decimal(10)),
        ("price", 0, Decimal(0)),
        ("price", Decimal("7.7050"), Decimal("7.705")),
        ("time", 1728000000, 1728000000),
        ("time", "1728000000", 1728000000),
        ("time", "1728000000000", 1728000000),
        ("time", "1721099039,", 1721099039),
        ("time", "2024-10-04T02:00:00+02:00", 1728000000),
        ("time", "2024-10-04 00:00:00", 1728000000),
        ("time", "", None),
        ("words", "female", ["female"]),
        ("words", ["female", "male"], ["female", "male"]),
        ("mapping", [], None),
        ("mapping", {"a": {"api_key": "hidden", "b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_values_that_the_api_is_known_to_send(kind, arriving, leaving):
    result = KINDS[kind].read(arriving)
    assert result == leaving
    assert type(result) is type(leaving)


@given(st.integers(1, 10**11 - 1))
@example(10**8)
@example(10**11 - 1)
def test_seconds_strings_milliseconds_and_iso_mean_the_same_time(seconds):
    read = KINDS["time"].read
    spelled = datetime.fromtimestamp(seconds, UTC).isoformat()
    assert read(seconds) == read(str(seconds)) == read(spelled) == seconds
    if seconds * 1000 >= 10**11:
        assert read(seconds * 1000 + 999) == seconds


@given(st.datetimes(timezones=st.timezones()))
def test_any_time_that_iso_8601_can_spell_goes_out_to_the_second(moment):
    try:
        expected = moment.astimezone(UTC).isoformat(timespec="seconds")
    except OverflowError:
        with pytest.raises(ValueError, match="years 1 to 9999"):
            KINDS["time"].read(moment.isoformat())
    else:
        stream_schema = StreamSchema({"time": KINDS["time"]}, keys=())
        assert stream_schema.parse([{"time": moment.isoformat()}]).rows() == [
            {"time": expected, "extra": None}
        ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_prices_are_exact_and_spelled_alike(amount):
    read = KINDS["price"].read
    assert read(str(amount)) == read(amount) == amount
    assert encode(read(str(amount))) == encode(read(f"{amount}00"))
    assert b"E" not in encode(read(amount)) or abs(amount) < Decimal("0.000001")


def means_none(kind, value):
    zero = kind in ("id", "time") and re.fullmatch(r"[+-]?0*(\.0*)?", str(value).strip(" ,")) is not None
    return value in (None, "", [], {}, False) or zero or columns.without_secrets(value) == {}


@given(st.fixed_dictionaries(dict.fromkeys(KINDS, JSON)), st.dictionaries(st.text(), JSON))
def test_any_row_fits_its_schema_and_keeps_what_it_cannot_read(values, unknown):
    stream_schema = StreamSchema(KINDS, keys=())
    (row,) = stream_schema.parse([{**unknown, **values}]).rows()
    Draft202012Validator(stream_schema.json_schema).validate(json.loads(encode(row)))
    assert list(row) == [*KINDS, "extra"]
    kept = row["extra"] or {}
    for name, value in values.items():
        assert row[name] is not None or name in kept or means_none(name, value)
    for name, value in unknown.items():
        if name not in KINDS and not columns.SECRETS.search(name):
            assert kept[name] == columns.without_secrets(value)


@pytest.mark.parametrize("stream", ALL, ids=lambda stream: stream.name)
def test_every_column_of_every_stream_says_what_it_is(stream):
    stream_schema = StreamSchema(stream.columns, stream.primary_keys)
    for name, schema in stream_schema.json_schema["properties"].items():
        assert schema["description"].rstrip().endswith("."), name
        assert ("null" in schema["type"]) == (name not in stream.primary_keys), name
    Draft202012Validator.check_schema(stream_schema.json_schema)
    times = {name for name, schema in stream_schema.json_schema["properties"].items() if "format" in schema}
    assert stream_schema.parse([]).times == times


def test_secrets_never_reach_extra():
    (row,) = (
        StreamSchema({}, keys=())
        .parse([{"api_key": "hidden", "new": [{"Password": "hidden", "kept": 1}]}])
        .rows()
    )
    assert row == {"extra": {"new": [{"kept": 1}]}}
