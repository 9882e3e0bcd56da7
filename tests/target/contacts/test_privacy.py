"""No number, name or address is in a log line, in the report, in the ledger or on stdout."""

import json

import pytest

from clicksend.sandbox.world.seed_data import EMPTY
from tests.tap.runner import CREDENTIALS
from tests.target.runner import schema, target_command

PERSONAL = ["1411111111", "1422222222", "Wilhelmina", "wilhelmina", "Sesquipedalia", "Nobody", "x" * 20]
ROWS = [
    {"phone_number": "+61411111111", "first_name": "Wilhelmina", "email": "wilhelmina@example.com"},
    {"phone_number": "+61411111111", "first_name": "Wilhelmina", "last_name": "Sesquipedalia"},
    {"phone_number": "+61422222222x5", "first_name": "Wilhelmina"},
    {"phone_number": "61422222222", "email": "wilhelmina@example"},
    {"phone_number": "+61422222222", "custom_1": "x" * 80},
    {"phone_number": "+61422222222", "list_name": "Nobody", "list_id": None},
    {"phone_number": "+61422222222", "first_name": {"x": "Wilhelmina"}},
    {"phone_number": None, "contact_id": "wilhelmina"},
    {"mail": "wilhelmina@example.com"},
]


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        (["phone_number"], []),
        (["mail"], []),
        (["phone_number"], [{"kind": "status", "method": "POST", "status": 500, "times": -1}]),
        (["phone_number"], [{"kind": "reset_after", "method": "POST", "path": "*/contacts"}]),
        (["first_name", "email"], [{"kind": "html", "method": "POST", "times": -1}]),
    ],
)
def test_nothing_personal_gets_out(box, tmp_path, people, keys, faults):
    box.control("POST", "switches", {"contact_text": "trimmed"})
    for fault in faults:
        body = {
            "http_code": 500,
            "response_code": "X",
            "response_msg": "+61411111111",
            "data": {"a": "Wilhelmina"},
        }
        box.control("POST", "faults", fault | ({"body": body} if fault["kind"] == "status" else {}))
    columns = [
        "phone_number",
        "first_name",
        "last_name",
        "email",
        "custom_1",
        "list_name",
        "list_id",
        "contact_id",
        "mail",
    ]
    lines = [schema("contacts", columns, keys)]
    for one in ROWS:
        row = {
            "list_id": EMPTY,
            "first_name": "Wilhelmina",
            "email": "wilhelmina@example.com",
            "mail": "wilhelmina@example.com",
            **one,
        }
        lines.append({"type": "RECORD", "stream": "contacts", "record": row})
    lines += ["{broken Wilhelmina +61411111111", {"type": "STATE", "value": {"a": 1}}]
    config = {
        "api_url": box.api_url,
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "report_path": f"{tmp_path}/report.json",
        "max_retries": 0,
        **CREDENTIALS,
    }
    done = target_command(tmp_path, lines, config, LOGLEVEL="DEBUG", TARGET_CLICKSEND_LOGLEVEL="DEBUG")
    report = json.loads((tmp_path / "report.json").read_text())
    assert sum(report["rows"]["contacts"].values()) == len(ROWS)
    assert b"rejected" in done.stderr
    everything = done.stdout + done.stderr + (tmp_path / "report.json").read_bytes()
    everything += (tmp_path / "ledger.db").read_bytes()
    assert not [text for text in PERSONAL if text.encode() in everything]
