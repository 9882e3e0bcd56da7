"""Files on S3: written by the tap and in Python, loaded by target-postgres, whole or not there."""

from __future__ import annotations

import json
import random
import subprocess
import time
from decimal import Decimal
from io import BytesIO

import pyarrow.parquet as pq
import pytest

import clicksend
from clicksend.sandbox import Sandbox
from tests.command import environment
from tests.e2e.meltano_project import query
from tests.e2e.object_store import SECRET, run_program
from tests.e2e.test_meltano import definition
from tests.tap.runner import CREDENTIALS, catalog_of

pytestmark = pytest.mark.long

PII_KEY = "a key that nobody guesses"
STREAMS = ("sms_history", "contacts", "lists")


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=3000, contacts=300) as box:
        yield box


@pytest.fixture
def command(box, programs, tmp_path):
    """Return a function that makes the command of a tap with some settings."""

    def command(*streams, **config):
        files = {"config": {"api_url": box.api_url, **CREDENTIALS, **config}, "catalog": catalog_of(*streams)}
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        options = (f"--{name}={tmp_path / name}.json" for name in files)
        return [programs / "tap-clicksend", *options]

    return command


def files_in(s3, form, **storage):
    return {"encoding": {"format": form}, "storage": {"root": s3.root, **storage}, "batch_size": 1000}


def rows_in(s3, stream):
    names = [name for name in s3.names() if f"/{stream}/" in name and name.endswith(".parquet")]
    assert names
    return [row for name in names for row in pq.read_table(BytesIO(s3.read(name))).to_pylist()]


def of_records(box, stream, **config):
    return clicksend.read(stream, api_url=box.api_url, **CREDENTIALS, **config).to_arrow().to_pylist()


def test_files_hold_what_records_would_in_a_lake(box, s3, command):
    done = run_program(*command(*STREAMS, batch_config=files_in(s3, "parquet", prefix="of-1-")), env=s3.env)
    assert done.returncode == 0, done.stderr
    assert s3.asked() == {"PUT"}
    messages = list(map(json.loads, done.stdout.splitlines()))
    announced = [url for one in messages if one["type"] == "BATCH" for url in one["manifest"]]
    assert sorted(announced) == [f"s3://{s3.bucket}/{name}" for name in s3.names() if "_SUCCESS" not in name]
    marked = [name.split("/")[1] for name in s3.names() if name.endswith("/_SUCCESS")]
    assert marked == ["contacts", "lists"]
    assert len([url for url in announced if "/sms_history/" in url]) >= 3
    assert all("/of-1-part-" in url for url in announced)
    for stream in STREAMS:
        found = [{n: v for n, v in row.items() if not n.startswith("_sdc")} for row in rows_in(s3, stream)]
        assert sorted(found, key=repr) == sorted(of_records(box, stream), key=repr)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_the_loader_gets_from_files_what_it_gets_from_lines(
    box, s3, command, loader, warehouse, tmp_path, form
):
    sums = {}
    for schema, config in (("lines", {}), (f"files_{form}", {"batch_config": files_in(s3, form)})):
        read = run_program(*command(*STREAMS, **config), env=s3.env)
        assert read.returncode == 0, read.stderr
        settings = definition("target-postgres")["config"] | {"default_target_schema": schema}
        url = warehouse.replace("postgresql:", "postgresql+psycopg:")
        (tmp_path / "loader.json").write_text(json.dumps({**settings, "sqlalchemy_url": url}))
        loaded = run_program(loader, f"--config={tmp_path}/loader.json", env=s3.env, stdin=read.stdout)
        assert loaded.returncode == 0, loaded.stderr
        sums[schema] = query(
            warehouse,
            "select count(*), count(distinct message_id), sum(message_price), min(date), max(date),"
            f" count(distinct body), (select count(*) from {schema}.contacts) from {schema}.sms_history",
        )
    lines, files = sums.values()
    assert lines == files
    total = sum(row["message_price"] or Decimal(0) for row in of_records(box, "sms_history"))
    assert files[0][:3] == (box.state()["rows"]["sms_history"],) * 2 + (total,)
    newest = max(row["date"] for row in of_records(box, "sms_history"))
    assert files[0][4] == newest.replace(tzinfo=None)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_hashes_hold_in_files(box, s3, command, form):
    pii = {"pii": "hash", "pii_key": PII_KEY}
    done = run_program(*command(*STREAMS, batch_config=files_in(s3, form), **pii), env=s3.env)
    assert done.returncode == 0, done.stderr
    if form == "parquet":
        found = {(row["to"], row["from"], row["body"]) for row in rows_in(s3, "sms_history")}
    else:
        lines = [s3.read(name).splitlines() for name in s3.names() if "sms_history" in name]
        found = {(row["to"], row["from"], row["body"]) for part in lines for row in map(json.loads, part)}
    plain, hashed = (of_records(box, "sms_history", **config) for config in ({}, pii))
    assert found == {(row["to"], row["from"], row["body"]) for row in hashed}
    content = b"".join(map(s3.read, s3.names()))
    assert not [row["to"] for row in plain if row["to"] and row["to"].encode() in content]


def test_python_writes_there_too(box, s3, programs):
    code = (
        "import clicksend; rows = clicksend.read('contacts', username='sandbox', api_key='sandbox-key',"
        f" api_url={box.api_url!r}); print(rows.to_parquet({s3.root!r}))"
    )
    done = run_program(programs / "python", "-c", code, env=s3.env)
    assert done.returncode == 0, done.stderr
    folder = done.stdout.strip().removeprefix(f"s3://{s3.bucket}/")
    assert sorted(name.removeprefix(folder)[:6] for name in s3.names()) == ["/_SUCC", "/part-"]
    ids = {(row["list_id"], row["contact_id"]) for row in rows_in(s3, "contacts")}
    assert ids == {(row["list_id"], row["contact_id"]) for row in of_records(box, "contacts")}


def test_a_killed_run_leaves_only_whole_files(box, s3, command):
    """Each is there with its footer, or not at all; contacts that did not all come have no mark."""
    config = files_in(s3, "parquet") | {"batch_size": 100}
    done = run_program(*command("sms_history", "contacts", batch_config=config), env=s3.env)
    assert done.returncode == 0, done.stderr
    contacts = box.state()["rows"]["contacts"]
    expected, marks = len(s3.names()), sum("_SUCCESS" in name for name in s3.names())
    assert (expected > 30, marks) == (True, 1)
    chance = random.Random(1)
    for _ in range(12):
        before = set(s3.names())
        run = command("sms_history", "contacts", batch_config=config)
        announced = chance.randrange(1, expected - 10)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(run, env=environment(**s3.env), **pipes) as tap:
            for line in tap.stdout:
                announced -= b'"BATCH"' in line
                if not announced:
                    break
            time.sleep(chance.uniform(0, 0.05))
            tap.kill()
        new = set(s3.names()) - before
        assert 0 < len(new) < expected
        for name in new:
            if not name.endswith("_SUCCESS"):
                assert 0 < pq.read_metadata(BytesIO(s3.read(name))).num_rows <= 200
        folders = {name.rpartition("/")[0] for name in new if name.endswith("_SUCCESS")}
        for folder in folders:
            parts = [name for name in new if name.startswith(folder) and name.endswith(".parquet")]
            assert sum(pq.read_metadata(BytesIO(s3.read(name))).num_rows for name in parts) == contacts


@pytest.mark.parametrize(
    ("env", "bucket", "reason"),
    [
        ({}, "misspelt-bucket", "there is no such bucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, None, "EndpointConnectionError"),
        ({"AWS_PROFILE": "nobodys", "AWS_ACCESS_KEY_ID": ""}, None, "ProfileNotFound"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}, None, "NoCredentialsError"),
    ],
    ids=["no bucket", "no answer", "no profile", "no key"],
)
def test_what_goes_wrong_is_said_and_no_bucket_is_made(s3, command, env, bucket, reason):
    config = files_in(s3, "parquet") | ({"storage": {"root": f"s3://{bucket}/x"}} if bucket else {})
    variables = {name: value for name, value in (s3.env | env).items() if value}
    done = run_program(*command("lists", batch_config=config), env=variables)
    assert done.returncode == 1
    assert f"A file of lists cannot be written ({reason}; S3 goes by AWS_ACCESS_KEY_ID" in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert '"BATCH"' not in done.stdout
    assert not s3.has_bucket("misspelt-bucket")
    assert s3.names() == []


def test_keys_of_a_profile_do(s3, command, tmp_path):
    profile = f"[{'lake'}]\naws_access_key_id = test\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(profile)
    variables = {
        "AWS_PROFILE": "lake",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_ENDPOINT_URL": s3.endpoint,
    }
    done = run_program(*command("lists", batch_config=files_in(s3, "jsonl")), env=variables)
    assert done.returncode == 0, done.stderr
    assert len(s3.names()) == 1
