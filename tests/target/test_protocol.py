"""What may stand on a line of the target's input, and what comes of it."""

import json

import pytest
from singer_sdk.exceptions import RecordsWithoutSchemaException

from clicksend.errors import SettingsError
from clicksend.ledger.ledger import Ledger
from target_clicksend.singer_input import InputError
from tests.target.runner import record, run_target, schema, state, stream_of


@pytest.fixture
def ledger_of(box, tmp_path):
    """Return a function that reads the outcomes of the runs so far, the first one first."""

    def ledger_of():
        with Ledger.existing(f"sqlite:///{tmp_path}/l.db") as ledger:
            return ledger.outcomes.newest()[::-1]

    return ledger_of


@pytest.fixture
def run(box, tmp_path):
    def run(*messages, **config):
        return run_target(
            box.api_url, messages, ledger_url=f"sqlite:///{tmp_path}/l.db", max_retries=0, **config
        )

    return run


@pytest.fixture
def names(get):
    """Return a function that lists the names of the templates that the box did not have at first."""
    before = {one["template_id"] for one in get("/sms/templates")["data"]}

    def names():
        found = get("/sms/templates", limit=100)["data"]
        return sorted(one["template_name"] for one in found if one["template_id"] not in before)

    return names


def templates(*names, stream="sms_templates"):
    return stream_of(stream, [{"template_name": name, "body": "Hi"} for name in names])


DEEP = b"[" * 100_000
LINES = {
    "text": b"hello",
    "half an object": b'{"type": "RECORD"',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "an object without type": b"{}",
    "an unknown type": b'{"type": "NOTICE"}',
    "no type at all": b'{"type": null}',
    "a type that is a list": b'{"type": ["RECORD"]}',
    "bytes that are no UTF-8": b'{"type": "RECORD", "stream": "sms_templates", "record": {"body": "\xff"}}',
    "a NUL": b'{"type": "RECORD", "stream": "sms_templates", "record": {"body": "\0"}}',
    "NULs": b"\0\0\0\0",
    "UTF-16": '{"type": "STATE"}'.encode("utf-16"),
    "too deep": DEEP,
    "too deep an object": b'{"type":"RECORD","stream":"sms_templates","record":{"a":' + DEEP,
    "a number without end": b'{"type": "STATE", "value": {"a": ' + b"9" * 5000 + b"}}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_that_is_no_message_is_rejected_and_the_rest_goes_on(run, names, line):
    head, *rest = templates("A", "B")
    ran = run(head, rest[0], line, rest[1], state({"done": True}))
    assert (ran.code, ran.error, names()) == (0, None, ["A", "B"])
    assert ran.rows("input") == {"rejected": 1}
    assert ran.states == [{"done": True}]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda lines: [line + b"\r" for line in lines], id="Windows"),
        pytest.param(lambda lines: [b"", *lines, b"", b"  ", b"\t"], id="blank lines"),
        pytest.param(lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]], id="a byte order mark"),
        pytest.param(lambda lines: [b" " + line + b" " for line in lines], id="blanks around"),
        pytest.param(lambda lines: [line.replace(b'"a"', b'"\\u0061"') for line in lines], id="escapes"),
    ],
)
def test_lines_come_as_they_are_written_elsewhere(run, names, raw):
    messages = [*templates("A", "B"), state({"a": 1})]
    ran = run(*raw([json.dumps(message).encode() for message in messages]))
    assert (ran.code, names(), ran.states) == (0, ["A", "B"], [{"a": 1}])
    assert ran.rows("input") == {}


def test_the_last_line_needs_no_end(box, run, names, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(map(json.dumps, templates("A"))))
    run(path.read_bytes().rstrip(b"\n"))
    assert names() == ["A"]


def test_no_input_is_no_error(box, run, tmp_path):
    ran = run()
    assert (ran.code, ran.stdout, ran.report["rows"]) == (0, "", {})
    assert box.requests() == []
    assert not (tmp_path / "l.db").exists()


def test_a_huge_line_is_a_line(run, names):
    rows = [{"template_name": "A", "body": "Hi", "unknown": "x" * 20_000_000}]
    ran = run(*stream_of("sms_templates", rows), *templates("B"), state({"a": 1}))
    assert (ran.code, names(), ran.states) == (0, ["A", "B"], [{"a": 1}])


SCHEMA = {"properties": {"id": {}}}


@pytest.mark.parametrize(
    ("messages", "error", "said"),
    [
        pytest.param([record("a", {})], RecordsWithoutSchemaException, "before the SCHEMA", id="no schema"),
        pytest.param([{"type": "RECORD"}], RecordsWithoutSchemaException, "names no stream", id="no stream"),
        pytest.param(
            [{"type": "RECORD", "stream": ["a"]}], RecordsWithoutSchemaException, "names no stream", id="list"
        ),
        pytest.param(
            [{"type": "BATCH", "stream": "a"}], RecordsWithoutSchemaException, "BATCH", id="batch, no schema"
        ),
        pytest.param([{"type": "BATCH"}], RecordsWithoutSchemaException, "BATCH", id="batch, no stream"),
        pytest.param([{"type": "SCHEMA"}], InputError, "names no stream", id="empty schema"),
        pytest.param([{"type": "SCHEMA", "stream": "a"}], InputError, "no schema", id="no schema in it"),
        pytest.param(
            [{"type": "SCHEMA", "stream": 5, "schema": SCHEMA}], InputError, "names no stream", id="a number"
        ),
        pytest.param(
            [{"type": "SCHEMA", "stream": "a", "schema": {}}], InputError, "no properties", id="no properties"
        ),
        pytest.param(
            [{"type": "SCHEMA", "stream": "a", "schema": {"properties": []}}],
            InputError,
            "no properties",
            id="a list of properties",
        ),
        pytest.param(
            [{"type": "SCHEMA", "stream": "contacts", "schema": SCHEMA, "key_properties": "id"}],
            InputError,
            "key_properties",
            id="keys that are a text",
        ),
        pytest.param(
            [{"type": "SCHEMA", "stream": "contacts", "schema": SCHEMA, "key_properties": [1]}],
            InputError,
            "key_properties",
            id="keys that are numbers",
        ),
        pytest.param(
            [schema("customers", ["id"])],
            SettingsError,
            "no sink for stream customers: name one of",
            id="unknown stream",
        ),
    ],
)
def test_what_makes_the_rest_meaningless_ends_the_run_in_a_sentence(run, names, messages, error, said):
    """Also what came before is not written, and no state is."""
    ran = run(*templates("A"), state({"a": 1}), *messages)
    assert isinstance(ran.error, error)
    assert said in str(ran.error)
    assert (ran.states, names()) == ([], [])
    assert ran.report["error"] == str(ran.error)


@pytest.mark.parametrize("row", [None, [], [["template_name", "x"]], "x", 5, True, {}])
def test_a_record_that_is_no_row_is_rejected(run, names, row):
    ran = run(*templates("A"), record("sms_templates", row), {"type": "RECORD", "stream": "sms_templates"})
    assert (ran.code, names()) == (0, ["A"])
    assert ran.rows("sms_templates") == {"created": 1, "rejected": 2}


@pytest.mark.parametrize(
    "key",
    [
        *(
            "1e400",
            "1E+999999",
            "-1e-400",
            "9" * 400,
            "1e5000",
            "NaN",
            "Infinity",
            '"0001-01-01T00:00:00+10:00"',
        ),
        *(
            '"9999-12-31T23:59:59-10:00"',
            '"2026-99-99T00:00:00"',
            '"\\ud800"',
            '"a\\u0000b"',
            "[" * 400 + "]" * 400,
        ),
        *('{"a": 1}', "true", '""', "0.1"),
    ],
)
def test_keys_of_all_kinds(run, names, key):
    row = (
        f'{{"type":"RECORD","stream":"sms_templates","record":{{"id":{key},"template_name":"B","body":"x"}}}}'
    )
    ran = run(*templates("A"), row)
    assert (ran.code, ran.error) == (0, None)
    assert "A" in names()
    assert ran.report["rows_read"] == sum(ran.rows("sms_templates").values()) + sum(
        ran.rows("input").values()
    )


def test_rows_nested_as_deep_as_can_be_read(run, names):
    for depth in range(100, 1000, 50):
        nested = "[" * depth + "]" * depth
        line = f'{{"type":"RECORD","stream":"sms_templates","record":{{"a":{nested}}}}}'
        ran = run({**schema("sms_templates", ["a"]), "key_properties": []}, line, *templates("A"))
        assert (ran.code, ran.error) == (0, None)
    assert names() == ["A"]


def test_a_new_schema_changes_columns_and_keys_of_the_rows_after_it(run, names, ledger_of):
    ran = run(
        *templates("A"),
        state({"row": 1}),
        {**schema("sms_templates", ["code", "template_name", "body"]), "key_properties": ["code"]},
        record("sms_templates", {"code": 7, "template_name": "B", "body": "Hi"}),
        record("sms_templates", {"id": 7, "template_name": "C", "body": "Hi"}),
        state({"row": 3}),
    )
    assert (ran.code, names(), ran.states) == (0, ["A", "B"], [{"row": 3}])
    assert ran.reasons("sms_templates") == ["key property code is missing or null"]
    assert {one["source_key"] for one in ledger_of()} == {'{"id": 1}', '{"code": 7}', "{}"}


def test_a_schema_that_is_repeated_changes_nothing(run, names, caplog):
    one = schema("sms_templates", ["id", "template_name", "body", "junk", "_sdc_deleted_at"])
    messages = [
        message
        for number in range(50)
        for message in (
            one,
            record("sms_templates", {"id": number, "template_name": f"T{number}", "body": "x"}),
        )
    ]
    maps = {"sms_templates": {"junk": None}}
    assert run(*messages, stream_maps=maps).rows("sms_templates") == {"created": 50}
    assert "has changed" not in caplog.text


def test_activate_version_is_ignored(run, names):
    message = {"type": "ACTIVATE_VERSION", "stream": "sms_templates", "version": 1}
    ran = run(message, *templates("A"), message, {"type": "ACTIVATE_VERSION"}, state({"a": 1}))
    assert (ran.code, names(), ran.states) == (0, ["A"], [{"a": 1}])


def test_the_setting_streams_names_the_sink(run, names, ledger_of):
    ran = run(*templates("A", stream="Texts"), streams={"Texts": "sms_templates"})
    assert (names(), ran.rows("sms_templates")) == (["A"], {"created": 1})
    assert [one["stream"] for one in ledger_of()] == ["Texts"]


class TestMaps:
    """The SDK's stream maps."""

    def test_they_rename_drop_and_filter(self, run, names, ledger_of):
        rows = [
            {"label": "A", "text": "Hi", "live": True},
            {"label": "B", "text": "Hi", "live": False},
        ]
        maps = {
            "texts": {
                "__alias__": "sms_templates",
                "__filter__": "live",
                "template_name": "label + '!'",
                "body": "text",
                "label": None,
                "text": None,
                "live": None,
            }
        }
        ran = run(*stream_of("texts", rows), state({"a": 1}), stream_maps=maps)
        assert (ran.code, names(), ran.states) == (0, ["A!"], [{"a": 1}])
        assert ran.notes == ""
        assert [one["stream"] for one in ledger_of()] == ["texts"]

    def test_a_removed_stream_needs_no_sink(self, run, names):
        messages = [*stream_of("orders", [{"total": 1}]), record("orders", None)]
        ran = run(*messages, *templates("A"), stream_maps={"orders": None})
        assert (ran.code, names(), ran.report["rows_read"]) == (0, ["A"], 1)

    def test_all_but_the_mapped_streams_can_be_left_out(self, run, names):
        maps = {"sms_templates": {"body": "body"}, "__else__": None}
        ran = run(*stream_of("orders", [{"total": 1}]), *templates("A"), stream_maps=maps)
        assert (ran.code, names()) == (0, ["A"])

    def test_one_stream_can_feed_two_sinks(self, run, names):
        row = {"template_name": "A", "body": "Hi", "list_name": "New here"}
        maps = {
            "both": {"__alias__": "sms_templates"},
            "contact_lists": {"__source__": "both"},
        }
        ran = run(*stream_of("both", [row]), state({"a": 1}), stream_maps=maps)
        assert (ran.code, names(), ran.states) == (0, ["A"], [{"a": 1}])
        assert ran.rows("contact_lists") == {"created": 1}

    def test_two_streams_can_feed_one_sink_each_with_its_own_keys(self, run, names, ledger_of):
        """Their equal keys stay apart."""
        maps = {"eu": {"__alias__": "sms_templates"}, "us": {"__alias__": "sms_templates"}}
        ran = run(
            schema("eu", ["id", "template_name", "body"]),
            schema("us", ["code", "template_name", "body"], ["code"]),
            record("eu", {"id": 1, "template_name": "A", "body": "x"}),
            record("us", {"code": 1, "template_name": "B", "body": "x"}),
            stream_maps=maps,
        )
        assert (ran.rows("sms_templates"), names()) == ({"created": 2}, ["A", "B"])
        assert {(one["stream"], one["source_key"]) for one in ledger_of()} == {
            ("eu", '{"id": 1}'),
            ("us", '{"code": 1}'),
        }
        assert len({one["key"] for one in ledger_of()}) == 2

    def test_a_map_that_raises_costs_its_row_only(self, run, names):
        maps = {"sms_templates": {"body": "str(100 / size)"}}
        rows = [{"template_name": name, "size": size} for name, size in [("A", 5), ("B", 0), ("C", "s3cr3t")]]
        ran = run(*stream_of("sms_templates", rows), state({"a": 1}), stream_maps=maps)
        assert (ran.code, names(), ran.states) == (0, ["A"], [{"a": 1}])
        assert ran.rows("sms_templates") == {"created": 1, "rejected": 2}
        assert "s3cr3t" not in str(ran.report)

    @pytest.mark.parametrize(
        ("maps", "said"),
        [
            ({"sms_templates": {"body": "1 +"}}, "stream_maps.sms_templates.body"),
            ({"sms_templates": {"__filter__": ")"}}, "stream_maps.sms_templates.__filter__"),
            ({"sms_templates": {"body": ""}}, "stream_maps.sms_templates.body"),
            ({"sms_templates": {"body": 5}}, "stream_maps"),
            ({"sms_templates": {"body": ["x"]}}, "stream_maps"),
            ({"sms_templates": {"id": None}}, "id"),
            ({"sms_templates": {"__key_properties__": ["nothing"]}}, "nothing"),
            ({"sms_templates": {"__else__": "x"}}, "stream_maps"),
            ({"sms_templates": "x"}, "stream_maps"),
            ({"sms_templates": 5}, "stream_maps"),
            ({"__else__": "x"}, "stream_maps"),
            ({"__source__": "x"}, "stream_maps"),
        ],
    )
    def test_maps_that_make_no_sense_end_in_a_sentence(self, run, names, maps, said):
        try:
            ran = run(*templates("A"), stream_maps=maps)
            error = ran.error
        except SettingsError as early:
            error = early
        assert isinstance(error, SettingsError)
        assert said in str(error)
        assert names() == []

    def test_flattening(self, run, names):
        row = {"template": {"name": "A"}, "body": "Hi"}
        one = schema("sms_templates", ["id", "body"])
        one["schema"]["properties"]["template"] = {
            "type": "object",
            "properties": {"name": {"type": "string"}},
        }
        ran = run(
            one,
            record("sms_templates", {"id": 1, **row}),
            record("sms_templates", {"id": 2, "template": 5, "body": None}),
            flattening_enabled=True,
            flattening_max_depth=2,
            flattening_separator="_",
        )
        assert (ran.code, names()) == (0, ["A"])
        assert ran.rows("sms_templates") == {"created": 1, "rejected": 1}


def test_the_key_namespace_joins_and_separates_streams(run, ledger_of):
    same = {"streams": {"a": "sms_templates", "b": "sms_templates"}, "key_namespace": "one"}
    run(*templates("A", stream="a"), **same)
    run(*templates("B", stream="b"), **same)
    assert [one["stream"] for one in ledger_of()] == ["b"]
    run(*templates("C", stream="b"), **same | {"key_namespace": "two"})
    assert len(ledger_of()) == 2
