"""clicksend ledger: reconcile, release, retry, rebuild and baseline, against a ledger and a sandbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.ledger.ledger import Ledger
from tests.ledger.cases import ACCOUNT, claim, outcome
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import CHANNELS, OTHER, TO, posts
from tests.target.runner import line_of, stream_of

SINKS = sorted(CHANNELS)
LONG_AGO = "2026-06-01"
HUB = {"username": None, "api_key": "sandbox-key"}


@pytest.fixture
def command(out, tmp_path):
    """Return a function that runs ``clicksend ledger`` with the settings of the target that ``out`` runs."""

    def command(*arguments, code=0, input=None, **settings):  # noqa: A002
        given = {"api_url": out.api_url, "ledger_url": out.ledger_url, "opt_out": "ignore", "max_retries": 0}
        path = tmp_path / "target.json"
        config = given | CREDENTIALS | settings
        path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
        result = CliRunner().invoke(
            main, ["ledger", *map(str, arguments), "--config", str(path)], input=input
        )
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not [secret for secret in (TO, OTHER, "Hello", "sandbox-key") if secret in result.output]
        return result.output

    return command


def outcomes(out):
    return dict(out.query("select outcome, count(*) from outcomes group by outcome"))


def lose_answers(out, *channels):
    """Let a send of each channel arrive and not be answered, too late for the run's own look-up."""
    out.switch(history_lag=600)
    for channel in channels:
        out.fault(path=f"/{channel}/send", kind="reset_after", times=1)


def today(out):
    return datetime.fromtimestamp(out.at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def lose(out):
    Path(out.folder, "ledger.db").unlink()


# reconcile


def test_unknown_messages_are_found_in_the_history(out, command):
    lose_answers(out, *CHANNELS.values())
    for sink in SINKS:
        assert out.send({}, {"to": OTHER}, sink=sink).rows(sink) == {"unknown": 2}
    output = command("reconcile", code=3)
    assert "sms_messages: 0 found, 2 still unknown." in output
    assert "can be released" in output
    out.switch(history_lag=0)
    output = command("reconcile")
    for sink in SINKS:
        assert f"{sink}: 2 found, 0 still unknown." in output
    assert outcomes(out) == {"sent": 6}
    assert command("reconcile") == "Nothing is unknown.\n"
    assert out.send({}, {"to": OTHER}).rows("sms_messages") == {"duplicate": 2}
    assert len(out.arrivals) == 6


def test_what_never_arrived_stays_unknown(out, command):
    out.fault(path="/sms/send", kind="reset_before", times=1)
    out.send({})
    assert "0 found, 1 still unknown" in command("reconcile", code=3)
    assert outcomes(out) == {"unknown": 1}


def test_notifications_have_no_history(out, command):
    rows = [{"to": TO, "template_id": "plain"}]
    out.fault(path="/v1/run", kind="reset_after", times=1)
    out.send(*rows, sink="notifications", hub_url=out.url, api_url=out.hub_api_url, **HUB)
    output = command("reconcile", code=3, hub_url=out.url, api_url=out.hub_api_url, **HUB)
    assert "notifications: 0 found, 1 still unknown. The hub keeps no history of them." in output


def test_a_history_that_cannot_be_read_is_an_error(out, command):
    lose_answers(out, *CHANNELS.values())
    for sink in SINKS:
        out.send({}, sink=sink)
    out.switch(history_lag=0)
    out.fault(path="/mms/history", kind="status", status=500, times=-1)
    output = command("reconcile", code=1)
    assert "mms_messages: 0 found, 1 still unknown. The history could not be read: GET /mms/history" in output
    assert outcomes(out) == {"sent": 2, "unknown": 1}


def test_reconcile_makes_no_ledger_and_takes_no_other_accounts(out, command, tmp_path):
    assert "does not exist" in command("reconcile", code=1)
    assert not (tmp_path / "ledger.db").exists()
    Ledger.open(out.ledger_url, **ACCOUNT).close()
    assert "belongs to api_url" in command("reconcile", code=1)
    assert "did you mean ledger_url" in command("reconcile", code=2, leger_url="x")
    assert "must be at most 1000" in command("reconcile", code=2, batch_size_rows=1001)


# release and retry


@pytest.fixture
def claimed(out):
    """Return a function that leaves unknown keys of some age."""

    def claimed(*keys, run_id="run 1", hours=25.0, lease_seconds=90):
        then = datetime.now(UTC) - timedelta(hours=hours)
        account = {"api_url": out.api_url, "user_id": "672721"}
        with Ledger.open(out.ledger_url, **account, now=lambda: then) as ledger:
            ledger.claims.claim(run_id, "sms_messages", map(claim, keys), lease_seconds=lease_seconds)

    return claimed


def test_released_keys_go_out_when_they_are_delivered_again(out, command):
    rows = [{"id": 1, "idempotency_key": "a"}, {"id": 2, "idempotency_key": "b", "to": OTHER}]
    out.fault(path="/sms/send", kind="reset_before", times=1)
    assert out.send(*rows).rows("sms_messages") == {"unknown": 2}
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 2}
    output = command("release", "a", "--force")
    assert "1 message released" in output
    assert "when upstream delivers it again" in output
    assert out.arrivals == []
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 1, "sent": 1}
    assert [one["to"] for one in out.arrivals] == [TO]


def test_young_claims_need_force(command, claimed):
    claimed("old", run_id="run 1")
    claimed("young", run_id="run 2", hours=23)
    assert "less than 24 hours ago" in command("release", "young", code=1)
    assert "reconcile" in command("release", "old", "young", code=1)
    assert "1 message released" in command("release", "--run", "run 1")
    assert "1 message released" in command("release", "--run", "run 2", "--force")


def test_what_may_be_under_way_is_never_released(command, claimed):
    claimed("a", hours=1, lease_seconds=7200)
    assert "under way just now" in command("release", "a", "--force", code=1)


def test_release_says_what_it_does_not_find(command, claimed):
    claimed("a")
    output = command("release", "a", "b", code=1)
    assert "1 message released" in output
    assert "1 of the 2 KEYs are not unknown" in output
    assert "No message of this run is unknown" in command("release", "--run", "run 1", code=1)
    for arguments in ([], ["a", "--run", "run 1"]):
        assert "Give KEYs or --run" in command("release", *arguments, code=2)
    assert "SENT AGAIN" in command("release", "--help")


def test_retry(out, command):
    with Ledger.open(out.ledger_url, **ACCOUNT) as ledger:
        ledger.outcomes.record("run 1", [outcome("a", "rejected"), outcome("b", "rejected", "contact_lists")])
        ledger.outcomes.record(
            "run 2", [outcome("c", "rejected"), outcome("d", "failed"), outcome("e", "sent")]
        )
    assert "0 rows reopened" in command("retry", "--outcome", "rejected", "--sink", "none")
    assert "1 row reopened" in command("retry", "--outcome", "rejected", "--sink", "contact_lists")
    assert "1 row reopened" in command("retry", "--outcome", "rejected", "--run", "run 1")
    assert "1 row reopened" in command("retry", "--outcome", "rejected")
    assert outcomes(out) == {"held": 3, "failed": 1, "sent": 1}
    assert "sent" in command("retry", "--outcome", "sent", code=2)


# rebuild


@pytest.mark.parametrize("date_filter", ["inclusive", "exclusive", "ignored"])
def test_a_lost_ledger_is_refilled_and_nothing_is_sent_again(out, command, date_filter):
    out.switch(date_filter=date_filter)
    for sink in SINKS:
        assert out.send({}, {"to": OTHER, "body": "Ciao"}, sink=sink).rows(sink) == {"sent": 2}
    before = dict(out.query("select outcome_id, message_id from outcomes"))
    lose(out)
    output = command("rebuild", "--since", today(out))
    for sink in SINKS:
        assert f"{sink}: 2 messages found, 2 of them recorded as sent." in output
    assert dict(out.query("select outcome_id, message_id from outcomes")) == before
    assert outcomes(out) == {"sent": 6}
    for sink in SINKS:
        ran = out.send({}, {"to": OTHER, "body": "Ciao"}, {"to": OTHER, "body": "New"}, sink=sink)
        assert ran.rows(sink) == {"duplicate": 2, "sent": 1}
    assert len(out.arrivals) == 9


def test_prices_and_parts_come_back(out, command):
    out.send({"body": "Hello " * 60})
    columns = "select sink, message_id, parts, price, currency, custom_string from outcomes"
    ((sink, message_id, parts, price, currency, token),) = out.query(columns)
    lose(out)
    command("rebuild", "--since", LONG_AGO)
    ((*found, found_price, found_currency, found_token),) = out.query(columns)
    assert (found, found_currency, found_token) == ([sink, message_id, parts], currency, token)
    assert float(found_price) == float(price) > 0
    assert "(rebuilt)" in command("show", token)


def test_rebuilding_changes_nothing_that_is_final(out, command):
    out.send({}, {"to": OTHER})
    out.fault(path="/sms/send", kind="reset_before", times=1)
    out.send({"id": 3, "to": OTHER})
    before = out.query("select * from outcomes order by 1")
    output = command("rebuild", "--since", LONG_AGO)
    assert "sms_messages: 2 messages found, 0 of them recorded as sent." in output
    assert out.query("select * from outcomes order by 1") == before
    assert outcomes(out) == {"sent": 2, "unknown": 1}


def test_what_would_go_out_again_yields_to_the_history(out, command):
    rows = [{}, {"to": OTHER}]
    out.send(*rows)
    lose(out)
    assert out.send(*rows, dry_run=True).rows("sms_messages") == {"dry_run": 2}
    command("rebuild", "--since", LONG_AGO)
    assert outcomes(out) == {"sent": 2}
    assert out.send(*rows).rows("sms_messages") == {"duplicate": 2}
    assert len(out.arrivals) == 2


def test_a_row_with_a_custom_string_of_its_own_cannot_be_found(out, command):
    out.send({"custom_string": "mine"})
    lose(out)
    output = command("rebuild", "--since", today(out))
    assert "1 other message brought a custom_string" in output
    assert "baseline" in output
    assert outcomes(out) == {}


def test_the_duplicate_window_survives(out, command):
    for sink in ("sms_messages", "voice_messages"):
        out.send({}, sink=sink)
    lose(out)
    command("rebuild", "--since", LONG_AGO)
    out.advance(60)
    for sink in ("sms_messages", "voice_messages"):
        assert out.send({"id": 2}, sink=sink, dedupe_window_hours=1).rows(sink) == {"suppressed": 1}


def test_a_rebuild_that_breaks_off_goes_on_where_it_was(out, command):
    out.send(*({"body": f"Hello {number}"} for number in range(3)))
    lose(out)
    out.fault(path="/mms/history", kind="half_body", times=-1)
    assert "GET /mms/history" in command("rebuild", "--since", LONG_AGO, code=1)
    assert outcomes(out) == {"sent": 3}
    out.control("DELETE", "faults")
    out.switch(voice_access=False)
    assert "the account may not call" in command("rebuild", "--since", LONG_AGO)
    out.fault(path="/sms/history", kind="status", status=403, times=-1)
    assert "403" in command("rebuild", "--since", LONG_AGO, code=1)


def test_a_history_that_shows_less_than_it_counts_is_not_enough(out, command, monkeypatch):
    from target_clicksend import ledger_tools

    read_pages = ledger_tools.read_pages
    monkeypatch.setattr(ledger_tools, "read_pages", lambda *given: list(read_pages(*given))[:-1])
    out.send({})
    lose(out)
    assert "fewer messages than it counts, 3 times" in command("rebuild", "--since", LONG_AGO, code=1)


# baseline


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


def test_settings_may_come_from_the_environment(out, command, monkeypatch, tmp_path):
    lose_answers(out, "sms")
    out.send({})
    out.switch(history_lag=0)
    settings = {"API_URL": out.api_url, "LEDGER_URL": out.ledger_url, "STREAMS": "{}"}
    for name, value in (settings | {key.upper(): value for key, value in CREDENTIALS.items()}).items():
        monkeypatch.setenv(f"TARGET_CLICKSEND_{name}", value)
    result = CliRunner().invoke(main, ["ledger", "reconcile"])
    assert result.output == "sms_messages: 1 found, 0 still unknown.\n"
    assert "sms_messages" in CliRunner().invoke(main, ["ledger", "list"]).output
