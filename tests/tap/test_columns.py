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
        ("text", True, "true"),
        ("text", Decimal("1.50"), "1.50"),
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
        ("price", "1234567890123.123456789", Decimal("1234567890123.123456789")),
        ("price", Decimal("0.10000000000000000555"), Decimal("0.10000000000000000555")),
        ("price", Decimal("7.7050"), Decimal("7.705")),
        ("time", 1728000000, 1728000000),
        ("time", "1728000000", 1728000000),
        ("time", "1728000000000", 1728000000),
        ("time", "1721099039,", 1721099039),
        ("time", "2024-10-04T02:00:00+02:00", 1728000000),
        ("time", "2024-10-04 00:00:00", 1728000000),
        ("time", "", None),
        ("time", 0, None),
        ("time", "0", None),
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


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            ("integer", value)
            for value in ("1.5", Decimal("0.5"), "0.0700", "-2.25", 2**63, -(2**63), str(2**63))
        ),
        *(("integer", value) for value in ("1e3", "0x1F", "many", {"a": 1}, [1])),
        *(("id", value) for value in ("1.5", 10**30, "none")),
        *(("price", value) for value in ("1,5", "NaN", "Infinity", "free", {"a": 1}, [1])),
        *(("time", value) for value in ("soon", "2026-13-01", "2026-02-30T00:00:00Z", "1e9", 10**20, [1])),
        *(("text", value) for value in ({"a": 1}, [1])),
        *(("mapping", value) for value in ("text", 5, [1])),
        *(("words", value) for value in ({"a": 1}, [{"a": 1}])),
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came(kind, value):
    for rows in ([{kind: value}], [{}, {kind: value}, {kind: None}]):
        parsed = StreamSchema(KINDS, keys=()).parse(rows).rows()
        (row,) = [row for row in parsed if row["extra"]]
        assert row == dict.fromkeys(KINDS) | {"extra": {kind: value}}
        assert len(parsed) == len(rows)


NAMES = [
    "api_key",
    "apikey",
    "apiKey",
    "API_KEY",
    "live_api_key",
    "password",
    "Password2",
    "client_secret",
    "auth_token",
]


@pytest.mark.parametrize("name", [*NAMES, "accessToken"])
def test_what_opens_something_is_left_out_wherever_it_stands(name):
    opens = {name: "hidden", "kept": 1}
    nested = {"a": [opens, [opens]], "b": {"c": opens}}
    without = {"a": [{"kept": 1}, [{"kept": 1}]], "b": {"c": {"kept": 1}}}
    row = {**opens, "new": nested, "mapping": nested, "text": nested, "integer": [opens]}
    (parsed,) = StreamSchema(KINDS, keys=()).parse([row]).rows()
    assert parsed["mapping"] == without
    assert parsed["extra"] == {"kept": 1, "new": without, "text": without, "integer": [{"kept": 1}]}


def test_empty_text_is_null_whatever_is_beside_it():
    for texts in (["", "a"], ["a", ""], [""], [None, ""], ["", 5]):
        read = StreamSchema(KINDS, keys=()).parse([{"text": text} for text in texts])["text"]
        assert list(read) == [str(text) if text else None for text in texts]


def test_a_row_needs_every_part_of_its_key():
    schema = StreamSchema({name: columns.integer("I.") for name in "abc"}, keys=("a", "b"))
    batch = schema.parse([{"a": 1, "b": 2}, {"a": 1}, {"b": 2}, {"c": 3}, {"a": 0, "b": 0}])
    assert schema.keys_of(schema.with_keys(batch)) == [(1, 2), (0, 0)]


@pytest.mark.parametrize("old_first", [True, False])
def test_an_older_name_never_takes_the_place_of_the_newer(old_first):
    schema = StreamSchema({"at": columns.time("T.", old_names=("sent",))}, keys=())
    both = {"sent": 5, "at": 7} if old_first else {"at": 7, "sent": 5}
    assert schema.parse([both, {"sent": 9}]).rows() == [
        {"at": columns.iso(7), "extra": {"sent": 5}},
        {"at": columns.iso(9), "extra": None},
    ]


def test_list_0_and_contact_0_are_none_unless_they_are_the_row():
    """ClickSend writes 0 for a message that went to no list."""
    found = {
        (stream.name, name)
        for stream in ALL
        for name in {"list_id", "contact_id"} & stream.columns.keys()
        if stream.columns[name].read(0) is not None
    }
    assert found == {("lists", "list_id"), ("contacts", "list_id"), ("contacts", "contact_id")}
