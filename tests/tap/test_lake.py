"""Parquet files as a lake: which version of a row is the newest, and what is gone."""

import io
import json
import re
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from singer_sdk import BatchSink, Target
from upath import UPath

import clicksend
from clicksend.errors import ClickSendError
from tap_clicksend.rows.batches import EXTRACTION
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.tap.lake import view
from tests.tap.runner import CREDENTIALS, Output, run_tap

STREAMS = {stream.name: stream for stream in ALL}
EXTRACTED = re.compile(r"(\w+)/extracted=(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z)/(.+)")
WHOLE = ["contacts", "lists", "sms_templates", "email_addresses"]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "files of a lake"


@pytest.fixture
def extract(sandbox, root):
    def extract(*streams, output=None, storage=None, **config):
        batches = {
            "encoding": {"format": "parquet"},
            "storage": {"root": f"file://{root}", **(storage or {})},
        }
        return run_tap(sandbox.api_url, *streams, output=output, batch_config=batches, **config)

    return extract


def shown(root, stream):
    """Return the rows of the page's view, by key, without when they were read."""
    with closing(duckdb.connect()) as database:
        database.execute("create schema clicksend")
        database.execute(view(root, stream))
        rows = database.sql(f"select * exclude (_sdc_extracted_at, _sdc_sequence) from clicksend.{stream}")
        return by_key(stream, rows.to_arrow_table().to_pylist())


def fresh(sandbox, stream):
    """Return what ClickSend has now."""
    rows = clicksend.read(stream, api_url=sandbox.api_url, **CREDENTIALS)
    return by_key(stream, rows.to_arrow().to_pylist())


def by_key(stream, rows):
    found = {tuple(row[key] for key in STREAMS[stream].primary_keys): row for row in rows}
    assert len(found) == len(rows)
    return found


def extractions(root, stream):
    """Return the names of the files of each extraction, the oldest first."""
    return [sorted(path.name for path in folder.iterdir()) for folder in sorted((root / stream).iterdir())]


class TestLayout:
    """Folders, names, order and columns of files."""

    def test_a_file_says_when_its_rows_were_read(self, extract, root):
        before = datetime.now(UTC)
        output = extract("sms_history", "lists", storage={"prefix": "of-team-1-"})
        (schema,) = (m for m in output.messages if m["type"] == "SCHEMA" and m["stream"] == "sms_history")
        urls = [url for m in output.messages if m["type"] == "BATCH" for url in m["manifest"]]
        names = [url.removeprefix(f"file://{root}/") for url in urls]
        assert {EXTRACTED.fullmatch(name)[1] for name in names} == {"sms_history", "lists"}
        for name in names:
            stream, extracted, part = EXTRACTED.fullmatch(name).groups()
            assert re.fullmatch(r"of-team-1-part-[0-9a-f-]{36}\.parquet", part)
            table = pq.read_table(root / name, partitioning=None)
            (moment,) = set(table["_sdc_extracted_at"].to_pylist())
            (sequence,) = set(table["_sdc_sequence"].to_pylist())
            assert moment == datetime.strptime(extracted, "%Y-%m-%dT%H-%M-%S-%f%z")
            assert moment == datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=sequence)
            assert before - timedelta(milliseconds=1) <= moment <= datetime.now(UTC)
            assert table.schema.field("_sdc_extracted_at").type == pa.timestamp("us", "UTC")
            assert table.schema.field("_sdc_sequence").type == pa.int64()
            if stream == "sms_history":
                assert table.column_names == [*schema["schema"]["properties"]]

    @pytest.mark.parametrize("page_size", [10, 100])
    def test_rows_of_a_file_are_sorted_by_their_date(self, sandbox, extract, root, monkeypatch, page_size):
        monkeypatch.setattr("tap_clicksend.rows.arrow.ROW_GROUP", 50)
        sandbox.control("POST", "switches", {"date_filter": "ignored"})
        extract("sms_history", "contacts", page_size=page_size)
        for file in root.rglob("*.parquet"):
            column = {"sms_history": "date", "contacts": "date_added"}[file.parts[-3]]
            dates = pq.read_table(file, partitioning=None)[column].to_pylist()
            assert dates == sorted(dates)
            assert len(dates) > 50
            groups = pq.read_metadata(file)
            number = groups.schema.names.index(column)
            statistics = [
                groups.row_group(one).column(number).statistics for one in range(groups.num_row_groups)
            ]
            assert len(statistics) == -(-len(dates) // 50) > 1
            assert all(one.max <= other.min for one, other in pairwise(statistics))

    def test_a_map_does_not_say_when_rows_were_read(self, extract, root):
        maps = {"lists": {"_sdc_sequence": "1", "__alias__": "renamed"}}
        extract("lists", stream_maps=maps)
        (file,) = root.glob("renamed/*/*.parquet")
        assert min(pq.read_table(file, partitioning=None)["_sdc_sequence"].to_pylist()) > 10**12

    def test_a_file_has_its_name_once_it_is_whole(self, extract, root, monkeypatch):
        def write(self, file, parts):
            file.write(b"PAR1")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tap_clicksend.rows.arrow.Parquet.write", write)
        with pytest.raises(ClickSendError, match="No space left on device"):
            extract("sms_history")
        assert not [path for path in root.rglob("*") if path.is_file()]

    @pytest.mark.parametrize("form", ["parquet", "jsonl"])
    def test_nothing_lies_elsewhere_before_it_is_whole(self, sandbox, monkeypatch, form):
        """A file that fsspec has open is closed, under its name, when an error ends it halfway."""
        place = UPath(f"memory://{uuid4()}")

        def write(self, file, parts):
            file.write(b"PAR1")
            file.flush()
            raise OSError(5, "Input/output error")

        kind = {"parquet": "arrow.Parquet", "jsonl": "encode.JsonLines"}[form]
        monkeypatch.setattr(f"tap_clicksend.rows.{kind}.write", write)
        batches = {"encoding": {"format": form}, "storage": {"root": str(place)}}
        with pytest.raises(ClickSendError, match="Input/output error"):
            run_tap(sandbox.api_url, "lists", batch_config=batches)
        assert not place.fs.find(place.path)
        monkeypatch.undo()
        run_tap(sandbox.api_url, "lists", batch_config=batches)
        names = [name.rpartition("/")[2][:5] for name in place.fs.find(place.path)]
        assert names == (["_SUCC", "part-"] if form == "parquet" else ["lists"])

    def test_what_fsspec_writes_lies_alike(self, sandbox, extract, root, monkeypatch):
        """As in a cloud: its way is taken for a folder of this machine here."""
        monkeypatch.setattr("tap_clicksend.rows.batches.LOCAL", ())
        extract("lists")
        (names,) = extractions(root, "lists")
        assert [name[:5] for name in names] == ["_SUCC", "part-"]
        assert shown(root, "lists") == fresh(sandbox, "lists")


def test_the_newest_versions_are_what_a_fresh_read_gives(sandbox, extract, root):
    first = extract("sms_history")
    before = shown(root, "sms_history")
    sandbox.advance(2 * 86_400)
    extract("sms_history", state=first.state)
    versions = sum(pq.read_metadata(file).num_rows for file in root.rglob("*.parquet"))
    now = shown(root, "sms_history")
    assert now == fresh(sandbox, "sms_history")
    changed = [key for key in before if before[key] != now[key]]
    assert 0 < len(changed) <= versions - len(now)


class TestGone:
    """A reader of the files can tell what is gone, and never takes for gone what was not read."""

    @pytest.fixture
    def api(self, sandbox, session):
        def api(method, path):
            response = session.request(method, sandbox.api_url + path, timeout=10)
            assert response.status_code == 200, response.text
            return response.json()["data"]

        return api

    @pytest.fixture
    def vanish(self, sandbox, api):
        """Delete a contact; return its key."""

        def vanish():
            (key, *_) = fresh(sandbox, "contacts")
            api("DELETE", "/lists/{}/contacts/{}".format(*key))
            return key

        return vanish

    @pytest.mark.parametrize("stream", WHOLE)
    def test_a_complete_run_is_marked(self, sandbox, extract, root, stream):
        extract(stream)
        (names,) = extractions(root, stream)
        assert "_SUCCESS" in names
        assert shown(root, stream) == fresh(sandbox, stream)

    def test_no_other_stream_is(self, extract, root):
        extract("sms_history", "countries", "sms_inbound", "sms_receipts")
        assert not list(root.rglob("_SUCCESS"))

    def test_what_a_complete_run_lacks_is_gone(self, sandbox, extract, root, vanish):
        extract("contacts")
        assert (gone := vanish()) in shown(root, "contacts")
        extract("contacts")
        assert gone not in shown(root, "contacts")
        assert shown(root, "contacts") == fresh(sandbox, "contacts")

    def test_all_can_be_gone(self, sandbox, extract, root, api):
        extract("sms_templates")
        for (template,) in fresh(sandbox, "sms_templates"):
            api("DELETE", f"/sms/templates/{template}")
        extract("sms_templates")
        assert shown(root, "sms_templates") == {}

    def test_a_list_that_could_not_be_read_keeps_its_contacts(self, sandbox, extract, root, vanish):
        extract("contacts")
        before, gone = shown(root, "contacts"), vanish()
        skipped = max(list_id for list_id, _ in before)
        sandbox.control(
            "POST",
            "faults",
            {"path": f"/lists/{skipped}/contacts", "kind": "status", "status": 403, "times": -1},
        )
        extract("contacts")
        assert [names.count("_SUCCESS") for names in extractions(root, "contacts")] == [1, 0]
        assert shown(root, "contacts").keys() == before.keys()
        sandbox.control("DELETE", "faults")
        extract("contacts")
        assert before.keys() - shown(root, "contacts").keys() == {gone}

    def test_a_run_that_is_cut_short_takes_nothing_away(self, sandbox, extract, root):
        extract("contacts")
        before = shown(root, "contacts")
        some = max(list_id for list_id, _ in before)
        sandbox.control(
            "POST",
            "faults",
            {"path": f"/lists/{some}/contacts", "kind": "status", "status": 400, "times": -1},
        )
        with suppress(ClickSendError):
            extract("contacts")
        assert shown(root, "contacts") == before
        assert len(list(root.rglob("_SUCCESS"))) == 1

    def test_what_came_since_the_last_complete_run_counts(self, sandbox, extract, root, session):
        first = extract("contacts", contacts_replication="incremental")
        assert not list(root.rglob("_SUCCESS"))
        assert shown(root, "contacts") == fresh(sandbox, "contacts")
        extract("contacts")
        (list_id, contact_id), *_ = fresh(sandbox, "contacts")
        response = session.put(
            f"{sandbox.api_url}/lists/{list_id}/contacts/{contact_id}",
            json={"first_name": "Renamed"},
            timeout=10,
        )
        assert response.status_code == 200, response.text
        sandbox.advance(60)
        extract("contacts", contacts_replication="incremental", state=first.state)
        assert [names.count("_SUCCESS") for names in extractions(root, "contacts")] == [0, 1, 0]
        assert shown(root, "contacts")[list_id, contact_id]["first_name"] == "Renamed"
        assert shown(root, "contacts") == fresh(sandbox, "contacts")

    def test_some_lists_are_not_all(self, sandbox, extract, root):
        (list_id, _), *_ = fresh(sandbox, "contacts")
        extract("contacts", "lists", list_ids=[list_id])
        assert not list(root.rglob("_SUCCESS"))

    def test_jsonl_files_lie_as_they_always_did(self, sandbox, tmp_path):
        batches = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
        output = run_tap(sandbox.api_url, "contacts", batch_config=batches)
        (file,) = tmp_path.iterdir()
        assert file.name.startswith("contacts-")
        assert "_sdc_sequence" not in json.dumps(output.messages)


class TestInPython:
    """``to_parquet`` writes the same lake."""

    @pytest.fixture
    def write(self, sandbox, root):
        def write(stream, **options):
            return clicksend.read(stream, api_url=sandbox.api_url, **CREDENTIALS, **options).to_parquet(root)

        return write

    @pytest.mark.parametrize("stream", sorted(STREAMS))
    def test_every_stream(self, sandbox, write, root, stream, capfd):
        folder = write(stream)
        assert folder.parent == root / stream
        assert shown(root, stream) == fresh(sandbox, stream)
        assert (folder / "_SUCCESS").exists() == STREAMS[stream].marks_deleted
        assert capfd.readouterr().out == ""

    def test_the_tap_and_python_write_into_one(self, sandbox, extract, write, root):
        first = write("contacts")
        extract("contacts")
        second = write("contacts", list_ids=[next(list_id for list_id, _ in fresh(sandbox, "contacts"))])
        assert not (second / "_SUCCESS").exists()
        assert first.name < second.name
        assert shown(root, "contacts") == fresh(sandbox, "contacts")

    def test_no_rows_are_a_file_with_all_columns(self, sandbox, write):
        sandbox.control("POST", "switches", {"voice_access": False})
        (file,) = write("voice_history").glob("*.parquet")
        table = pq.read_table(file, partitioning=None)
        assert (table.num_rows, table.column_names[-1]) == (0, "_sdc_sequence")

    def test_many_rows_are_several_files(self, sandbox, write, monkeypatch):
        monkeypatch.setattr("clicksend.frames.ROWS_IN_A_FILE", 100)
        folder = write("sms_history")
        assert len(list(folder.iterdir())) == -(-sandbox.state()["rows"]["sms_history"] // 100)

    def test_a_url_is_a_place_too(self, sandbox):
        place = UPath(f"memory://{uuid4()}")
        for folder in (place, str(place)):
            files = clicksend.read("lists", api_url=sandbox.api_url, **CREDENTIALS).to_parquet(folder)
            assert files.parent == place / "lists"
            (part,) = files.glob("*.parquet")
            table = pq.read_table(io.BytesIO(part.read_bytes())).drop_columns([*EXTRACTION])
            assert by_key("lists", table.to_pylist()) == fresh(sandbox, "lists")
            assert (files / "_SUCCESS").exists()

    def test_a_folder_that_cannot_be_made(self, write, root):
        Path(root).write_text("a file")
        with pytest.raises(ClickSendError, match="A file of lists cannot be written"):
            write("lists")


def test_the_columns_are_described_before_the_rows(sandbox, tmp_path):
    """Also where a map renames a stream, and only for Parquet."""
    maps = {"lists": {"__alias__": "renamed"}, "account": None}
    for form, expected in (("parquet", ["_sdc_extracted_at", "_sdc_sequence"]), ("jsonl", [])):
        batches = {"encoding": {"format": form}, "storage": {"root": tmp_path.as_uri()}}
        output = run_tap(sandbox.api_url, "lists", "account", stream_maps=maps, batch_config=batches)
        (schema,) = (m for m in output.messages if m["type"] == "SCHEMA")
        assert schema["stream"] == "renamed"
        columns = schema["schema"]["properties"]
        assert [name for name in columns if name.startswith("_sdc_")] == expected
        assert all(columns[name]["description"] for name in expected)


def test_the_catalog_has_no_such_columns():
    tap = TapClickSend(validate_config=False, message_writer=Output())
    assert "_sdc_sequence" not in json.dumps(tap.catalog_dict, default=float)


class Kept(BatchSink):
    """Keeps what a loader of the SDK would write, by the columns of its tables."""

    found: ClassVar = {}

    def process_batch(self, context):
        columns = self.schema["properties"]
        rows = [{name: row.get(name) for name in columns} for row in context["records"]]
        self.found.setdefault(self.stream_name, []).extend(rows)


class Loader(Target):
    name = "loader"
    config_jsonschema: ClassVar = {"type": "object", "properties": {}}
    default_sink_class = Kept


@pytest.mark.parametrize("add_record_metadata", [True, False])
def test_loaders_of_the_sdk_take_the_files(sandbox, extract, add_record_metadata):
    """With the columns where a loader has them, without where it does not."""
    lines = [json.dumps(message, default=float) for message in extract("sms_history", "lists").messages]
    Kept.found.clear()
    Loader(config={"add_record_metadata": add_record_metadata}).listen(io.StringIO("\n".join(lines)))
    for stream in ("sms_history", "lists"):
        rows = Kept.found[stream]
        own = [{name: row[name] for name in row if not name.startswith("_sdc_")} for row in rows]
        assert by_key(stream, own) == fresh(sandbox, stream)
        for name in ("_sdc_extracted_at", "_sdc_sequence"):
            assert all(row.get(name) is not None for row in rows) == add_record_metadata
            assert (name in rows[0]) == add_record_metadata
