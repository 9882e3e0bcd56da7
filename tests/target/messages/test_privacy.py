"""No number, name or text is in a log line, on stdout, in the report or in the ledger."""

import json

import pytest

from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import ROWS
from tests.target.runner import record, schema, state, target_command

PERSONAL = ["1491570", "491570", "Wilhelmina", "wilhelmina", "447711", "x" * 30, "Sesquipedalia"]
SINKS = ["sms_messages", "mms_messages", "voice_messages", "notifications"]
BAD = [
    {},
    {"body": "code 447711 for Wilhelmina"},
    {"to": "+614915701"},
    {"to": "Wilhelmina"},
    {"to": {"number": "+61491570156"}},
    {"from": "Wilhelmina Sesquipedalia"},
    {"from_email": "wilhelmina@"},
    {"country": "Wilhelmina"},
    {"schedule": "Wilhelmina"},
    {"send_before": "+61491570156"},
    {"time_zone": "Wilhelmina/+61491570156"},
    {"opted_out": "Wilhelmina"},
    {"template_name": "Wilhelmina", "body": None},
    {"template_id": 632497, "body": None, "name": ["Wilhelmina"]},
    {"template_id": 632497, "body": None, "name": "Wilhelmina"},
    {"custom_string": "x" * 60},
    {"media_file": "Wilhelmina", "subject": "Wilhelmina Sesquipedalia 447711"},
    {"voice": "Wilhelmina", "lang": "Wilhelmina", "require_input": "Wilhelmina"},
    {"list_id": "+61491570156"},
    {"body": "x" * 2000},
    {"variables": "Wilhelmina"},
    {"variables": {"message": {"Wilhelmina": 1}}},
    {"made": "Wilhelmina"},
]
FAULTS = [
    [],
    [{"kind": "status", "status": 500}],
    [{"kind": "status", "status": 400}],
    [{"kind": "status", "status": 403}],
    [{"kind": "reset_after"}],
    [{"kind": "body"}],
    [{"kind": "html_after", "body": "<p>Wilhelmina +61491570156</p>"}],
]


@pytest.mark.parametrize(
    "faults", FAULTS, ids=lambda faults: "-".join(str(one) for f in faults for one in f.values())
)
@pytest.mark.parametrize("keys", [["to"], ["idempotency_key"]])
def test_nothing_personal_gets_out(out, tmp_path, keys, faults):
    body = {
        "http_code": 500,
        "response_code": "Wilhelmina +61491570156",
        "response_msg": "+61491570156",
        "data": {"Wilhelmina": 1, "messages": "447711"},
    }
    for fault in faults:
        for path in ("*/send", "/v1/run"):
            out.fault(method="POST", path=path, times=-1, **{"body": body} | fault)
    lines = []
    columns = {name for row in BAD for name in row} | {"to", "idempotency_key", "subject", "media_file"}
    for sink in SINKS:
        lines.append(schema(sink, columns, keys))
        for number, bad in enumerate(BAD):
            usual = {"to": f"+614915701{number:02}", "body": "Hello Wilhelmina", "made": out.at}
            usual |= (
                {"template_id": "your_template_id", "variables": {"message": "Wilhelmina"}}
                if sink == "notifications"
                else {}
            )
            own = {"idempotency_key": f"welcome-+614915701{number:02}"}
            lines.append(record(sink, ROWS.get(sink, {}) | usual | own | bad))
    lines += ["{broken Wilhelmina +61491570156", state({"a": 1})]
    config = {
        "api_url": out.api_url,
        "hub_url": out.url,
        "ledger_url": out.ledger_url,
        "report_path": f"{tmp_path}/report.json",
        "max_retries": 0,
        "quiet_hours": {"start": "01:00", "end": "01:01"},
        "created_at_column": "made",
        "max_row_age_hours": 1_000_000,
        "dedupe_window_hours": 1,
        "opt_out": "enforce",
        **CREDENTIALS,
    }
    env = {"SKILLBOSS_API_KEY": "sk-other", "LOGLEVEL": "DEBUG", "TARGET_CLICKSEND_LOGLEVEL": "DEBUG"}
    done = target_command(tmp_path, lines, config, **env)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {
        sink: sum(found.values()) for sink, found in report["rows"].items() if sink in SINKS
    } == dict.fromkeys(SINKS, len(BAD))
    assert report["rows_unfinished"] == 0
    assert b"rejected" in done.stderr
    everything = (
        done.stdout
        + done.stderr
        + b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name != "target.json")
    )
    assert not [text for text in PERSONAL if text.encode() in everything]
    if not faults:
        assert len(out.arrivals) >= 3


def test_the_ledger_of_a_run_that_sends(out, tmp_path):
    """What is in clear: our own words, and what is declared."""
    out.send({"body": "447711", "campaign": "spring"}, keys=["to"], clear_keys=["campaign"])
    content = (tmp_path / "ledger.db").read_bytes()
    assert b"spring" in content
    assert not [text for text in (b"491570", b"447711") if text in content]
