"""Run by Airflow's own Python, without network and database: prints what the tests ask about, as JSON."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEY = os.environ.pop("KEY_OF_THE_TEST")
REPORT = {
    "exit_code": 0,
    "rows": {"sms_messages": {"sent": 2}},
    "requests": 3,
    "samples": [{"body": "canary of a body"}],
    "unknown_open": 0,
}


def refuse(*_: Any) -> None:
    raise AssertionError("a socket was connected")


socket.socket.connect = refuse  # type: ignore[method-assign]
socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]
socket.create_connection = refuse


def dags() -> dict[str, Any]:
    """Load the DAG files as a scheduler does."""
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.serialization.serialized_objects import DagSerialization

    folder = ROOT / "orchestrate"
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="orchestrate")
    return {
        "errors": bag.import_errors,
        "dags": {
            dag.dag_id: {
                "schedule": str(dag.schedule),
                "max_active_runs": dag.max_active_runs,
                "tasks": {
                    task.task_id: {
                        "pool": task.pool,
                        "retries": task.retries,
                        "after": sorted(task.upstream_task_ids),
                        "outlets": [one.uri for one in task.outlets],
                    }
                    for task in dag.tasks
                },
                "serialized": json.dumps(DagSerialization.to_dict(dag)),
            }
            for dag in bag.dags.values()
        },
    }


class Recorder:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def log(self, level: int, text: str, *values: object) -> None:
        self.lines.append((level, text % values))

    def warning(self, text: str, *values: object) -> None:
        """Leave out what Airflow says of an operator that no task runs."""

    def info(self, text: str, *values: object) -> None:
        self.log(20, text, *values)


def run(**arguments: Any) -> dict[str, Any]:
    """Run an operator; return what came of it."""
    from clicksend.airflow.operator import ClickSendPipelineOperator

    recorder = Recorder()

    class Recorded(ClickSendPipelineOperator):
        log = recorder

    operator = Recorded(task_id="one", **arguments)
    found: dict[str, Any] = {"returned": None, "error": None, "message": ""}
    try:
        found["returned"] = operator.execute({})  # type: ignore[typeddict-item]
    except Exception as error:  # noqa: BLE001
        found |= {"error": type(error).__name__, "message": str(error)}
    found["fields"] = {name: str(getattr(operator, name)) for name in operator.template_fields}
    found["lines"] = recorder.lines
    return found


def reporting(name: str, report: dict[str, Any], code: int) -> list[str]:
    """Return a command that writes a report and ends with a code."""
    text = f"import os, sys; open(os.environ[{name!r}], 'w').write({json.dumps(report)!r}); sys.exit({code})"
    return [sys.executable, "-c", text]


def cases(folder: Path) -> dict[str, Any]:
    """Run the operator in many ways."""
    found = {}
    for code in (0, 1, 2, 3, 9, 130, 143):
        found[f"target {code}"] = run(tap="true", target=f"sh -c 'cat; exit {code}'")
        found[f"tap {code}"] = run(tap=f"sh -c 'exit {code}'", target="cat")
    found["killed"] = run(tap="true", target="sh -c 'kill -TERM $$'")
    unknown = {
        "exit_code": 3,
        "unknown_open": 20,
        "error": None,
        "next": "clicksend ledger reconcile",
        "rows": {"sms_messages": {"unknown": 20}},
    }
    target = "TARGET_CLICKSEND_REPORT_PATH"
    found["told unknown"] = run(tap="true", target=reporting(target, unknown, 3))
    found["hidden unknown"] = run(tap=reporting(target, unknown, 1))
    failed = {"exit_code": 1, "error": "the account's balance is used up", "unknown_open": 0}
    found["told error"] = run(tap="true", target=reporting(target, failed, 1))
    found["counted"] = run(
        tap=reporting("TAP_CLICKSEND_REPORT_PATH", {**REPORT, "rows": {"sms_history": {"read": 5}}}, 0),
        target=reporting(target, REPORT, 0),
    )
    found["environment"] = run(tap="env", settings={"TAP_CLICKSEND_END_DATE": "2026-11-01"}, slots=4)
    found["missing program"] = run(tap="no-such-program-here")
    postgres = {
        "conn_type": "postgres",
        "host": "/a folder/of sockets",
        "login": "me@here",
        "password": "canary/password",
        "schema": "shop",
    }
    os.environ["AIRFLOW_CONN_CLICKSEND_WAREHOUSE"] = json.dumps(postgres)
    found["warehouse"] = run(tap="env", warehouse_conn_id="clicksend_warehouse")
    hub = {"conn_type": "clicksend", "password": "sk-of-the-hub-0123456789"}
    os.environ["AIRFLOW_CONN_CLICKSEND_HUB"] = json.dumps(hub)
    found["hub"] = run(tap="env", clicksend_conn_id="clicksend_hub")
    os.environ["AIRFLOW_CONN_CLICKSEND_WRONG"] = json.dumps({"conn_type": "clicksend", "login": "me"})
    found["no key"] = run(tap="true", clicksend_conn_id="clicksend_wrong")
    states = folder / "state.json"
    states.write_text('{"bookmarks": "before"}\n')
    tap = [sys.executable, "-c", "import sys; print(open(sys.argv[2]).read())"]
    target_ = 'sh -c \'cat; echo; echo "{\\"bookmarks\\": \\"after\\"}"; exit 1\''
    found["state"] = run(tap=tap, target=target_, state=str(states)) | {"state": states.read_text()}
    found["meltano"] = run(
        tap="tap-clicksend",
        target="target-clicksend",
        state="backfill-1",
        project=str(folder),
        environment="sandbox",
        meltano_command=[sys.executable, str(folder / "meltano.py")],
    )
    return found


MELTANO = """
import json, os, sys
root = os.environ["MELTANO_SYS_DIR_ROOT"]
for event in (sys.argv[1:], root, sorted(os.listdir(root)), oct(os.stat(root).st_mode)):
    print(json.dumps({"event": json.dumps(event), "level": "info"}))
print(json.dumps({"event": "Setting a is wrong.", "level": "error", "string_id": "target-clicksend"}))
print(json.dumps({"event": "Block run completed", "level": "error", "exit_codes": {"loaders": 2}}))
sys.exit(1)
"""


def main() -> None:
    began = time.monotonic()
    loaded = dags()
    seconds = time.monotonic() - began
    extra = {
        "ledger_url": "sqlite:///canary-ledger.db",
        "pii_key": "canary-pii-key",
        "requests_per_minute": 90,
    }
    account = {"conn_type": "clicksend", "login": "me", "password": KEY, "extra": extra}
    os.environ["AIRFLOW_CONN_CLICKSEND_DEFAULT"] = json.dumps(account)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".meltano" / "extractors").mkdir(parents=True)
        (folder / "meltano.py").write_text(MELTANO)
        found = {"seconds": seconds, **loaded, "cases": cases(folder)}
    sys.stdout.write(json.dumps(found) + "\n")


main()
