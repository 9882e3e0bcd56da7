"""Canaries: what every command and sink says at DEBUG, while server and proxy misbehave, holds none of them.

A new command belongs into ``COMMANDS``, a new way to misbehave into ``BEHAVIOURS``.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from typing import Any

import pytest

from clicksend.sandbox import API_KEY, USERNAME
from target_clicksend.settings import NAMES
from target_clicksend.target import sink_class
from tests.command import run_command, run_process
from tests.conftest import FULL
from tests.library.hostile_server import answer, forward, ok, serving
from tests.target.runner import line_of, record, schema, state

NUMBER, NAME, BODY = "61411222399", "Qanaryfirst", "Kanarientext"
EMAIL = "qanary.mail@people.example"
KEY, HUB_KEY, PII_KEY, PROXY_KEY = (f"canary-{one}-0123456789" for one in ("api", "hub", "pii", "proxy"))
CANARIES = [NUMBER[2:], NAME.lower(), BODY.lower(), "qanary", KEY, HUB_KEY, PII_KEY, PROXY_KEY]
CANARIES += [base64.b64encode(f"canary:{KEY}".encode()).decode(), "\x1b", "\x07", "\u202e"]

OBEYED = "\x1b[31m\x1b]52;c;YQ==\x07\r\n1999-01-01 ERROR forged\x9b\u2028\u202e\u200e\u061c\u2066\ufeff"
"""What a terminal or a reader of lines obeys, and what turns or hides the text around it."""
LINE = f"{NAME} +{NUMBER} {EMAIL}"
VALUE = LINE + OBEYED
CLEAR = "order 7" + OBEYED
"""A key that a person has declared to be nobody's secret."""
# That a name is a person's nobody can tell: names are shown, escaped and without numbers and addresses.
STRANGE_COLUMNS = {"col\n\x1b[31mINJ": 1, f"Jane +{NUMBER}": 2, f"\x1b]52;c;YQ==\x07 {EMAIL}": 3}
ODD_IDS = re.compile(rb'("(?:[a-z_]*_id|id|total|date|date_updated|price|status)":\s*)("[^"]*"|[0-9.]+)')


def authorization(given: str) -> str:
    return (
        f"Bearer {API_KEY}"
        if given.startswith("Bearer")
        else "Basic " + base64.b64encode(f"{USERNAME}:{API_KEY}".encode()).decode()
    )


def passed_on(box: Any, request: str) -> bytes:
    return forward(box.url, request, authorization)


def bad_header(box: Any, request: str) -> list[bytes]:
    """A header without a colon, and no answer to who makes a contact or sends."""
    if request.startswith("POST") and ("/contacts " in request or "/send " in request):
        return []
    status, _, rest = passed_on(box, request).partition(b"\r\n")
    return [status + b"\r\nthis line has no colon " + LINE.encode() + b" \x1b[31m\r\n" + rest]


def odd_ids(box: Any, request: str) -> list[bytes]:
    head, _, body = passed_on(box, request).partition(b"\r\n\r\n")
    if not body or b"json" not in head.lower():
        return [head + b"\r\n\r\n" + body]
    return answer(ODD_IDS.sub(lambda found: found[1] + json.dumps(VALUE).encode(), body))


def keyed_by_value(box: Any, request: str) -> list[bytes]:
    """A 400 for each write, whose data is keyed by the value."""
    if request.startswith("GET"):
        return [passed_on(box, request)]
    data = {NUMBER: ["invalid"], NAME.lower(): ["x"], EMAIL: ["x"], BODY.lower(): ["x"]}
    body = {"http_code": 400, "response_code": NAME, "response_msg": VALUE, "data": data}
    return answer(json.dumps(body).encode(), status=f"400 {NAME}")


def codes(_: Any, request: str) -> list[bytes]:
    said = (
        {"error": {"code": NAME, "message": VALUE}}
        if "/v1/run" in request
        else {
            "http_code": NAME,
            "response_code": NAME,
            "response_msg": VALUE,
            "data": VALUE,
        }
    )
    return answer(json.dumps(said).encode(), status=f"500 {NAME}")


def statuses(box: Any, request: str) -> list[bytes]:
    """Each message that is sent has a status that is a name, an odd id and price."""
    if not request.startswith("POST"):
        return [passed_on(box, request)]
    asked = json.loads(request.partition("\r\n\r\n")[2] or "{}")
    rows = [
        {**one, "status": NAME, "message_id": VALUE, "message_price": VALUE}
        for one in asked.get("messages", [])
    ]
    return ok({"messages": rows, "status": NAME, "id": {NAME: VALUE}, "list_id": VALUE, "contact_id": VALUE})


BEHAVIOURS = {
    "well": lambda box, request: [passed_on(box, request)],
    "bad header": bad_header,
    "odd ids": odd_ids,
    "keyed by value": keyed_by_value,
    "codes": codes,
    "statuses": statuses,
    "html": lambda _, __: answer(f"<p>{VALUE}</p>".encode(), "Content-Type: text/html"),
    "deep": lambda _, __: answer(b'{"http_code":200,"data":' + b'{"%s":' % NAME.encode() * 99_999),
    "lost": lambda _, __: [],
    "odd date": lambda _, __: ok(
        {NAME: VALUE}, f"Date: Mon, 01 Jan 99999999999 {NAME}", f"Retry-After: {NAME}"
    ),
}

TAP = ["tap-clicksend", "--config", "tap.json"]
TARGET = ["target-clicksend", "--config", "target.json", "--input", "rows.jsonl"]
CLI = ["clicksend"]
ROW = ("--stream", "sms_messages", "--row", '{"id": 1}')
COMMANDS = {
    "tap": TAP,
    "tap with a map": ["tap-clicksend", "--config", "mapped.json"],
    "tap with a bad state": [*TAP, "--state", "state.json"],
    "target": TARGET,
    "target, dry run": ["target-clicksend", "--config", "dry.json", "--input", "rows.jsonl"],
    "target, odd stream": ["target-clicksend", "--config", "connection.json", "--input", "odd.jsonl"],
    "doctor": [*CLI, "doctor", "--config", "connection.json"],
    "doctor, proxy": [*CLI, "doctor", "--config", "remote.json"],
    "verify send": [*CLI, "verify", "send", f"+{NUMBER}", "--config", "connection.json"],
    "verify check": [*CLI, "verify", "check", f"+{NUMBER}", "123456", "--config", "connection.json"],
    "verify, odd arguments": [*CLI, "verify", "send", "+61", "411222399", NUMBER],
    "ledger list": [*CLI, "ledger", "list", "--limit", "500", "--config", "target.json"],
    "ledger reconcile": [*CLI, "ledger", "reconcile", "--config", "target.json"],
    "ledger show": [
        *CLI,
        "ledger",
        "show",
        "--stream",
        "sms_messages",
        "--row",
        '{"id": 1}',
        "--config",
        "target.json",
    ],
    "probe": [*CLI, "probe", "--config", "connection.json"],
    "ledger rebuild": [*CLI, "ledger", "rebuild", "--since", "2026-10-01", "--config", "target.json"],
}
DATA_ON_STDOUT = ("tap", "tap with a map", "tap with a bad state", "ledger list")
"""Commands whose stdout holds rows: what was asked for, and no log."""


def rows() -> list[Any]:
    """Return messages for each sink, good and bad ones, full of canaries; and lines that are none."""
    usual: dict[str, dict[str, Any]] = {
        "contacts": {"phone_number": f"+{NUMBER}", "first_name": NAME, "email": EMAIL, "list_name": "s"},
        "contact_lists": {"list_name": NAME},
        "sms_templates": {"template_name": NAME, "body": BODY},
        "email_addresses": {"email_address": EMAIL},
        "cancellations": {"custom_string": NAME},
        "notifications": {
            "to": f"+{NUMBER}",
            "template_id": "your_template_id",
            "variables": {"message": BODY},
        },
    }
    sends = {
        "to": f"+{NUMBER}",
        "body": BODY,
        "subject": NAME,
        "media_file": "https://example.com/a.jpg",
        "voice": "female",
        "lang": "en-au",
    }
    lines: list[Any] = []
    for name in NAMES:
        row = usual.get(
            name, {column: value for column, value in sends.items() if column in sink_class(name).columns}
        )
        lines.append(schema(name, {"id", *row, *STRANGE_COLUMNS}))
        lines += [
            record(name, {"id": number, **row, **more}) for number, more in enumerate(({}, STRANGE_COLUMNS))
        ]
        lines += [record(name, {"id": 2 + number, **row, column: VALUE}) for number, column in enumerate(row)]
        lines.append(record(name, {"id": CLEAR, "idempotency_key": CLEAR, **row}))
        lines.append(record(name, [VALUE]))
    return [*lines, f"{{broken {VALUE}", record("contacts", VALUE), state({"a": 1})]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"".join(map(line_of, rows())))
    odd = schema(f"X\x1b]52;c;YQ==\x07\nFAKE | ERROR +{NUMBER} {EMAIL}", ["id"])
    (tmp_path / "odd.jsonl").write_bytes(line_of(odd))
    bookmarks = {"sms_history": {"replication_key": "date", "replication_key_value": VALUE}}
    (tmp_path / "state.json").write_text(json.dumps({"bookmarks": bookmarks}))
    return tmp_path


def configure(folder: Any, url: str) -> None:
    """Write the configs of all commands."""
    connection = {
        "api_url": f"{url}/v3",
        "hub_url": url,
        "username": "canary",
        "api_key": KEY,
        "max_retries": 0,
    }
    target = connection | {
        "ledger_url": f"sqlite:///{folder}/ledger.db",
        "pii_key": PII_KEY,
        "clear_keys": ["id", "idempotency_key"],
        "report_path": f"{folder}/report.json",
        "quiet_hours": {"start": "01:00", "end": "01:01"},
        "create_missing_lists": True,
    }
    failing = {"contacts": {"n": "int(phone_number + 'x')"}, "sms_history": {"n": "int(body)"}}
    configs = {
        "connection": connection,
        "remote": connection | {"api_url": "https://192.0.2.1/v3", "hub_url": "https://192.0.2.2"},
        "tap": connection,
        "mapped": connection | {"stream_maps": failing},
        "target": target,
        "dry": target | {"dry_run": True, "report_path": f"{folder}/dry.json"},
    }
    for name, config in configs.items():
        (folder / f"{name}.json").write_text(json.dumps(config))


def variables(url: str) -> dict[str, str]:
    proxy = url.replace("http://", f"http://canary:{PROXY_KEY}@")
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    levels = {f"{part}LOGLEVEL": "DEBUG" for part in ("", "TAP_CLICKSEND_", "TARGET_CLICKSEND_")}
    return {"SKILLBOSS_API_KEY": HUB_KEY, **levels, **dict.fromkeys(names, proxy)}


def canaries_in(text: str) -> list[str]:
    """Return the canaries in a text, with the lines that hold them."""
    return [
        line for line in text.splitlines() if any(one in line.lower() for one in map(str.lower, CANARIES))
    ]


def obeyed_in(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, or that turn or hide what is around them."""
    return {one for one in text.replace("\n", "") if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")}


def names_of(behaviour: str) -> list[str]:
    """Return the commands that meet a behaviour: all, in the quick suite every second one.

    The target first, for the ledger's commands want its ledger; its dry run, for what it shows.
    """
    first = ["target", "target, dry run"]
    others = [name for name in COMMANDS if name not in first]
    if FULL or behaviour == "well":
        return first + others
    return first + others[[*BEHAVIOURS].index(behaviour) % 2 :: 2]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("run", [run_command, *[run_process] * FULL])
def test_no_canary_gets_out(box, folder, behaviour, run):
    with serving(lambda request: BEHAVIOURS[behaviour](box, request)) as url:
        configure(folder, url)
        done = {name: run(*COMMANDS[name], folder=folder, env=variables(url)) for name in names_of(behaviour)}
    shown = {name: one.stderr.decode(errors="backslashreplace") for name, one in done.items()}
    said = {f"{name}: stderr": text for name, text in shown.items()}
    for name, one in done.items():
        stdout = one.stdout.decode(errors="backslashreplace")
        said[f"{name}: stdout"] = "" if name in DATA_ON_STDOUT else stdout
        said[f"{name}: state"] = "\n".join(line for line in stdout.splitlines() if '"STATE"' in line)
    # It gives back what it was given.
    said.pop("tap with a bad state: state", None)
    said["report"] = (folder / "report.json").read_text()
    # A dry run shows five requests, their texts in clear and no number, as docs/privacy.md says.
    samples = json.loads((folder / "dry.json").read_text())["samples"]
    assert behaviour != "well" or len(samples) == 5
    said["plan"] = re.sub(r'"(body|subject|message)": "[^"]*"', "", json.dumps(samples, indent=1))
    said["plan"] = said["plan"].replace(json.dumps(NAME)[1:-1], "").replace(json.dumps(OBEYED)[1:-1], "")
    assert {name: found for name, text in said.items() if (found := canaries_in(text))} == {}
    for name, one in done.items():
        stdout = one.stdout.decode(errors="backslashreplace")
        assert obeyed_in(shown[name]) == set(), name
        # Rows are JSON for a program, which has no control characters of ASCII.
        found = obeyed_in(stdout)
        assert not (min(found, default="\x80") < "\x20" if name.startswith("tap") else found), name
        assert not [line for line in (stdout + shown[name]).splitlines() if line.startswith("1999")], name
        assert "Traceback" not in shown[name], name
        assert one.returncode in (0, 1, 2, 3), name
        assert one.stderr.strip() or one.stdout.strip(), name
    if behaviour == "well":
        assert (done["tap"].returncode, done["doctor"].returncode) == (0, 0)
    # What a user's own map does wrong is not foreseen.
    assert [name for name, text in shown.items() if "should not happen" in text] in ([], ["tap with a map"])
