"""clicksend ledger baseline: what went out before us is never sent, and a person has said so."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from clicksend.cli import ledger_repair
from tests.cli.repair_cases import HUB, command_of, outcomes
from tests.target.messages.cases import OTHER, TO, posts
from tests.target.runner import line_of, stream_of


@pytest.fixture
def command(out, tmp_path):
    return command_of(out, tmp_path)


@pytest.fixture
def record(command, tmp_path):
    """Return a function that records messages as a baseline."""

    def record(messages, code=0, options=("--yes",), **settings):
        path = tmp_path / "input.jsonl"
        path.write_bytes(b"".join(map(line_of, messages)))
        return command("baseline", "--input", path, *options, code=code, **settings)

    return record


@pytest.mark.parametrize(
    ("stream", "keys", "settings"),
    [
        ("sms_messages", ["id"], {}),
        ("sms_messages", ["id"], {"key_namespace": "shop", "pii_key": "a key that nobody guesses"}),
        ("reminders", ["id", "kind"], {"streams": {"reminders": "sms_messages"}}),
        ("reminders", ["id"], {"stream_maps": {"reminders": {"__alias__": "sms_messages", "to": "phone"}}}),
        ("sms_messages", ["id"], {"stream_maps": {"sms_messages": {"idempotency_key": "'k-' + str(id)"}}}),
        ("mms_messages", ["id"], {}),
        ("notifications", ["id"], {}),
    ],
)
def test_the_target_sends_none_of_a_baseline(out, record, stream, keys, settings):
    rows = [
        {"id": number, "kind": "a", "phone": TO, "to": TO, "body": f"Hello {number}", "subject": "Hi"}
        | {"media_file": "https://example.com/a.jpg", "template_id": "plain" if stream[0] == "n" else None}
        for number in range(5)
    ]
    given = {"api_url": out.hub_api_url, "hub_url": out.url, **HUB} if stream == "notifications" else {}
    given |= settings
    output = record([*stream_of(stream, rows[:3], keys), {"type": "STATE", "value": {}}], **given)
    assert f"{stream}: 3 of 3 rows (100.0 %) will be recorded as sent" in output
    assert "\n3 keys recorded as sent, 0 known already. Nothing was sent.\n" in output
    assert {one["method"] for one in out.control("GET", "requests")} == {"GET"}
    ran = out.run(stream_of(stream, rows, keys), **given)
    (counts,) = ran.report["rows"].values()
    assert counts == {"duplicate": 3, "sent": 2}
    assert {reason for (reason,) in out.query("select reason from outcomes where message_id is null")} == {
        "baseline: recorded by a person as sent before us"
    }


def test_settings_of_a_test_do_not_matter(out, record, tmp_path):
    settings = {"test_recipient": OTHER, "dry_run": True, "max_messages_per_run": 0, "report_path": None}
    messages = stream_of("sms_messages", [{"to": TO, "body": "Hello"}])
    record(messages, **settings | {"report_path": f"{tmp_path}/report.json", "fail_on_rejected": 0})
    assert not (tmp_path / "report.json").exists()
    assert out.run(messages).rows("sms_messages") == {"duplicate": 1}
    assert out.run(messages, test_recipient=OTHER).rows("sms_messages") == {"sent": 1}


def test_a_baseline_changes_nothing_that_is_final(out, record):
    rows = [{"to": TO, "body": "Hello"}, {"to": OTHER, "body": "Hello"}, {"to": "12", "body": "Hello"}]
    messages = stream_of("sms_messages", rows)
    out.fault(path="/sms/send", kind="reset_before", times=1)
    assert out.run(messages).rows("sms_messages") == {"unknown": 2, "rejected": 1}
    assert "1 key recorded as sent, 2 known already" in record(messages)
    assert outcomes(out) == {"unknown": 2, "sent": 1}
    assert "0 keys recorded as sent, 3 known already" in record(messages)
    assert "1 key recorded as sent, 1 known" in record(
        messages[:1] + [{**messages[1], "record": {"id": 9}}] * 2
    )


def test_a_baseline_comes_after_a_dry_run_too(out, record):
    messages = stream_of("sms_messages", [{"to": TO, "body": "Hello"}])
    out.run(messages, dry_run=True)
    assert "1 key recorded" in record(messages)
    assert out.run(messages).rows("sms_messages") == {"duplicate": 1}


def test_standard_input_and_many_rows(out, command):
    rows = [{"id": number, "to": TO, "body": "Hello"} for number in range(1201)]
    lines = b"".join(map(line_of, stream_of("sms_messages", rows)))
    output = command("baseline", "--input", "-", "--yes", input=lines)
    assert "1,201 keys recorded" in output
    ((counted,),) = out.query("select sum(rows) from runs")
    assert counted == 1201


def test_rows_without_a_key_are_told(out, record):
    messages = [*stream_of("sms_messages", [{"to": TO, "body": "Hello"}]), b"{broken"]
    messages.append({"type": "RECORD", "stream": "sms_messages", "record": {"id": None, "to": TO}})
    output = record(messages, code=1)
    assert "1 key recorded as sent" in output
    assert "1 row not recorded: key property id is missing or null." in output
    assert "1 row not recorded: a line of the input is not a Singer message." in output


SHOP = [{"id": n, "to": TO, "body": f"Hello {n}", "sent_at": n < 3 and "2026-01-01"} for n in range(5)]
SHOP = [row | {"sent_at": row["sent_at"] or None} for row in SHOP]


@pytest.mark.parametrize(
    "where",
    ["sent_at is not null", "sent_at is not None", "bool(sent_at)", "record['sent_at'] != None", "id < 3"],
)
@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_condition_and_its_share(out, record, command, where, source):
    messages = [*stream_of("sms_messages", SHOP), *stream_of("mms_messages", SHOP[:1])]
    if source == "file":
        output = record(messages, options=("--yes", "--where", where))
    else:
        lines = b"".join(map(line_of, messages))
        output = command("baseline", "--input", "-", "--yes", "--where", where, input=lines)
    assert "sms_messages: 3 of 5 rows (60.0 %) will be recorded as sent" in output
    assert "mms_messages: 1 of 1 row (100.0 %)" in output
    assert "4 keys recorded as sent" in output
    assert out.run(messages[:6]).rows("sms_messages") == {"duplicate": 3, "sent": 2}


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("sent_at is not", 2, "--where is not a valid expression"),
        ("import os", 2, "--where is not a valid expression"),
        ("no_such is not null", 1, "it names a column that a row does not have"),
        ("__import__('os')", 1, "it names a column that a row does not have, or a function"),
        ("body + 1", 1, "--where cannot be evaluated for a row of stream sms_messages: TypeError"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_records_nothing(out, record, where, code, said):
    assert said in record(stream_of("sms_messages", SHOP), code=code, options=("--yes", "--where", where))
    assert out.run(stream_of("sms_messages", SHOP)).rows("sms_messages") == {"sent": 5}


def test_nothing_is_recorded_without_a_persons_word(out, record):
    output = record(stream_of("sms_messages", SHOP), code=2, options=())
    assert "sms_messages: 5 of 5 rows (100.0 %)" in output
    assert "say --yes" in output
    assert out.run(stream_of("sms_messages", SHOP)).rows("sms_messages") == {"sent": 5}


@pytest.mark.parametrize(
    ("answer", "code", "sent"), [("\n", 1, 5), ("", 1, 5), ("n\n", 1, 5), (" Yes\n", 0, 0), ("y\n", 0, 0)]
)
def test_at_a_terminal_a_person_is_asked(out, record, monkeypatch, answer, code, sent):
    monkeypatch.setattr(ledger_repair, "sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(ledger_repair, "open", lambda *_, **__: io.StringIO(answer), raising=False)
    output = record(stream_of("sms_messages", SHOP), code=code, options=())
    assert "5 of 5 rows (100.0 %) will be recorded as sent" in output
    assert ("Nothing was recorded." in output) == bool(code)
    assert out.run(stream_of("sms_messages", SHOP)).rows("sms_messages").get("sent", 0) == sent


def test_a_baseline_can_be_undone(out, record, command):
    rows = stream_of("sms_messages", SHOP)
    assert out.run(rows[:2]).rows("sms_messages") == {"sent": 1}
    output = record(rows)
    (undo,) = (line for line in output.splitlines() if line.startswith("To undo it: "))
    words = undo.removeprefix("To undo it: clicksend ledger ").split()
    assert "4 keys forgotten" in command(*words)
    assert "No baseline was recorded by this run" in command(*words, code=1)
    assert out.run(rows).rows("sms_messages") == {"duplicate": 1, "sent": 4}


def test_what_a_run_sent_is_no_baseline(out, command):
    ran = out.run(stream_of("sms_messages", SHOP))
    assert "No baseline" in command("forget-baseline", "--run", ran.report["run_id"], code=1)
    assert out.run(stream_of("sms_messages", SHOP)).rows("sms_messages") == {"duplicate": 5}


def test_counting_leaves_the_ledger_as_it_is(out, record):
    messages = [*stream_of("sms_messages", SHOP), *[b"{broken"] * 600]
    record(messages, code=2, options=())
    assert out.query("select count(*) from outcomes") == [(0,)]
    assert out.query("select count(*) from runs") == [(0,)]


def test_what_a_baseline_is_not_for(out, record, command, tmp_path):
    rows = [{"phone_number": TO}]
    assert "Sink contacts sends no messages" in record(stream_of("contacts", rows), code=2)
    assert "There is no sink for stream people" in record(stream_of("people", rows), code=2)
    assert "No such file" in command("baseline", "--input", tmp_path / "none", code=2)
    assert "before the SCHEMA" in record(stream_of("sms_messages", rows)[1:], code=1)
    assert not posts(out.run([]))
