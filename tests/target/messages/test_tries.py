"""Tries before the first send: a dry run, and a run to one's own telephone."""

import json
import os
import pty

import pytest

from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import CHANNELS, OTHER, ROWS, TO, posts
from tests.target.runner import state, stream_of, target_command

SECRET = "Your code is 447711"


def sends(ran):
    return [one["path"] for one in ran.requests if one["path"].endswith(("/send", "/run"))]


@pytest.mark.parametrize("sink", CHANNELS)
def test_a_dry_run_says_what_would_be_sent(out, sink):
    rows = [{"body": "x" * 161}, {"to": OTHER}, {"to": "x"}, {"opted_out": True}]
    ran = out.send(*rows, sink=sink, opt_out="enforce", dry_run=True)
    assert (ran.rows(sink), ran.plan(sink), ran.code) == (
        {"dry_run": 2, "rejected": 1, "suppressed": 1},
        {"send": 2},
        0,
    )
    assert (sends(ran), out.arrivals) == ([], [])
    price = {"sms": "0.2376", "mms": ran.report["prices"][sink], "voice": ran.report["prices"][sink]}
    assert ran.report["prices"] == {sink: price[CHANNELS[sink]]}
    assert float(price[CHANNELS[sink]]) > 0
    assert ran.report["parts"] == {sink: 3 if sink == "sms_messages" else 2}
    first, second = ran.report["samples"]
    assert [sample["messages"][0]["to"] for sample in (first, second)] == ["+614915*****", "+614915*****"]
    assert first["messages"][0]["body"] == "x" * 161
    assert out.query(
        "select distinct outcome, parts is null, price is null from outcomes where outcome = 'dry_run'"
    ) == [("dry_run", 0, 0)]


def test_a_try_is_of_no_campaign_and_minds_nobodys_clock(out):
    """It is four in the morning where the customer is, and ten at night where one's own phone is."""
    row = {"campaign": "spring", "time_zone": "Pacific/Kiritimati"}
    quiet = {"quiet_hours": {"start": "03:00", "end": "06:00", "policy": "hold"}}
    assert out.send(row, **quiet).rows("sms_messages") == {"held": 1}
    assert out.send(row, test_recipient=TO, **quiet).rows("sms_messages") == {"sent": 1}
    assert out.query("select campaign from outcomes where outcome = 'sent'") == [(None,)]


def test_a_dry_run_keeps_five_samples_and_no_state(out):
    rows = [{"to": TO, "body": f"{number}"} for number in range(12)]
    lines = [*stream_of("sms_messages", rows), state({"a": 1})]
    ran = out.run(lines, dry_run=True, batch_size_rows=5)
    assert (ran.states, ran.stdout, len(ran.report["samples"])) == ([], "", 5)
    assert (ran.plan("sms_messages"), len(posts(ran, "/sms/price"))) == ({"send": 12}, 3)
    real = out.run(lines, batch_size_rows=5)
    assert (real.rows("sms_messages"), real.states) == ({"sent": 12}, [{"a": 1}])
    again = out.run(lines, dry_run=True)
    assert again.rows("sms_messages") == {"duplicate": 12}
    assert out.query("select distinct outcome from outcomes") == [("sent",)]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_dry_run_counts_as_the_real_one(out, size):
    rows = [
        {"idempotency_key": "k"},
        {"idempotency_key": "k", "body": "b"},
        {"body": "c"},
        {"body": "c"},
        {"to": "+33612345678"},
    ]
    out.switch(enabled_countries=["AU"])
    config = {"dedupe_window_hours": 1, "batch_size_rows": size}
    dry = out.send(*rows, dry_run=True, **config)
    assert dry.rows("sms_messages") == {"dry_run": 2, "duplicate": 1, "suppressed": 1, "rejected": 1}
    real = out.send(*rows, **config)
    assert real.rows("sms_messages") == {"sent": 2, "duplicate": 1, "suppressed": 1, "rejected": 1}
    assert [*map(float, dry.report["prices"].values())] == [0.1584]
    assert set(dry.reasons("sms_messages")) == set(real.reasons("sms_messages"))


def test_a_dry_run_over_the_cap(out):
    config = {"max_messages_per_run": 1, "dry_run": True}
    ran = out.send({}, {"to": OTHER}, **config)
    assert (ran.rows("sms_messages"), ran.code) == ({"held": 2}, 1)
    ran = out.send({}, **config)
    assert (ran.rows("sms_messages"), ran.plan("sms_messages"), ran.code) == ({"dry_run": 1}, {"send": 1}, 0)


def test_a_dry_run_leaves_what_is_unknown(out):
    out.fault(kind="reset_after", path="/sms/send", times=-1)
    out.fault(kind="status", path="/sms/history", times=-1)
    ran = out.send({}, max_retries=0, send_without_old_ledger=True)
    assert ran.rows("sms_messages") == {"unknown": 1}
    out.control("DELETE", "faults")
    ran = out.send({}, dry_run=True)
    assert (ran.rows("sms_messages"), ran.requests[1:]) == ({"duplicate": 1}, [])
    assert out.query("select outcome from outcomes") == [("unknown",)]


def test_a_sample_shows_all_of_the_request(out):
    row = {
        "from": "ACME",
        "schedule": out.at + 600,
        "country": "AU",
        "custom_string": "order 7",
        "from_email": "shop@example.com",
        "source": "shop",
    }
    (sample,) = out.send(row, dry_run=True, shorten_urls=True).report["samples"]
    assert sample == {
        "shorten_urls": True,
        "messages": [row | {"to": "+614915*****", "body": "Hello"}],
    }
    (sample,) = out.send({"id": 2}, dry_run=True).report["samples"]
    assert sample["messages"][0]["custom_string"] == "(a token of its own)"


def config_of(out, tmp_path, **config):
    return {
        "api_url": out.api_url,
        "ledger_url": out.ledger_url,
        "report_path": f"{tmp_path}/report.json",
        "opt_out": "ignore",
        **CREDENTIALS,
        **config,
    }


def test_samples_are_in_the_report_and_in_no_log(out, tmp_path):
    lines = stream_of("sms_messages", [{"to": TO, "body": SECRET}])
    done = target_command(tmp_path, lines, config_of(out, tmp_path, dry_run=True), LOGLEVEL="DEBUG")
    assert (done.returncode, done.stdout) == (0, b"")
    assert SECRET.encode() not in done.stderr
    assert b"1 parts, would cost 0.0792" in done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["samples"][0]["messages"][0]["body"] == SECRET
    assert TO not in json.dumps(report)


def test_samples_are_shown_on_a_terminal(out, monkeypatch):
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        out.send({"body": SECRET}, dry_run=True)
        shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert f'"body": "{SECRET}"' in shown
    assert "+614915*****" in shown
    assert TO not in shown


@pytest.mark.parametrize("sink", CHANNELS)
def test_a_test_recipient_gets_everything(out, sink):
    rows = [{"body": "a"}, {"to": OTHER, "body": "b"}, {"to": "x"}]
    lines = [*stream_of(sink, [ROWS[sink] | row for row in rows]), state({"a": 1})]
    mine = "+61491570159"
    for expected in ({"sent": 2, "rejected": 1}, {"duplicate": 2, "rejected": 1}):
        ran = out.run(lines, test_recipient=mine)
        assert (ran.rows(sink), ran.states) == (expected, [])
        assert out.counts(ran) == {sink: expected}
    assert [(one["to"], one["body"]) for one in out.arrivals] == [(mine, "a"), (mine, "b")]
    real = out.run(lines)
    assert (real.rows(sink), real.states) == ({"sent": 2, "rejected": 1}, [{"a": 1}])
    assert [one["to"] for one in out.arrivals[2:]] == [TO, OTHER]
    other = out.run(lines, test_recipient="+61491570158")
    assert other.rows(sink) == {"sent": 2, "rejected": 1}


def test_a_dry_run_to_a_test_recipient(out):
    ran = out.send({}, dry_run=True, test_recipient="+61411222333")
    assert ran.report["samples"][0]["messages"][0]["to"] == "+614112*****"
    assert out.send({}, test_recipient="+61411222333").rows("sms_messages") == {"sent": 1}


@pytest.mark.parametrize("url", [None, ""])
@pytest.mark.parametrize("sink", [*CHANNELS, "notifications"])
def test_what_sends_needs_a_ledger(out, tmp_path, sink, url):
    config = config_of(out, tmp_path, ledger_url=url)
    lines = stream_of(sink, [{"to": TO, "body": SECRET}])
    done = target_command(tmp_path, lines, {k: v for k, v in config.items() if v is not None})
    assert done.returncode == 2
    assert f"Sink {sink} needs ledger_url: what was sent is remembered there" in done.stderr.decode()
    assert out.arrivals == []
