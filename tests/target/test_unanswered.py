"""What a run says of messages that got no usable answer: what the ledger knows in the end, loud and clear."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from clicksend import errors
from clicksend.ledger.ledger import Ledger
from target_clicksend.messages.send import breaker_of_sends, result_of_failure
from target_clicksend.summary import LOOK, RECONCILE
from tests.ledger.cases import claim
from tests.target.messages.cases import CHANNELS, TO

SINKS = sorted(CHANNELS)
SINK = "sms_messages"
ROWS = [{"to": f"+6149157015{number}", "body": f"Text {number}"} for number in range(5, 9)]
ARRIVES = ["reset_after", "half_body", "html_after", "status_after 500", "status_after 409", "row_missing"]
LOST = ["reset_before", "status 500", "status 502", "status 302", "status 409", "html"]
HUB = {"username": None, "api_key": "sandbox-key"}


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


def fault(out, kind, path="/sms/send", **options):
    kind, _, status = kind.partition(" ")
    out.fault(method="POST", path=path, kind=kind, **({"status": int(status)} if status else {}), **options)


def again(text):
    return [word for word in ("run again", "again later", "try again") if word in text.casefold()]


def kinds(root):
    return {root, *(kind for one in root.__subclasses__() for kind in kinds(one))}


# What the run itself found out


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("kind", ARRIVES)
def test_what_the_closing_look_finds_is_sent(out, caplog, sink, kind):
    fault(out, kind, f"/{CHANNELS[sink]}/send")
    with caplog.at_level(logging.INFO):
        ran = out.send(*ROWS, sink=sink)
    found = 1 if kind == "row_missing" else 4
    assert (ran.code, ran.report["exit_code"], ran.rows(sink)) == (0, 0, {"sent": 4})
    assert (ran.report["found_in_history"], ran.reasons(sink)) == ({sink: found}, [])
    assert (ran.report["unknown_open"], ran.report["next"]) == (0, None)
    assert out.counts(ran) == ran.report["rows"]
    assert f"{sink} 4 sent, {found} of them found in the history" in caplog.messages[-1]
    assert "unknown" not in caplog.messages[-1]


@pytest.mark.parametrize("sink", SINKS)
def test_what_it_finds_of_a_part_is_counted_as_a_part(out, sink):
    path = f"/{CHANNELS[sink]}/send"
    fault(out, "reset_after", path)
    fault(out, "reset_before", path, skip=2)
    ran = out.send(*ROWS, sink=sink, batch_size_rows=1)
    assert (ran.code, ran.rows(sink)) == (3, {"sent": 3, "unknown": 1})
    assert (ran.report["found_in_history"], len(ran.reasons(sink))) == ({sink: 1}, 1)
    assert out.counts(ran) == ran.report["rows"]


def test_two_lost_answers_at_the_end_that_are_found_are_no_error(out):
    fault(out, "reset_after", skip=2, times=2)
    ran = out.send(*ROWS, batch_size_rows=1)
    assert (ran.code, ran.rows(SINK), ran.report["notes"]) == (0, {"sent": 4}, [])


def test_what_another_run_finds_meanwhile_counts_too(out):
    out.switch(history_lag=60)
    fault(out, "reset_after")
    first = out.send(*ROWS)
    out.advance(60)
    assert out.send(*ROWS).code == 0
    assert out.counts(first)[SINK] == first.rows(SINK) == {"unknown": 4}


def test_only_what_a_run_counted_as_unknown_is_counted_anew(out):
    """Not what it found of another one, which had been killed."""
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: out.now) as ledger:
        ledger.claims.claim("killed", SINK, [claim("x")], lease_seconds=90)
    out.advance(3600)
    ran = out.send(*ROWS)
    assert (ran.code, ran.rows(SINK), ran.report["found_in_history"]) == (3, {"sent": 4}, {})


# Unknown is loud


@pytest.mark.parametrize("kind", LOST)
def test_it_is_said_last_and_as_an_error(out, caplog, kind):
    fault(out, kind)
    ran = out.send(*ROWS)
    assert (ran.code, ran.report["exit_code"], ran.rows(SINK)) == (3, 3, {"unknown": 4})
    assert (ran.report["unknown_open"], ran.report["next"]) == (4, RECONCILE)
    last = caplog.records[-1]
    assert (last.levelname, last.name) == ("ERROR", "target-clicksend")
    said = last.getMessage()
    assert said.startswith(f"4 messages are unknown (sms_messages 4), since {out.now:%Y-%m-%d %H:%M} UTC")
    assert f"from run {ran.report['run_id']}:" in said
    assert "They are not sent again. Next: clicksend ledger reconcile." in said
    assert not again(caplog.text), caplog.text
    assert not again(json.dumps(ran.report))


def test_of_an_earlier_run_it_is_said_until_somebody_knows(out, caplog):
    fault(out, "reset_before")
    first = out.send(ROWS[0])
    out.advance(3600)
    second = out.send({"id": 7})
    assert (second.code, second.report["unknown_open"], second.report["next"]) == (3, 1, RECONCILE)
    assert "1 message is unknown (sms_messages 1), since " in caplog.messages[-1]
    assert first.report["run_id"] in caplog.messages[-1]
    out.advance(86_400)
    third = out.send({"id": 8})
    assert (third.code, third.report["next"]) == (3, LOOK)
    assert "clicksend ledger release" in caplog.messages[-1]


def test_many_runs_are_not_all_named(out, caplog):
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: out.now) as ledger:
        for number in range(5):
            ledger.claims.claim(f"run {number}", SINK, [claim(f"k{number}")], lease_seconds=number)
    out.advance(3600)
    assert out.send({}).report["unknown_open"] == 5
    assert "from runs run 0, run 1, run 2 and 2 more: nobody knows" in caplog.messages[-1]


def test_notifications_are_not_looked_up(out, caplog):
    hub = {"api_url": out.hub_api_url, "hub_url": out.url, **HUB}
    fault(out, "reset_after", "/v1/run")
    ran = out.send({"to": TO, "template_id": "plain"}, sink="notifications", **hub)
    assert (ran.code, ran.report["unknown_open"], ran.report["next"]) == (3, 1, LOOK)
    assert caplog.records[-1].levelname == "ERROR"
    assert not again(caplog.text)


def test_what_others_are_sending_is_no_unknown_of_ours(out):
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: out.now) as ledger:
        ledger.claims.claim("other", SINK, map(claim, "abc"), lease_seconds=90)
    ran = out.send(*ROWS)
    assert (ran.code, ran.report["unknown_open"]) == (0, 0)
    out.advance(91)
    ran = out.send(*ROWS)
    assert (ran.code, ran.report["unknown_open"]) == (3, 3)


@pytest.mark.parametrize("config", [{}, {"dry_run": True}], ids=str)
def test_an_error_has_its_exit_code_in_the_report(out, tmp_path, config):
    path = tmp_path / "report.json"
    out.control("POST", "statuses", {"to": ROWS[0]["to"], "status": "THROTTLED", "times": 1})
    out.send(*ROWS, report_path=str(path), **config)
    assert json.loads(path.read_text())["exit_code"] == (0 if config else 1)
    ran = out.run([*out_of_order()], report_path=str(path), **config)
    assert json.loads(path.read_text())["exit_code"] == ran.code == 1


def out_of_order():
    return [{"type": "RECORD", "stream": SINK, "record": {"id": 1}}]


def test_wrong_settings_have_theirs(out, tmp_path):
    path = tmp_path / "report.json"
    out.run([{"type": "SCHEMA", "stream": "x", "schema": {"properties": {}}}], report_path=str(path))
    assert json.loads(path.read_text())["exit_code"] == 2


# Advice


@pytest.mark.parametrize("kind", [*sorted(kinds(errors.ApiError), key=str), None], ids=str)
def test_no_lost_send_is_told_to_run_again(kind):
    if kind is None:
        some = [
            errors.UnreachableError("It broke.", "Run again later."),
            errors.UnexpectedAnswerError("It is none.", "Run again later."),
            errors.ClickSendError("It is something."),
        ]
    else:
        some = [kind("POST /sms/send", status, code) for status in (200, 302, 400, 500) for code in ("", "X")]
    for error in some:
        breaker = breaker_of_sends()
        verdicts = [result_of_failure(error, breaker) for _ in range(2)]
        assert {one.outcome for one in verdicts} <= {"failed", "unknown"}
        if verdicts[0].outcome == "unknown":
            assert not again(verdicts[0].reason), verdicts[0].reason
            assert "not sent again" in verdicts[0].reason
            assert not again(str(breaker.reason)), breaker.reason


# What people see of leases


def test_show_has_the_lease_while_it_matters(out, command):
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: out.now) as ledger:
        ledger.claims.claim("other", SINK, [claim("a")], lease_seconds=90)
    until = (out.now + timedelta(seconds=90)).isoformat()
    assert f"lease_until    {until}" in command("show", "a")
    assert json.loads(command("show", "a", "--format", "json"))[0]["lease_until"] == until
    out.execute("update outcomes set outcome = 'sent'")
    assert "lease_until" not in command("show", "a")


def test_reconcile_names_what_is_under_a_lease(out, command):
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: now) as ledger:
        ledger.claims.claim("other", SINK, map(claim, "ab"), lease_seconds=300)
        ledger.claims.claim("another", "mms_messages", [claim("c")], lease_seconds=600)
        ledger.claims.claim("old", SINK, [claim("d")], lease_seconds=-1)
    output = command("reconcile", code=3)
    until = [f"{now + timedelta(seconds=seconds):%H:%M:%S} UTC: not looked up." for seconds in (300, 600)]
    assert (
        f"sms_messages: 0 found, 1 still unknown. 2 are under the lease of a run until {until[0]}" in output
    )
    assert f"mms_messages: 0 found, 0 still unknown. 1 is under the lease of a run until {until[1]}" in output
    out.execute("delete from outcomes where key = 'd'")
    assert "can be released" not in command("reconcile", code=3)


@pytest.fixture
def command(out, tmp_path):
    """Return a function that runs ``clicksend ledger`` on the ledger that ``out`` uses."""
    from click.testing import CliRunner

    from clicksend.cli import command as main
    from tests.tap.runner import CREDENTIALS

    def command(*arguments, code=0):
        path = tmp_path / "target.json"
        config = {"api_url": out.api_url, "ledger_url": out.ledger_url, "opt_out": "ignore", **CREDENTIALS}
        path.write_text(json.dumps(config))
        result = CliRunner().invoke(main, ["ledger", *arguments, "--config", str(path)])
        assert result.exit_code == code, result.output
        return result.output

    return command
