"""BATCH files: the rows that RECORD messages would have brought, with maps, selection and pii applied."""

import errno
import gzip
import json
import os
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clicksend.errors import ClickSendError
from tap_clicksend.rows.arrow import ArrowColumns
from tap_clicksend.rows.batches import EXTRACTION, Batches
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.tap.runner import CREDENTIALS, Output, catalog_of, run_tap

KEY = "a key that nobody guesses"
FORMATS = [("jsonl", "gzip"), ("jsonl", "none"), ("parquet", "gzip"), ("parquet", "none")]


@pytest.fixture(params=FORMATS, ids="-".join)
def batch_config(request, tmp_path):
    form, compression = request.param
    folder = tmp_path / "files of batches"
    return {
        "encoding": {"format": form, "compression": compression},
        "storage": {"root": f"file://{folder}", "prefix": "out-"},
        "batch_size": 150,
    }


def rows_in(message):
    """Return the rows of a BATCH message's files as JSON would have them."""
    for url in message["manifest"]:
        # The SDK's own targets read it so: without decoding, which as_uri() would ask for.
        path = url.removeprefix("file://")
        if message["encoding"]["format"] == "parquet":
            yield from pq.read_table(path, partitioning=None).drop_columns([*EXTRACTION]).to_pylist()
            continue
        reader = gzip.open if message["encoding"]["compression"] == "gzip" else open
        with reader(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def batches(output, stream):
    messages = [m for m in output.messages if m["type"] == "BATCH" and m["stream"] == stream]
    return [row for message in messages for row in rows_in(message)]


def same(schema, expected):
    """Return RECORD rows as Parquet spells them."""
    columns = ArrowColumns(schema)
    return columns.table([columns.encode_rows(expected)]).to_pylist()


def test_a_full_file_ends_at_once(sandbox, tmp_path):
    config = {"encoding": {"format": "jsonl", "compression": "none"}, "batch_size": 100}
    storage = {"root": tmp_path.as_uri(), "prefix": "of-the-test-"}
    output = run_tap(
        sandbox.api_url, "sms_history", page_size=100, batch_config=config | {"storage": storage}
    )
    files = [url for message in output.messages if message["type"] == "BATCH" for url in message["manifest"]]
    rows = [len(Path(url.removeprefix("file://")).read_text().splitlines()) for url in files]
    total = sandbox.state()["rows"]["sms_history"]
    assert total > 200
    assert rows == [*[100] * (total // 100), *([total % 100] if total % 100 else [])]
    assert all(Path(url).name.startswith("of-the-test-") for url in files)


def test_files_hold_what_records_would(sandbox, batch_config):
    records, output = run_tap(sandbox.api_url), run_tap(sandbox.api_url, batch_config=batch_config)
    schemas = {m["stream"]: m["schema"] for m in records.messages if m["type"] == "SCHEMA"}
    for stream in ALL:
        expected, found = records.rows(stream.name), batches(output, stream.name)
        if batch_config["encoding"]["format"] == "parquet":
            # Files are sorted, each by itself.
            expected = sorted(same(schemas[stream.name], expected), key=repr)
            found = sorted(found, key=repr)
        assert found == expected, stream.name
    kinds = {m["type"] for m in output.messages}
    assert kinds == {"SCHEMA", "BATCH", "STATE"}
    more = EXTRACTION if batch_config["encoding"]["format"] == "parquet" else {}
    for message in records.messages:
        if message["type"] == "SCHEMA":
            message["schema"]["properties"] |= more
    assert [m for m in output.messages if m["type"] == "SCHEMA"] == [
        m for m in records.messages if m["type"] == "SCHEMA"
    ]
    assert output.state == records.state


def test_state_comes_after_the_files_it_stands_for(sandbox, batch_config, monkeypatch):
    monkeypatch.setattr("tap_clicksend.readers.windows.LARGEST_WINDOW", 100)
    # Pages of 30: files end in the middle of windows.
    output = run_tap(sandbox.api_url, "sms_history", page_size=30, batch_config=batch_config)
    states = [n for n, m in enumerate(output.messages) if m["type"] == "STATE"]
    assert len(states) > 3
    *full, _ = [len(list(rows_in(m))) for m in output.messages if m["type"] == "BATCH"]
    assert min(full) >= batch_config["batch_size"]
    whole = {row["message_id"] for row in batches(output, "sms_history")}
    for position in states:
        state, seen = output.messages[position]["value"], Output()
        seen.messages = output.messages[:position]
        before = {row["message_id"] for row in batches(seen, "sms_history")}
        after = run_tap(sandbox.api_url, "sms_history", state=state).rows("sms_history")
        assert before | {row["message_id"] for row in after} == whole


def test_after_a_file_that_cannot_be_written_there_is_no_state(sandbox, batch_config, monkeypatch):
    """Say, the disk is full: what was announced before stays true, and the run says what to do."""
    monkeypatch.setattr("tap_clicksend.readers.windows.LARGEST_WINDOW", 100)
    writes, write = iter(range(9)), Batches._write

    def fill(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_two(self, name, rows):
        if next(writes) == 2:
            rows.write = fill
        return write(self, name, rows)

    monkeypatch.setattr(Batches, "_write", write_two)
    output = Output()
    with pytest.raises(ClickSendError, match=r"No space left on device.*storage\.root"):
        run_tap(sandbox.api_url, "sms_history", output=output, batch_config=batch_config)
    kinds = [kind for kind, _ in groupby(m["type"] for m in output.messages)]
    assert kinds == ["SCHEMA", *["BATCH", "STATE"] * 2]


def test_maps_selection_and_pii_hold_in_files(sandbox, batch_config):
    catalog = catalog_of("contacts")
    (entry,) = (entry for entry in catalog["streams"] if entry["stream"] == "contacts")
    next(m for m in entry["metadata"] if m["breadcrumb"] == ["properties", "email"])["metadata"][
        "selected"
    ] = False
    config = {
        "api_url": sandbox.api_url,
        **CREDENTIALS,
        "batch_config": batch_config,
        "pii": "hash",
        "pii_key": KEY,
        "stream_maps": {"contacts": {"phone_hash": "md5(phone_number)", "last_name": "__NULL__"}},
    }
    output = Output()
    TapClickSend(config=config, catalog=catalog, message_writer=output).sync_all()
    found = batches(output, "contacts")
    assert len(found) == sandbox.state()["rows"]["contacts"]
    assert all("email" not in row and "last_name" not in row and row["phone_hash"] for row in found)
    plain = {row["first_name"] for row in run_tap(sandbox.api_url, "contacts").rows("contacts")} - {None}
    assert not plain & {row["first_name"] for row in found}


def test_files_never_say_what_is_gone(sandbox, batch_config):
    output = run_tap(sandbox.api_url, "lists", "contacts", batch_config=batch_config)
    assert "ACTIVATE_VERSION" not in {m["type"] for m in output.messages}


def test_rows_that_a_map_leaves_out_or_copies_are_so_in_files(sandbox, batch_config):
    ids = sorted(
        row["template_id"] for row in run_tap(sandbox.api_url, "sms_templates").rows("sms_templates")
    )
    maps = {
        "sms_templates": {"__filter__": f"template_id > {ids[0]}"},
        "first": {"__source__": "sms_templates", "__filter__": f"template_id == {ids[0]}", "__else__": None}
        | {"template_id": "template_id", "__key_properties__": ["template_id"]},
    }
    records = run_tap(sandbox.api_url, "sms_templates", stream_maps=maps)
    output = run_tap(sandbox.api_url, "sms_templates", stream_maps=maps, batch_config=batch_config)
    schemas = {m["stream"]: m["schema"] for m in records.messages if m["type"] == "SCHEMA"}
    assert schemas.keys() == maps.keys()
    assert len(records.rows("sms_templates")) == len(ids) - 1 > 0
    assert [row["template_id"] for row in records.rows("first")] == ids[:1]
    for name in maps:
        expected = records.rows(name)
        if batch_config["encoding"]["format"] == "parquet":
            expected = same(schemas[name], expected)
        assert batches(output, name) == expected
