"""Other people's taps pipe tables, CSV files and spreadsheets into the target, as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import uv
from psycopg.conninfo import conninfo_to_dict

from clicksend.sandbox import Sandbox
from demo.pipeline import with_host_and_password
from tests.e2e.checkout import ROOT
from tests.e2e.kept import kept
from tests.tap.runner import CREDENTIALS
from tests.target.runner import Ran

pytestmark = pytest.mark.long
PROGRAMS = {
    "extractor": "tap-postgres",  # MeltanoLabs'
    "tap-csv": "tap-csv-folder",
    "tap-pipelinewise": "tap-postgres",
    "tap-spreadsheets": "tap-spreadsheets",
}
"""The program of each tap, by the name of its requirement file."""
ANN, BOB, EVE = "+61491570156", "+61491570157", "+61491570158"
DATES = """
    create table dated.messages (id date primary key, "to" text, body text);
    insert into dated.messages
    select date '2026-01-01' + n, '+614915701' || 50 + n, 'Hello ' || n from generate_series(1, 5) n
"""
KEYS = """
    create table keyed.messages (id uuid, price numeric(6, 2), code char(8), made timestamptz, active boolean,
                                 "to" text, body text, primary key (id, price, code, made, active));
    insert into keyed.messages
    select gen_random_uuid(), 1.10 + n, 'A' || n,
           timestamptz '2026-01-01 09:30:00.25+11' + n * interval '1 day',
           n > 2, '+614915701' || 50 + n, 'Hello ' || n
    from generate_series(1, 5) n
"""
DELETED = """
    create table deleted.messages (id int primary key, "to" text, body text, _sdc_deleted_at timestamptz);
    insert into deleted.messages values
        (1, '+61491570156', 'Confirmed', null), (2, '+61491570157', 'Confirmed', now()),
        (3, '+61491570158', 'Confirmed', null)
"""
UPPER = """
    create table upper.messages ("ID" int primary key, "TO" text, "BODY" text, "SCHEDULE" timestamptz,
                                 "OPTED_OUT" boolean);
    insert into upper.messages values
        (1, '+61491570156', 'Now', null, false), (2, '+61491570157', 'Never', null, true),
        (3, '+61491570158', 'Tomorrow', now() + interval '1 day', null)
"""
CUSTOMERS = [
    {"id": 1, "to": 6421123456, "body": "Kia ora 1"},
    {"id": 2, "to": 64211234567, "body": "Kia ora 2"},
    {"id": 3, "to": None, "body": "Kia ora 3"},
    {"id": 4, "to": 64272345678, "body": "Kia ora 4"},
]
"""One phone is missing, so that pandas and spreadsheets make floats of the others."""
WORKBOOK = """
import json, sys
from openpyxl import Workbook
book = Workbook()
for row in json.load(sys.stdin):
    book.active.append(row)
book.save(sys.argv[1])
"""


@pytest.fixture(scope="session")
def environments():
    """Return the folder of an environment for each tap."""
    pins = {name: ROOT / f"requirements-{name}.txt" for name in PROGRAMS}

    def make(folder: Path) -> None:
        uv_bin = uv.find_uv_bin()
        for name, pin in pins.items():
            subprocess.run([uv_bin, "venv", "--quiet", "--python", sys.executable, folder / name], check=True)
            # Without dependencies: psycopg2-binary is newer than pipelinewise's tap asks for
            options = ("--require-hashes", "--no-deps", "--build-constraint", pin, "-r", pin)
            into = ("--python", folder / name / "bin/python")
            subprocess.run([uv_bin, "pip", "install", "--quiet", *into, *options], check=True)

    return kept("taps", pins.values(), make)


@pytest.fixture(scope="module")
def world():
    with Sandbox(seed=1, messages=30, contacts=10) as box:
        yield box


@pytest.fixture
def box(world):
    world.control("POST", "reset")
    return world


@pytest.fixture
def pipe(environments, box, tmp_path):
    """Return a function that pipes a tap into the target and returns what the run came to."""

    def write(name: str, content) -> str:
        (tmp_path / name).write_text(json.dumps(content))
        return str(tmp_path / name)

    def command(name: str, config) -> list[str]:
        program = str(environments / name / "bin" / PROGRAMS[name])
        command = [program, "--config", write("tap.json", config)]
        if PROGRAMS[name] == "tap-postgres":  # selects no table of its own accord
            found = subprocess.run([*command, "--discover"], stdout=subprocess.PIPE, check=True, timeout=60)
            catalog = json.loads(found.stdout)
            for stream in catalog["streams"]:
                root = next(one["metadata"] for one in stream["metadata"] if not one["breadcrumb"])
                root["selected"] = True
            command += ["--catalog", write("catalog.json", catalog)]
        return command

    def pipe(name: str, config, stream: str, **settings) -> Ran:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        settings |= {
            "api_url": box.api_url,
            "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
            "report_path": str(report),
            "streams": {stream: "sms_messages"},
            **CREDENTIALS,
        }
        target = [sys.executable, "-m", "target_clicksend", "--config", write("target.json", settings)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command(name, config), stdout=subprocess.PIPE) as tap:
            done = subprocess.run(
                target,
                stdin=tap.stdout,
                stdout=subprocess.DEVNULL,
                check=False,
                timeout=60,
                cwd=tmp_path,
                env=env,
            )
        assert tap.returncode == 0
        return Ran(code=done.returncode, report=json.loads(report.read_text()))

    return pipe


@pytest.fixture
def arrivals(box):
    """Return a function that returns recipient and text of each message that arrived."""
    return lambda: sorted((one["to"], one["body"]) for one in box.control("GET", "arrivals"))


def meltanolabs(url: str, schema: str):
    """Return a tap and its config for the tables of a schema."""
    return "extractor", {"sqlalchemy_url": with_host_and_password(url), "filter_schemas": [schema]}


def pipelinewise(url: str, schema: str):
    """Return the same tables by the other tap."""
    return "tap-pipelinewise", {
        "host": conninfo_to_dict(url)["host"],
        "port": 5432,
        "dbname": conninfo_to_dict(url)["dbname"],
        "user": "postgres",
        "password": "none",
        "filter_schemas": schema,
        "default_replication_method": "FULL_TABLE",
    }


@pytest.fixture
def table(warehouse):
    """Return a function that makes a table in a schema of its own."""

    def table(schema: str, sql: str) -> str:
        with psycopg.connect(warehouse) as connection:
            connection.execute(f"create schema {schema}")
            connection.execute(sql)
        return warehouse

    return table


@pytest.mark.parametrize(("schema", "sql"), [("dated", DATES), ("keyed", KEYS)])
def test_what_one_tap_sent_is_a_duplicate_from_another(schema, sql, table, pipe, box, arrivals):
    url = table(schema, sql)
    settings = {"stream": f"{schema}-messages", "key_namespace": "messages"}
    first = pipe(*meltanolabs(url, schema), **settings)
    assert first.rows("sms_messages") == {"sent": 5}
    box.advance(3600)  # ClickSend itself holds back an equal text for a while
    second = pipe(*pipelinewise(url, schema), **settings)
    assert second.rows("sms_messages") == {"duplicate": 5}
    assert second.code == 0
    assert "another recipient" not in second.notes
    assert len(arrivals()) == 5


def test_a_row_that_is_marked_as_deleted_is_not_sent(table, pipe, arrivals):
    url = table("deleted", DELETED)
    ran = pipe(*meltanolabs(url, "deleted"), "deleted-messages")
    assert arrivals() == [(ANN, "Confirmed"), (EVE, "Confirmed")]
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 2, "suppressed": 1})


def test_upper_case_columns_hold_back_and_schedule(table, pipe, box, arrivals):
    url = table("upper", UPPER)
    ran = pipe(*meltanolabs(url, "upper"), "upper-messages")
    assert arrivals() == [(ANN, "Now"), (EVE, "Tomorrow")]
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 2, "suppressed": 1})
    scheduled = [one["to"] for one in box.control("GET", "arrivals") if one["status"] == "Scheduled"]
    assert scheduled == [EVE]


def csv_folder(folder):
    """Return a tap and its config for the CSV files of a folder; the file's name is the stream's."""
    return "tap-csv", {"path": str(folder), "read_mode": "one_stream_per_file"}


def spreadsheet(path, **config):
    """Return a tap and its config for a spreadsheet with a column ``id``."""
    file = {"path": str(path), "table_name": "customers", "primary_keys": ["id"], **config}
    return "tap-spreadsheets", {"files": [file]}


@pytest.fixture
def folder(tmp_path):
    """Return a folder for the files that a tap is to read."""
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture(params=["csv by tap-csv-folder", "csv by tap-spreadsheets", "xlsx by tap-spreadsheets"])
def customers(request, environments, folder):
    """Write the customers with pandas or into a workbook; return the tap that reads them."""
    frame = pd.DataFrame(CUSTOMERS)
    path = folder / "customers"
    if request.param.startswith("csv"):
        path = path.with_suffix(".csv")
        frame.to_csv(path, index=False)
        assert "6421123456.0" in path.read_text()
        return csv_folder(folder) if request.param.endswith("folder") else spreadsheet(path, format="csv")
    path = path.with_suffix(".xlsx")
    rows = [list(frame), *frame.astype(object).where(frame.notna(), None).to_numpy().tolist()]
    python = environments / "tap-spreadsheets/bin/python"
    command = [python, "-c", WORKBOOK, path]
    subprocess.run(command, input=json.dumps(rows), text=True, check=True, timeout=60)
    return spreadsheet(path, format="excel", worksheet="Sheet")


def test_numbers_that_became_floats_reach_whom_they_mean(customers, pipe, arrivals):
    ran = pipe(*customers, "customers", default_country="NZ")
    assert arrivals() == [(f"+{one['to']}", one["body"]) for one in CUSTOMERS if one["to"]]
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 3, "rejected": 1})
    assert ran.reasons("sms_messages") == ["to is missing"]


def test_a_byte_order_mark_is_no_part_of_a_column(folder, pipe, arrivals):
    (folder / "customers.csv").write_text(f"to,body\r\n{ANN},Hello\r\n", encoding="utf-8-sig")
    ran = pipe(*csv_folder(folder), "customers")
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 1})
    assert arrivals() == [(ANN, "Hello")]


@pytest.fixture
def numbered(folder, pipe):
    """Return a function that sends the rows of one file, whose keys are its name and line numbers."""

    def numbered(*recipients: str) -> Ran:
        rows = "".join(f"{to},Hello\r\n" for to in recipients)
        (folder / "customers.csv").write_text(f"to,body\r\n{rows}")
        return pipe(*csv_folder(folder), "customers")

    return numbered


def test_keys_that_are_line_numbers_are_warned_of(numbered):
    ran = numbered(ANN, BOB)
    assert (ran.code, ran.rows("sms_messages")) == (0, {"sent": 2})
    assert any(words in ran.notes.lower() for words in ("line number", "file name"))


def test_other_customers_in_lines_that_were_sent_are_reported(numbered):
    numbered(ANN, BOB)
    ran = numbered(BOB, ANN, EVE)
    assert ran.rows("sms_messages") == {"duplicate": 2, "sent": 1}
    assert "was sent with another recipient" in json.dumps(ran.report)
