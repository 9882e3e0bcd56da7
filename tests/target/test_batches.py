"""BATCH messages: their rows take the way of records, with the same outcomes and the same keys."""

import gzip
import json
import os
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from clicksend.ledger.ledger import Ledger
from target_clicksend import singer_input
from target_clicksend.singer_input import InputError
from tests.library.hostile_server import ok, serving
from tests.target.runner import record, run_target, schema, state

ROWS = [
    {"id": 1, "at": "2026-01-01T00:00:00+00:00", "template_name": "A", "body": "Hi", "price": 1.5},
    {"id": 2, "at": "2026-01-01T00:00:00.250000+00:00", "template_name": "B", "body": None, "price": None},
    {"id": None, "at": "2026-01-02T00:00:00+00:00", "template_name": "C", "body": "Hi", "price": 2.0},
    {"id": 3, "at": "2026-01-02T00:00:00+00:00", "template_name": "A", "body": "Hello", "price": 2.0},
]
HEAD = schema("sms_templates", ROWS[0], keys=["id", "at", "price"])
TYPES = pa.schema(
    {
        "id": pa.int64(),
        "at": pa.timestamp("us", "UTC"),
        "template_name": pa.string(),
        "body": pa.string(),
        "price": pa.decimal128(10, 3),
    }
)


def jsonl(path, rows):
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return {"format": "jsonl", "compression": "none"}


def jsonl_gz(path, rows):
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return {"format": "jsonl", "compression": "gzip"}


def parquet_file(path, rows):
    typed = [
        row
        | {
            "at": datetime.fromisoformat(row["at"]).astimezone(UTC),
            "price": None if row["price"] is None else Decimal(str(row["price"])),
        }
        for row in rows
    ]
    parquet.write_table(pa.Table.from_pylist(typed, TYPES), path)
    return {"format": "parquet", "compression": "gzip"}


KINDS = pytest.mark.parametrize("write", [jsonl, jsonl_gz, parquet_file])


def batch(encoding, *paths, stream="sms_templates"):
    return {"type": "BATCH", "stream": stream, "encoding": encoding, "manifest": [*map(str, paths)]}


@pytest.fixture
def run(box, tmp_path):
    """Return a function that runs the target and reads what the ledger then holds."""

    def run(*messages, ledger="l.db", **config):
        url = f"sqlite:///{tmp_path}/{ledger}"
        config = {"batch_root": str(tmp_path), "pii_key": "a key that nobody guesses", **config}
        ran = run_target(box.api_url, messages, ledger_url=url, max_retries=0, **config)
        if not (tmp_path / ledger).exists():
            return ran, []
        with Ledger.existing(url) as opened:
            kept = opened.outcomes.newest()
        return ran, sorted((one["key"], one["source_key"], one["outcome"], one["reason"]) for one in kept)

    return run


@KINDS
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_rows_of_files_have_the_outcomes_and_keys_of_records(box, run, tmp_path, write, scheme):
    ran, kept = run(HEAD, *(record("sms_templates", row) for row in ROWS), state({"a": 1}), ledger="r.db")
    assert ran.rows("sms_templates") == {"created": 1, "rejected": 2, "duplicate": 1}
    box.control("POST", "reset")
    encoding = write(tmp_path / "1", ROWS[:2])
    write(tmp_path / "2", ROWS[2:])
    files = [f"{scheme}{tmp_path}/{number}" for number in (1, 2)]
    again, kept_again = run(HEAD, batch(encoding, *files), state({"a": 1}))
    assert (again.code, again.states) == (0, ran.states) == (0, [{"a": 1}])
    assert again.report["rows"] == ran.report["rows"]
    assert [one for one in kept_again if one[1] != "{}"] == [one for one in kept if one[1] != "{}"]


@KINDS
def test_maps_apply_to_files(run, tmp_path, write):
    encoding = write(tmp_path / "1", ROWS)
    ran, _ = run(
        HEAD,
        batch(encoding, tmp_path / "1"),
        stream_maps={"sms_templates": {"__filter__": "id == 1", "body": "body + str(id)"}},
    )
    assert ran.report["rows"] == {"sms_templates": {"created": 1}}


def test_lines_of_files_that_are_no_rows_are_rejected(run, tmp_path):
    path = tmp_path / "1"
    path.write_bytes(b'{"id": 1\n\n[]\n5\n\xff\n' + json.dumps(ROWS[0]).encode() + b"\n\n")
    encoding = {"format": "jsonl", "compression": "none"}
    ran, _ = run(HEAD, batch(encoding, path), state({"a": 1}))
    assert ran.rows("sms_templates") == {"created": 1, "rejected": 4}
    assert ran.states == [{"a": 1}]


GZ, PARQUET = {"format": "jsonl", "compression": "gzip"}, {"format": "parquet"}
WHOLE = gzip.compress(b'{"id": 1}\n' * 1000)


@pytest.mark.parametrize(
    ("encoding", "content", "said"),
    [
        pytest.param(GZ, None, "FileNotFoundError", id="missing"),
        pytest.param(PARQUET, None, "FileNotFoundError", id="missing parquet"),
        pytest.param(GZ, b"", None, id="empty"),
        pytest.param(GZ, b'{"id": 1}\n', "is cut off or not gzip", id="not compressed"),
        pytest.param(GZ, WHOLE[:-20], "is cut off or not gzip", id="cut off"),
        pytest.param(GZ, WHOLE[:-4] + b"\0\0\0\0", "is cut off or not gzip", id="another length"),
        pytest.param(GZ, WHOLE[:40] + b"\0" * 20 + WHOLE[60:], "is cut off or not gzip", id="damaged"),
        pytest.param(PARQUET, b"", "ArrowInvalid", id="empty parquet"),
        pytest.param(PARQUET, b"PAR1 not at all", "ArrowInvalid", id="no parquet"),
        pytest.param({"format": "jsonl", "compression": "zstd"}, WHOLE, "neither jsonl", id="zstd"),
        pytest.param({"format": "csv"}, b"id\n1\n", "neither jsonl", id="csv"),
        pytest.param({}, b"", "neither jsonl", id="no format"),
        pytest.param({"format": ["jsonl"]}, b"", "neither jsonl", id="a list"),
        pytest.param({"format": "jsonl", "compression": ["gzip"]}, b"", "neither jsonl", id="two lists"),
        pytest.param(None, b"", "no encoding", id="no encoding"),
        pytest.param("jsonl", b"", "no encoding", id="a text"),
    ],
)
def test_files_that_cannot_be_read_end_the_run_in_a_sentence(run, tmp_path, encoding, content, said):
    path = tmp_path / "s3cr3t"
    if content is not None:
        path.write_bytes(content)
    ran, _ = run(HEAD, record("sms_templates", ROWS[0]), batch(encoding, path), state({"a": 1}))
    if said is None:
        assert (ran.code, ran.states) == (0, [{"a": 1}])
        return
    assert isinstance(ran.error, InputError)
    assert said in str(ran.error)
    assert "s3cr3t" not in str(ran.error)
    assert ran.states == []
    assert "created" not in ran.rows("sms_templates")


@pytest.mark.parametrize(
    "manifest",
    [None, "x", {}, [5], [None], ["nowhere://x/y"], ["s3://bucket/file"], [["x"]], ["\0"], ["a" * 9999]],
)
def test_manifests_that_are_none_end_the_run_in_a_sentence(run, manifest):
    ran, _ = run(HEAD, {**batch(GZ), "manifest": manifest})
    assert isinstance(ran.error, InputError)


@pytest.mark.parametrize(
    "url",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "{root}/../passwd",
        "file://{root}/in/../../passwd",
        "{root}/link",
        "{root}/linked/passwd",
        "{root}/fifo",
        "{root}",
        "/dev/zero",
        "http://{host}/x.jsonl",
        "https://{host}/x.jsonl",
        "HTTP://{host}/x.jsonl",
        "ftp://{host}/x.jsonl",
        "simplecache::http://{host}/x.jsonl",
        "simplecache::file://{root}/good",
        "zip://good::file://{root}/good",
        "filecache::s3://bucket/x",
        "s3://bucket/x::file://{root}/good",
        "local://{root}/good",
        "memory://good",
        "data:,%7B%7D",
        "reference://x",
        "github://a:b@/x",
        "gs://bucket/x",
        "az://bucket/x",
        " file://{root}/good",
    ],
)
def test_nothing_outside_the_root_is_read_and_nobody_is_asked(run, tmp_path, url):
    asked = []
    (root := tmp_path / "root").mkdir()
    (tmp_path / "passwd").write_text('{"id": 1}\n')
    (root / "good").write_text('{"id": 1}\n')
    (root / "link").symlink_to("/etc/passwd")
    (root / "linked").symlink_to(tmp_path)
    os.mkfifo(root / "fifo")
    with serving(lambda request: asked.append(request) or ok([])) as server:
        named = url.format(root=root, host=server.removeprefix("http://"))
        ran, _ = run(HEAD, batch({"format": "jsonl"}, named), batch_root=str(root))
    assert isinstance(ran.error, InputError)
    assert any(words in str(ran.error) for words in ("batch_root", "batch_config", "install it"))
    assert "passwd" not in str(ran.error)
    assert (asked, ran.report["rows"]) == ([], {})


@pytest.mark.parametrize("url", ["s3://bucket/x::http://10.0.0.1/x", "gs://bucket/x::file:///etc/passwd"])
def test_a_cloud_whose_package_is_there_leads_nowhere_else(run, monkeypatch, url):
    opened = []
    monkeypatch.setattr(singer_input, "find_spec", lambda _: True)
    monkeypatch.setattr(singer_input, "UPath", lambda url: opened.append(url) or Path("none"))
    ran, _ = run(HEAD, batch({"format": "jsonl"}, url))
    assert isinstance(ran.error, InputError)
    assert opened == []


def test_the_usual_root_is_the_current_folder(run, tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b").write_text(json.dumps(ROWS[0]) + "\n")
    monkeypatch.chdir(tmp_path)
    for url in ("in/a b", "./in/a b", f"file://{tmp_path}/in/a b", f"{tmp_path}/in/../in/a b"):
        ran, _ = run(HEAD, batch({"format": "jsonl"}, url), batch_root=None)
        assert ran.error is None
        assert ran.report["rows"]["sms_templates"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_without_an_end_is_one_rejected_row(run, tmp_path, monkeypatch, packed):
    monkeypatch.setattr("target_clicksend.singer_input.LONGEST_LINE", 2**16)
    lines = [b'{"id": 7, "body": "' + b"x" * 10**7 + b'"}', b" " * 10**6, json.dumps(ROWS[0]).encode()]
    content = b"\n".join([*lines, json.dumps(ROWS[0]).encode() + b" " * 10**6])
    (tmp_path / "1").write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    ran, _ = run(HEAD, batch(GZ if packed else {"format": "jsonl"}, tmp_path / "1"), state({"a": 1}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ran.rows("sms_templates") == {"created": 1, "rejected": 1, "duplicate": 1}
    assert peak < 5 * 10**6 + (0 if packed else 10**7)


def test_a_line_of_the_input_without_an_end_is_one_rejected_line(run, monkeypatch):
    for module in ("singer_input", "sdk"):
        monkeypatch.setattr(f"target_clicksend.{module}.LONGEST_LINE", 2**16)
    long = json.dumps(record("sms_templates", ROWS[0] | {"body": "x" * 10**6})).encode()
    ran, kept = run(HEAD, long, b" " * 10**6, record("sms_templates", ROWS[0]), state({"a": 1}))
    assert ran.report["rows"] == {"input": {"rejected": 1}, "sms_templates": {"created": 1}}
    assert [one[3] for one in kept if one[2] == "rejected"] == ["a line of the input is longer than 0 MiB"]
    assert ran.states == [{"a": 1}]


def test_no_files_are_no_rows(run):
    ran, _ = run(HEAD, batch(GZ), state({"a": 1}))
    assert (ran.code, ran.states, ran.report["rows"]) == (0, [{"a": 1}], {})


def test_parquet_without_pyarrow_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setattr("target_clicksend.singer_input.find_spec", lambda _: None)
    ran, _ = run(HEAD, batch(PARQUET, tmp_path / "1"))
    assert "singer-clicksend[arrow]" in str(ran.error)
