"""`spark.read.format("clicksend")`, in one process and on a cluster of two workers."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

import clicksend
from clicksend.sandbox import Sandbox
from tests.command import environment
from tests.e2e.checkout import ROOT
from tests.e2e.kept import environment_of
from tests.tap.runner import CREDENTIALS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a JDK"),
]

KEY = CREDENTIALS["api_key"]
KEYS = {"CLICKSEND_USERNAME": CREDENTIALS["username"], "CLICKSEND_API_KEY": KEY}
JOB = ROOT / "tests" / "library" / "spark_job.py"
MERGE = re.search(r"```sql\n(select .*?)```", (ROOT / "docs" / "spark.md").read_text(), re.DOTALL)[1]
LOOPBACK = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_PUBLIC_DNS": "127.0.0.1"}
CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.shuffle.partitions": "2",
    "spark.network.timeout": "600s",
}


@pytest.fixture(scope="module")
def python() -> Path:
    """Return a Python with Spark, and no pandas."""
    return environment_of(ROOT / "requirements-spark.txt", editable=ROOT) / "python"


@pytest.fixture(scope="module")
def box():
    # Days may pass there, and its clock is still not ahead of this machine's.
    with Sandbox(seed=1, messages=3000, contacts=150, epoch=int(time.time()) - 10 * 86_400) as box:
        yield box


@pytest.fixture
def run(box, python, tmp_path):
    """Return a function that has a job done; it returns the results and where files are."""

    def run(master, *steps, **given):
        (tmp_path / "events").mkdir()
        conf = {**CONF, "spark.master": master, "spark.eventLog.dir": (tmp_path / "events").as_uri()}
        conf |= {
            "spark.local.dir": str(tmp_path / "local"),
            "spark.sql.warehouse.dir": str(tmp_path / "tables"),
        }
        control = box.url + "/_sandbox"
        about = {
            "api_url": box.api_url,
            "control": control,
            "folder": str(tmp_path),
            "conf": conf,
            "key": KEY,
        }
        (tmp_path / "job.json").write_text(json.dumps({**about, "steps": steps, **given}))
        env = environment(PYSPARK_PYTHON=str(python), HOME=str(tmp_path), **KEYS, **LOOPBACK)
        done = subprocess.run(
            [python, JOB, tmp_path / "job.json"],
            cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=1800,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        (tmp_path / "log").write_text(done.stdout + done.stderr)
        return json.loads((tmp_path / "results.json").read_text())

    return run


def table(folder: Path) -> pa.Table:
    return pq.read_table(folder, partitioning=None)


def rows(found: pa.Table) -> list[str]:
    return sorted(map(repr, found.to_pylist()))


def read(box, stream="sms_history", **span) -> pa.Table:
    return clicksend.read(stream, api_url=box.api_url, **CREDENTIALS, **span).to_arrow()


def shown(folder: Path) -> str:
    """Return all that Spark has logged: event logs, and what its processes say."""
    logs = [
        *folder.glob("events/**/*"),
        folder / "log",
        *folder.glob("worker-*/**/std*"),
        *folder.glob("*.log"),
    ]
    return "".join(path.read_text(errors="replace") for path in logs if path.is_file())


def executors(folder: Path) -> set[str]:
    """Return the executors that tasks have ended on."""
    events = [path for path in folder.glob("events/**/*") if path.is_file() and "events" in path.name]
    lines = [json.loads(line) for path in events for line in path.read_text().splitlines()]
    return {one["Task Info"]["Executor ID"] for one in lines if one["Event"] == "SparkListenerTaskEnd"}


def check_whole(box, folder, plan):
    found, wanted = table(folder / "whole"), read(box)
    assert len(set(found["part"].to_pylist())) >= 4
    found = found.drop_columns(["part"])
    assert found.schema.equals(wanted.schema)
    assert rows(found) == rows(wanted)
    assert "clicksend" in plan
    assert KEY not in plan
    logged = shown(folder)
    assert "SparkListenerJobEnd" in logged
    assert KEY not in logged


def test_in_one_process(box, run, tmp_path):
    with ExitStack() as stack:
        sized = [stack.enter_context(Sandbox(seed=2, messages=n, contacts=1)) for n in (15_000, 150_000)]
        urls = [one.api_url for one in sized]
        steps = ("whole", "streams", "failing_page", "secret", "memory")
        results = run("local[2]", *steps, sized=urls)
    check_whole(box, tmp_path, results["whole"])
    for stream in ("contacts", "lists"):
        found = table(tmp_path / stream)
        assert rows(found) == rows(read(box, stream))
    assert "GET /sms/history" in results["failing_page"]
    assert "400" in results["failing_page"]
    assert "Option api_key is refused" in results["secret"]
    assert KEY not in results["secret"]
    (few, small), (many, large) = results["memory"]
    assert many > 9 * few
    assert large - small < 60_000, results["memory"]


def test_the_newer_version_wins(box, run, tmp_path):
    texts = [{"to": f"+1312555{number:04}", "body": "On its way."} for number in range(50)]
    sent = requests.post(
        f"{box.api_url}/sms/send", json={"messages": texts}, auth=tuple(CREDENTIALS.values()), timeout=60
    )
    assert sent.ok, sent.text
    since = datetime.fromtimestamp(box.state()["now"], UTC) - timedelta(days=4)
    run("local[2]", "merge", merge=MERGE, since=since.isoformat())
    before, merged, now = table(tmp_path / "messages"), table(tmp_path / "merged"), read(box)
    ids = merged["message_id"].to_pylist()
    assert len(ids) == len(set(ids))
    assert set(ids) == {*now["message_id"].to_pylist(), *before["message_id"].to_pylist()}
    # What was scheduled long before is the page's exception.
    waited = [row["date"] < since and (row["schedule"] or since) > since for row in now.to_pylist()]
    assert sum(waited) < 50
    assert set(rows(now.filter([not one for one in waited]))) <= set(rows(merged))
    assert len(set(rows(before)) - set(rows(merged))) > 40  # their deliveries are known now


@contextmanager
def cluster(python: Path, folder: Path):
    """Run a master and two workers, which have the keys; yield the master's address."""
    home = next(python.parents[1].glob("lib/python3*/site-packages/pyspark"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    deploy, host = "org.apache.spark.deploy", ("--host", "127.0.0.1", "--webui-port", "0")
    address = f"spark://127.0.0.1:{port}"
    commands = {"master": (f"{deploy}.master.Master", *host, "--port", str(port))}
    for number in (1, 2):
        name = f"worker-{number}"
        size = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / name))
        commands[name] = (f"{deploy}.worker.Worker", *host, *size, address)
    env = environment(SPARK_HOME=str(home), PYSPARK_PYTHON=str(python), HOME=str(folder), **LOOPBACK)
    with ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            keys = KEYS if "worker" in name else {}
            process = stack.enter_context(
                subprocess.Popen(
                    [home / "bin" / "spark-class", *command], env=env | keys, stdout=log, stderr=log
                )
            )
            stack.callback(process.terminate)
        master = folder / "master.log"
        for _ in range(1200):
            if master.read_text().count("Registering worker") == 2:
                break
            time.sleep(0.2)
        assert master.read_text().count("Registering worker") == 2, shown(folder)
        yield address


def test_on_a_cluster(box, run, python, tmp_path):
    with cluster(python, tmp_path) as master:
        results = run(master, "whole", "failing_page")
        check_whole(box, tmp_path, results["whole"])
    assert "GET /sms/history" in results["failing_page"]
    assert executors(tmp_path) == {"0", "1"}
