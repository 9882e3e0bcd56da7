"""Rows as Arrow: types from the JSON schema alone, no row lost, nothing changed silently."""

import io
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tap_clicksend.rows.arrow import PAGES, ArrowColumns
from tap_clicksend.tap import TapClickSend

UTC_TIME = pa.timestamp("us", "UTC")
PRICE = pa.decimal128(38, 9)
TEXTS = pa.list_(pa.string())
STREAMS = TapClickSend(validate_config=False).streams
NUMBER = {"type": ["number", "null"]}
NULLABLE_TIME = {"type": ["string", "null"], "format": "date-time"}


def columns(**properties):
    return ArrowColumns({"type": "object", "properties": properties})


def values(column, given):
    """Return what a column makes of values."""
    return table(columns(x=column), [{"x": value} for value in given]).column(0).to_pylist()


def table(made, rows):
    """Return rows as one page in Arrow."""
    return made.table([made.encode_rows(rows)])


@pytest.mark.parametrize(
    ("column", "arrow"),
    [
        ({"type": "string"}, pa.string()),
        ({"type": ["string", "null"]}, pa.string()),
        ({"type": ["null", "string"], "format": "date-time"}, UTC_TIME),
        ({"type": ["string", "null"], "format": "date"}, pa.string()),
        ({"type": ["integer", "null"]}, pa.int64()),
        ({"type": ["number", "null"]}, PRICE),
        ({"type": ["integer", "number", "null"]}, PRICE),
        ({"type": ["boolean", "null"]}, pa.bool_()),
        ({"type": ["array", "null"], "items": {"type": ["string", "null"]}}, TEXTS),
        ({"type": "array", "items": {"type": "object"}}, pa.string()),
        ({"type": ["object", "null"], "additionalProperties": True}, pa.string()),
        ({"type": ["string", "object", "null"]}, pa.string()),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, pa.string()),
        ({}, pa.string()),
    ],
    ids=str,
)
def test_types_come_from_the_schema(column, arrow):
    made = columns(x=column)
    assert made.schema == pa.schema([("x", arrow)])
    for rows in ([], [{"x": None}], [{}]):
        assert table(made, rows).schema == made.schema
        assert table(made, rows).column("x").null_count == len(rows)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_stream_has_one_schema_and_an_empty_parquet_file_keeps_it(stream):
    made = ArrowColumns(STREAMS[stream].schema)
    assert made.schema.names == list(STREAMS[stream].schema["properties"])
    pq.write_table(made.table([]), file := io.BytesIO())
    file.seek(0)
    assert pq.read_table(file).schema == made.schema


def test_a_mapped_and_flattened_schema_works_alone():
    maps = {"account": {"name_hash": "md5(username)", "credit": "float(balance)"}}
    config = {"username": "u", "api_key": "k", "stream_maps": maps}
    tap = TapClickSend(config=config | {"flattening_enabled": True, "flattening_max_depth": 1})
    (stream_map,) = tap.streams["account"].stream_maps
    made = ArrowColumns(stream_map.transformed_schema)
    mapped = table(made, [{"name_hash": "ab", "credit": 0.1}])
    assert mapped.schema.field("name_hash").type == pa.string()
    assert mapped.select(["name_hash", "credit"]).to_pylist() == [
        {"name_hash": "ab", "credit": Decimal("0.1")}
    ]
    assert made.schema.field("_currency").type == pa.string()


class TestNumbers:
    """Exact where they fit; rounded or null, with a warning, where they do not."""

    @pytest.mark.parametrize(
        "number", ["0", "-0.000000001", "1E+3", "99999999999999999999999999999.999999999"]
    )
    def test_what_fits_is_exact(self, number, caplog):
        assert values(NUMBER, [Decimal(number), None]) == [Decimal(number), None]
        assert values(NUMBER, [Decimal(number), "0.5"]) == [Decimal(number), Decimal("0.5")]
        assert not caplog.messages

    def test_too_many_decimals_are_rounded_and_too_large_is_null(self, caplog):
        given = [Decimal("0.0123456789876"), Decimal("1E+29"), Decimal("0.05"), None, float("nan")]
        assert values(NUMBER, given) == [Decimal("0.012345679"), None, Decimal("0.05"), None, None]
        assert "Column x: 2 of 5 values do not fit decimal128(38, 9)" in caplog.text
        assert "0.0123" not in caplog.text

    @pytest.mark.parametrize("number", ["1E+29", "-1E+29", "1E+40", "1E-10"])
    def test_what_alone_does_not_fit_is_noticed(self, number, caplog):
        assert values(NUMBER, [Decimal(number)]) == [Decimal(0) if "-10" in number else None]
        assert "1 of 1" in caplog.text

    def test_floats_and_numeric_text_from_a_map(self, caplog):
        assert values(NUMBER, [0.1, 3, "2.50", True]) == [Decimal("0.1"), 3, Decimal("2.5"), 1]
        assert not caplog.messages

    def test_integers_are_never_cut(self, caplog):
        assert values({"type": "integer"}, [1.5, 2.0]) == [None, 2]
        assert "1 of 2" in caplog.text
        given = [1.5, Decimal("2.5"), 2**63, "7", 8.0, -(2**63), "many"]
        assert values({"type": "integer"}, given) == [None, None, None, 7, 8, -(2**63), None]
        assert "4 of 7" in caplog.text


@pytest.fixture
def _far_from_utc(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Chicago")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_utc")
def test_times():
    moment = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
    plain = ["2026-10-01T12:30:00+00:00", None]
    assert values(NULLABLE_TIME, plain) == [moment, None]
    odd = ["2026-10-01T14:30:00+02:00", "2026-10-01 12:30", moment, "2026-10-01T12:30:00Z"]
    assert values(NULLABLE_TIME, odd) == [moment] * 4


def test_a_time_that_is_none_is_null_and_reported(caplog):
    assert values(NULLABLE_TIME, ["soon", "2026-10-01T00:00:00Z"]) == [
        None,
        datetime(2026, 10, 1, tzinfo=UTC),
    ]
    assert "Column x: 1 of 2" in caplog.text
    assert "soon" not in caplog.text


def test_text_takes_whatever_a_map_makes():
    given = ["as it is", 5, Decimal("0.10"), True, {"a": Decimal("0.1")}, ["b"], 'a "quote" in ü\n']
    expected = ["as it is", "5", "0.10", "true", '{"a":0.1}', '["b"]', 'a "quote" in ü\n']
    assert values({"type": "string"}, given) == expected


def test_booleans(caplog):
    assert values({"type": "boolean"}, [True, False, None]) == [True, False, None]
    assert values({"type": "boolean"}, [1, "false", "perhaps"]) == [True, False, None]
    assert "1 of 3" in caplog.text


def test_lists_never_fall_apart_into_letters():
    column = {"type": ["array", "null"], "items": {"type": "string"}}
    assert values(column, [["female", "male"], None, []]) == [["female", "male"], None, []]
    assert values(column, ["male", [1, None]]) == [["male"], ["1", None]]


def test_objects_are_json_text():
    given = [{"price": Decimal("0.050"), "words": ["ü", None]}, None, {}, "text"]
    read = [text and json.loads(text, parse_float=Decimal) for text in values({"type": "object"}, given)]
    assert read == given


def test_a_value_that_does_not_fit_costs_no_row():
    made = columns(x={"type": "integer"})
    pages = [made.encode_rows([{"x": number}]) for number in range(PAGES + 5)]
    pages[3] = made.encode_rows([{"x": "three"}])
    column = made.table(iter(pages)).column("x")
    assert column.null_count == 1
    assert column.to_pylist()[-1] == PAGES + 4
    assert len(column) == len(pages)


def test_pages_without_rows_between_others_cost_nothing():
    made = columns(x={"type": "integer"})
    pages = [made.encode_rows([])] * PAGES + [made.encode_rows([{"x": 1}])]
    assert made.table(pages).column("x").to_pylist() == [1]


def test_rows_longer_than_what_arrow_reads_at_once():
    made, text = columns(x={"type": "string"}), "ü" * 3_000_000
    assert table(made, [{"x": text}, {"x": None}]).column("x").to_pylist() == [text, None]


@pytest.mark.long
def test_nothing_is_imported_while_rows_are_read():
    """It would keep all threads waiting: 0.1 s for pyarrow.compute."""
    code = """
import io, sys
from datetime import UTC, datetime
from tap_clicksend.rows.arrow import Parquet
parquet = Parquet({"properties": {"x": {"type": "string", "format": "date-time"}}}, zipped=False,
    began=datetime.now(UTC))
before = set(sys.modules)
parquet.write(io.BytesIO(), [parquet.part(parquet.encode_rows([{"x": "2026-10-01"}]))])
print(set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
