"""The target's STATE: exactly up to the last row before which nothing must come again."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from target_clicksend import run as run_module
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, record, run_target, schema, state, stream_of


@pytest.fixture
def people(box, get):
    """Return 12 rows that each change one contact of a list."""
    ids = [one["list_id"] for one in get("/lists")["data"] if one["list_name"] != "Opt-Out List"]
    list_id, contacts = max(
        ((one, get(f"/lists/{one}/contacts", limit=100)["data"]) for one in ids),
        key=lambda found: len(found[1]),
    )
    return [
        {"id": n, "list_id": list_id, "contact_id": int(one["contact_id"]), "last_name": f"Changed{n}"}
        for n, one in enumerate(contacts[:12], 1)
    ]


@pytest.fixture
def run(box, tmp_path):
    def run(messages, **config):
        return run_target(
            box.api_url, messages, ledger_url=f"sqlite:///{tmp_path}/l.db", max_retries=0, **config
        )

    return run


def with_states(rows, stream="contacts", *, every=1):
    """Return the messages of a stream, with a state {"row": n} after each row, or after some."""
    head, *records = stream_of(stream, rows)
    yield head
    for number, message in enumerate(records, 1):
        yield message
        if number % every == 0:
            yield state({"row": number})


def failing(box, person, kind="status", **more):
    path = f"/lists/*/contacts/{person['contact_id']}"
    box.control("POST", "faults", {"kind": kind, "method": "PUT", "path": path, "times": -1, **more})


def changed(get, people):
    contacts = get(f"/lists/{people[0]['list_id']}/contacts", limit=100)["data"]
    return sum(str(one["last_name"]).startswith("Changed") for one in contacts)


def test_the_last_state_is_written_when_every_row_has_its_outcome(run, people):
    ran = run(with_states(people))
    assert (ran.code, ran.states) == (0, [{"row": 12}])


@pytest.mark.parametrize("failed", [1, 5, 12])
def test_a_failed_row_holds_back_every_later_state(box, get, run, people, failed):
    failing(box, people[failed - 1])
    ran = run(with_states(people))
    assert ran.code == 1
    assert ran.states == ([{"row": failed - 1}] if failed > 1 else [])
    assert ran.rows() == {"updated": 11, "failed": 1}
    assert changed(get, people) == 11

    box.control("DELETE", "faults")
    again = run(with_states(people[failed - 1 :]))
    assert (again.code, again.states) == (0, [{"row": 13 - failed}])
    assert again.rows() == {"updated": 1} | ({"unchanged": 12 - failed} if failed < 12 else {})


def test_a_rejected_row_holds_back_nothing(run, people):
    people[4] |= {"contact_id": "nobody"}
    ran = run(with_states(people))
    assert (ran.code, ran.states) == (0, [{"row": 12}])
    assert ran.rows() == {"updated": 11, "rejected": 1}


def test_states_are_written_while_contacts_are(run, people, monkeypatch):
    monkeypatch.setattr(run_module, "COMMIT_ROWS", 3)
    ran = run(with_states(people), max_concurrency=1)
    assert ran.states == [{"row": number} for number in (3, 6, 9, 12)]


def test_states_of_chunks_stop_before_the_failed_row(box, run, people, monkeypatch):
    monkeypatch.setattr(run_module, "COMMIT_ROWS", 3)
    failing(box, people[4])
    ran = run(with_states(people), max_concurrency=1)
    assert ran.states == [{"row": 3}, {"row": 4}]


def test_a_row_that_answers_late_holds_back_those_after_it(box, run, people, monkeypatch):
    monkeypatch.setattr(run_module, "COMMIT_ROWS", 2)
    failing(box, people[0], "delay", seconds=1)
    ran = run(with_states(people), max_concurrency=8)
    assert ran.states == [{"row": 12}]
    assert ran.rows() == {"updated": 12}


def test_a_dry_run_writes_no_state(run, people):
    ran = run(with_states(people), dry_run=True)
    assert (ran.code, ran.states, ran.plan()) == (0, [], {"update": 12})


def test_streams_that_take_turns_share_one_order(box, run, people):
    """The template of row 2 is written before any contact, yet its state waits for the contact of row 1."""
    contacts = [record("contacts", one) for one in people[:4]]
    templates = [
        record("sms_templates", {"id": n, "template_name": f"T{n}", "body": "Hi"}) for n in range(1, 5)
    ]
    messages = [
        schema("contacts", people[0]),
        schema("sms_templates", ["id", "template_name", "body"]),
    ]
    for number, pair in enumerate(zip(contacts, templates, strict=True), 1):
        messages += [pair[0], state({"row": 2 * number - 1}), pair[1], state({"row": 2 * number})]
    failing(box, people[2])
    ran = run(messages)
    assert ran.states == [{"row": 4}]
    assert ran.rows("sms_templates") == {"created": 4}

    box.control("DELETE", "faults")
    box.control("POST", "faults", {"kind": "status", "method": "PUT", "path": "/sms/templates/*", "times": 1})
    templates[0]["record"]["body"] = "Hello"
    ran = run(messages)
    assert ran.rows() == {"unchanged": 3, "updated": 1}
    assert ran.states == [{"row": 1}]


def test_of_two_states_after_one_row_the_later_counts(run, people):
    messages = [*stream_of("contacts", people[:1]), state({"a": 1}), state({"a": 2})]
    assert run(messages).states == [{"a": 2}]


def test_a_state_without_rows_passes_through(box, run):
    ran = run([schema("contacts", ["id"]), state({"a": 1})])
    assert (ran.code, ran.states) == (0, [{"a": 1}])
    assert box.requests() == []


def test_equal_states_are_written_once(run):
    assert run([state({"a": 1})] * 3 + [state({"a": 2}), state({"a": 1})]).states == [
        {"a": 1},
        {"a": 2},
        {"a": 1},
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1.10,"b":1e2,"c":1700000000.123456789}',
        '{"big":123456789012345678901234567890}',
        '{"half":"\\ud800","ü":"ü","x":{"y":[1,null,true]}}',
    ],
)
def test_a_state_is_written_as_it_came(run, text):
    ran = run([f'{{"type": "STATE", "value": {text}}}'])
    assert json.loads(ran.stdout, parse_float=Decimal) == json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("value", [None, 5, "x", []])
def test_a_state_that_is_no_object_is_no_message(run, value):
    ran = run([state(value), state({"a": 1})])
    assert ran.states == [{"a": 1}]
    assert ran.rows("input") == {"rejected": 1}


def test_a_state_of_rejected_rows_only_waits_for_the_end(run, monkeypatch):
    monkeypatch.setattr(run_module, "COMMIT_SECONDS", 0.0)
    assert run(with_states([{"list_id": 1}] * 3)).states == [{"row": 3}]


def test_no_state_when_the_input_breaks_off_in_nonsense(run, people):
    ran = run([*with_states(people), {"type": "RECORD", "stream": "unheard_of", "record": {}}])
    assert (ran.code, ran.states, ran.rows()) == (1, [], {})
    assert ran.report["rows_unfinished"] == 12


def test_nobody_reads_the_states_any_more(box, get, people, tmp_path):
    """A closed stdout is a stop: nothing new starts, and what is done stays done."""
    code = (
        "import sys; from target_clicksend import run; run.COMMIT_ROWS = 2; "
        "from target_clicksend.__main__ import main; main()"
    )
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "api_url": box.api_url,
                "ledger_url": f"sqlite:///{tmp_path}/l.db",
                "max_concurrency": 1,
                **CREDENTIALS,
            }
        )
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "--config", str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdin.write(b"".join(map(line_of, with_states(people))))
        process.stdin.close()
        errors = process.stderr.read().decode()
    assert process.returncode == 141
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
    assert 2 <= changed(get, people) <= 5
