"""The catalog: what it leaves out stays home, what it retypes is converted exactly or refused at once."""

import gzip
import json
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from singer_sdk.contrib.msgspec import encoder

from clicksend.errors import ClickSendError, SettingsError
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Outcome
from clicksend.sandbox import Sandbox
from tap_clicksend.catalog import Columns
from tap_clicksend.rows.arrow import ArrowColumns
from tap_clicksend.rows.schema import StreamSchema
from tap_clicksend.tap import TapClickSend
from tests.conftest import budget
from tests.sandbox.runner import EPOCH
from tests.tap.catalog_cases import (
    ABSENT,
    DESELECTED,
    FITTING,
    REFUSED,
    SCHEMAS,
    STREAMS,
    TEXT,
    changed,
    is_needed,
    own,
    treated,
)
from tests.tap.runner import CREDENTIALS, Output, tap_command

KEY = "a key that nobody guesses"
exactly = msgspec.json.Decoder(float_hook=Decimal).decode


class Exact(Output):
    """Keeps numbers as they are written."""

    def write(self, lines):
        self.messages.extend(exactly(line) for line in bytes(lines).splitlines())


@dataclass(frozen=True)
class World:
    """A sandbox, and the settings that reach it."""

    box: Sandbox
    config: dict[str, Any] = field(repr=False)

    @cached_property
    def _discovered(self):
        catalog = TapClickSend(config=dict(self.config)).catalog_dict
        for entry in catalog["streams"]:
            next(one for one in entry["metadata"] if not one["breadcrumb"])["metadata"]["selected"] = True
        return json.dumps(catalog)

    def catalog(self):
        """Return a catalog in which all is selected."""
        return json.loads(self._discovered)

    def run(self, catalog, **config):
        """Run the tap with a catalog; return what it wrote, and the error that ended it."""
        # The server counts requests, and has a limit.
        self.box.control("POST", "reset")
        output = Exact()
        try:
            tap = TapClickSend(config=self.config | config, catalog=catalog, message_writer=output)
            try:
                tap.sync_all()
            finally:
                tap.client.close()
        except ClickSendError as error:
            return output, error
        return output, None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return the settings of a small world in which every stream has rows."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db"
    with Sandbox(seed=3, messages=40, contacts=12, epoch=EPOCH, dialect="documented") as box:
        with Ledger.open(url, api_url=box.api_url, user_id="7") as ledger:
            for number in range(5):
                about = {
                    "stream": "texts",
                    "source_key": json.dumps({"id": number, "part": 0.5}),
                    "price": Decimal("0.1584"),
                }
                ledger.outcomes.record(
                    "run", [Outcome(key=f"k{number}", sink="sms_messages", outcome="sent", **about)]
                )
        yield World(box, {"api_url": box.api_url, "max_retries": 0, "ledger_url": url, **CREDENTIALS})


@pytest.fixture(scope="module")
def usual(world):
    """Return the rows of each stream without any change to the catalog."""
    output, error = world.run(world.catalog())
    assert error is None
    rows = {stream: output.rows(stream) for stream in STREAMS}
    assert all(rows.values())
    return rows


def rows_of(message, schema):
    """Return the rows that a message brings, as JSON has them."""
    if message["type"] == "RECORD":
        return [message["record"]]
    rows = []
    for url in message["manifest"]:
        path = Path(url.removeprefix("file://"))
        if message["encoding"]["format"] == "parquet":
            rows += [as_json(row, schema) for row in pq.read_table(path).to_pylist()]
        else:
            rows += map(exactly, gzip.decompress(path.read_bytes()).splitlines())
    return rows


def as_json(row, schema):
    """Return a row of parquet: other than text, lists, numbers and times everything is JSON text there."""
    arrow = ArrowColumns(schema).schema
    assert set(row) == set(arrow.names)
    for name, value in row.items():
        declared = schema["properties"][name].get("type", ())
        types = {declared} if isinstance(declared, str) else set(declared)
        if isinstance(value, datetime):
            row[name] = value.isoformat(timespec="seconds")
        elif isinstance(value, Decimal):
            row[name] = float(value)
        elif value is not None and arrow.field(name).type == pa.string() and types - {"null"} != {"string"}:
            row[name] = exactly(value)
    return row


def checked(output):
    """Return the rows by name of their stream, each valid under the SCHEMA before it."""
    schemas, found = {}, {}
    for message in output.messages:
        if message["type"] == "SCHEMA":
            schemas[message["stream"]] = schema = message["schema"]
            Draft7Validator.check_schema(json.loads(json.dumps(schema, default=float)))
            assert set(message.get("key_properties") or ()) <= set(schema["properties"])
        elif message["type"] in ("RECORD", "BATCH"):
            schema = schemas[message["stream"]]
            validator = Draft7Validator(schema)
            for row in rows_of(message, schema):
                for error in validator.iter_errors(row):
                    pytest.fail(f"{message['stream']}.{'.'.join(map(str, error.path))}: {error.message}")
                assert row.keys() <= schema["properties"].keys(), message["stream"]
                found.setdefault(message["stream"], []).append(row)
    return found


def maps_of(kind, given):
    """Return stream maps of one kind for all streams."""
    maps = {}
    for stream, schema in SCHEMAS.items():
        there = [name for name in schema["properties"] if given[stream, name] not in (ABSENT, DESELECTED)]
        keys = STREAMS[stream].primary_keys
        others = [name for name in there if name not in keys]
        values = {name: f"record['{name}']" for name in there}
        maps |= {
            "alias": {stream: {"__alias__": f"renamed_{stream}"}},
            "alias by name": {stream: {"__alias__": "__stream_name__ + '_2'", "one": "1 + 1"}},
            "removed": {stream: None},
            "few": {stream: {**{key: key for key in keys}, "x": values[there[-1]], "__else__": None}},
            "nulls": {stream: dict.fromkeys(others[::2], "__NULL__")},
            "new columns": {stream: {f"new_{name}": value for name, value in values.items()}},
            "the same columns": {stream: {name: value for name, value in values.items() if name in others}},
            "swapped columns": {stream: dict(zip(others, reversed([*values.values()]), strict=False))},
            "comparisons": {stream: {name: f"{values[name]} == {values[name]}" for name in others}},
            "types": {
                stream: {
                    "a": "1 + 1",
                    "b": "0.5",
                    "c": f"str({values[keys[0]]})",
                    "d": "7 / 2",
                    "e": f"[{values[keys[0]]}, None]",
                    "f": f"{{'key': {values[keys[0]]}}}",
                    "g": "record",
                    "h": "bool(1)",
                    "i": "float('1.5')",
                    "j": "datetime.datetime(2026, 1, 1)",
                    "k": "datetime.date(2026, 1, 1)",
                    "l": "None",
                    "m": "1 == 1",
                    "n": "int('7')",
                    "o": "json.dumps([1])",
                }
            },
            "extra map": {f"more_{stream}": {"__source__": stream, "more": values[there[-1]]}},
        }[kind]
    return maps


MAPS = [
    *("alias", "alias by name", "removed", "few", "nulls", "new columns", "the same columns"),
    *("swapped columns", "comparisons", "types", "extra map"),
]
FLATTENED = st.sampled_from([{}, {"flattening_enabled": True, "flattening_max_depth": 2}])
PII = st.sampled_from([{}, {"pii": "drop"}, {"pii": "hash", "pii_key": KEY}])
FORM = st.sampled_from([None, "jsonl", "parquet"])


# Shrinking takes minutes, and says little: most of it is one column's treatment.
@settings(max_examples=budget(2, 20), phases=[Phase.reuse, Phase.generate])
@pytest.mark.parametrize("maps", [None, *MAPS])
@given(
    treatments=st.lists(st.sampled_from([*FITTING]), min_size=1, max_size=9, unique=True),
    flattened=FLATTENED,
    pii=PII,
    form=FORM,
)
def test_every_row_is_valid_under_the_schema_before_it(world, maps, treatments, flattened, pii, form):
    asked = world.catalog()
    given = treated(asked, treatments)
    with tempfile.TemporaryDirectory() as folder:
        config = flattened | pii
        if maps:
            config["stream_maps"] = maps_of(maps, given)
        if form:
            encoding = {"format": form, "compression": "gzip"}
            config["batch_config"] = {"encoding": encoding, "storage": {"root": f"file://{folder}"}}
        output, error = world.run(asked, **config)
        found = checked(output)
    if maps in ("swapped columns", "comparisons"):
        # What is there of no type that its column has.
        assert error is None or "Setting stream_maps makes " in str(error)
    else:
        assert error is None
    if error is None and maps != "removed":
        assert len(found) == len(STREAMS) * (2 if maps == "extra map" else 1)


def converted(value, schema, column_schema):
    """Return what a value must be under a catalog's schema."""
    kind, *_ = schema["type"]
    takes = json.dumps(column_schema)
    if value is None or column_schema == schema or kind == "string":
        return value
    if "type" not in takes or f'"{kind}"' in takes or (kind == "integer" and '"number"' in takes):
        return value
    return format(value, "f") if isinstance(value, Decimal) else encoder.encode(value).decode()


@pytest.mark.parametrize("treatment", FITTING)
def test_what_is_converted_is_converted_exactly(world, usual, treatment):
    asked = world.catalog()
    given = treated(asked, [treatment])
    output, error = world.run(asked)
    assert error is None
    for stream, rows in usual.items():
        expected = [
            {
                name: converted(value, own(stream, name), given[stream, name])
                for name, value in row.items()
                if given[stream, name] not in (ABSENT, DESELECTED)
            }
            for row in rows
        ]
        found = output.rows(stream)
        for row in [*expected, *found]:
            # Texts of objects are compared by what they say.
            for name, value in row.items():
                if isinstance(value, str) and value[:1] in "{[" and "object" in own(stream, name)["type"]:
                    row[name] = exactly(value)
        assert found == expected
        schema = next(m["schema"] for m in output.messages if m["type"] == "SCHEMA" and m["stream"] == stream)
        assert schema["properties"].keys() == expected[0].keys()


@pytest.mark.parametrize("refused", REFUSED)
def test_what_cannot_be_converted_is_refused(refused):
    for stream, schema in SCHEMAS.items():
        columns = Columns(stream, schema, STREAMS[stream].primary_keys)
        names = schema["properties"].keys()
        for name in names:
            asked = json.loads(json.dumps(schema))
            asked["properties"][name] = REFUSED[refused](own(stream, name))
            matching = rf"of {stream}\.{name}, which is .*--discover.*override"
            with pytest.raises(SettingsError, match=matching) as raised:
                columns.select(asked, names, mapped=False)
            said = {word: one for word, one in asked["properties"][name].items() if word != "description"}
            assert json.dumps(said)[:100] in str(raised.value)
            if not is_needed(stream, name):
                # Nobody minds what is not selected.
                columns.select(asked, names - {name}, mapped=False)


def outgoing(change, stream="sms_history", selected=None):
    """Return how rows go out under the stream's own schema, changed."""
    schema, kind = SCHEMAS[stream], STREAMS[stream]
    columns = Columns(stream, schema, [*kind.primary_keys, kind.replication_key])
    asked = json.loads(json.dumps(schema))
    change(asked)
    return columns.select(asked, selected or [*schema["properties"]], mapped=False)


@pytest.mark.parametrize("column", ["message_id", "date"])
def test_a_catalog_without_key_or_replication_key_is_refused(column):
    with pytest.raises(SettingsError, match=rf"leaves out sms_history\.{column}, .*--discover"):
        outgoing(lambda schema: schema["properties"].pop(column))
    names = [name for name in SCHEMAS["sms_history"]["properties"] if name != column]
    with pytest.raises(SettingsError, match=rf"leaves out sms_history\.{column}, .*select it"):
        outgoing(lambda _: None, selected=names)


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_catalog_without_columns_is_refused(schema):
    columns = Columns("lists", SCHEMAS["lists"], ["list_id"])
    with pytest.raises(SettingsError, match=r"leaves out lists\.list_id"):
        columns.select(schema, ["list_id"], mapped=False)


@pytest.mark.parametrize("schema", [{}, {"type": ["string", "null"]}, {"type": "string"}, {"enum": [1]}])
def test_a_column_that_there_is_not_is_left_out_unless_it_is_required(schema):
    going = outgoing(lambda asked: asked["properties"].update(message_prize=schema))
    assert "message_prize" not in {**going.schema["properties"], **going.converters}
    with pytest.raises(SettingsError, match=r"requires sms_history\.message_prize"):
        outgoing(
            lambda asked: asked.update(
                properties=asked["properties"] | {"message_prize": schema},
                required=["message_id", "message_prize"],
            )
        )


def test_a_column_that_is_required_and_left_out_is_refused():
    with pytest.raises(SettingsError, match=r"requires sms_history\.body"):
        outgoing(
            lambda asked: asked.update(required=["message_id", "body"]) or asked["properties"].pop("body")
        )
    # Every row has it, if only as null.
    outgoing(lambda asked: asked.update(required=["message_id", "body"]))


@pytest.mark.parametrize(
    "said",
    [
        {"type": "array"},
        {"minProperties": 40},
        {"patternProperties": {"^m": {"type": "integer"}}},
        {"anyOf": [{"required": ["x"]}]},
        {"required": True},
    ],
)
def test_what_a_catalog_says_of_whole_rows_is_refused_too(said):
    with pytest.raises(SettingsError, match="of the rows of sms_history") as raised:
        outgoing(lambda asked: asked.update(said))
    assert json.dumps(said) in str(raised.value)


def test_what_changes_nothing_of_whole_rows_is_no_fault():
    going = outgoing(
        lambda asked: asked.update({"$schema": "x", "title": "T", "additionalProperties": False})
    )
    assert set(going.converters.values()) == {None}
    assert going.times == {"date", "schedule"}
    assert list(going.converters) == list(SCHEMAS["sms_history"]["properties"])


def test_a_long_schema_is_quoted_in_part_only():
    with pytest.raises(SettingsError) as raised:
        outgoing(lambda asked: asked["properties"].update(body={"enum": ["x" * 1000]}))
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.1056", "0.1056"), ("12", "12"), ("0.0000001", "0.0000001"), ("-3.10", "-3.1"), ("1E+3", "1000")],
)
def test_numbers_become_text_in_plain_digits(number, text):
    schema = StreamSchema(STREAMS["sms_history"].columns, ("message_id",))
    going = outgoing(lambda asked: asked["properties"].update(message_price=TEXT))
    (row,) = going(schema.parse([{"message_id": "a", "message_price": number}])).rows()
    assert row["message_price"] == text


def test_a_deselected_stream_may_say_anything(world):
    asked = world.catalog()
    for entry in asked["streams"]:
        if entry["tap_stream_id"] == "sms_history":
            entry["schema"]["properties"] = {"message_id": {"type": "integer"}}
            next(one for one in entry["metadata"] if not one["breadcrumb"])["metadata"]["selected"] = False
    output, error = world.run(asked)
    assert error is None
    assert "sms_history" not in {message.get("stream") for message in output.messages}


def test_nothing_is_written_or_asked_for_under_a_catalog_that_is_refused(world, tmp_path):
    """The last stream's: by then the others would have been read."""
    asked = world.catalog()
    changed(asked, "voice_receipts", "digits", {"type": ["integer", "null"]})
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(asked))
    before = len(world.box.requests())
    done = tap_command(tmp_path, world.config, "--catalog", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(world.box.requests()) == before
    assert done.stderr.splitlines()[-1].endswith(
        'The catalog says {"type": ["integer", "null"]} of voice_receipts.digits, which is'
        ' {"type": ["string", "null"]}: make the catalog again with --discover, or remove the override of its'
        " schema."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("said", [{"const": 1}, {"not": {"type": "boolean"}}, {"if": {}}])
def test_keywords_that_the_sdk_forgets_are_refused_as_well(world, said):
    asked = world.catalog()
    changed(asked, "lists", "list_name", own("lists", "list_name") | said)
    output, error = world.run(asked)
    assert isinstance(error, SettingsError)
    assert output.messages == []


def test_columns_left_out_and_retyped_go_out_in_whole_pages(world, monkeypatch):
    """Row by row they would take several times as long."""
    asked = world.catalog()
    treated(asked, ["as it is", ABSENT, DESELECTED, "text", "empty", "anyOf"])
    monkeypatch.delattr("singer_sdk.Stream._generate_record_messages")
    output, error = world.run(asked)
    assert error is None
    assert all(output.rows(stream) for stream in STREAMS)


def test_maps_that_make_what_their_schema_does_not_say_end_in_a_sentence(world):
    maps = {"lists": {"_contacts_count": "list_name + ' has none'"}}
    output, error = world.run(world.catalog(), stream_maps=maps)
    assert isinstance(error, SettingsError)
    assert "stream_maps makes string of lists._contacts_count, whose schema says integer/null" in str(error)
    assert "has none" not in str(error)
    checked(output)
