"""clicksend ledger rebuild: a lost ledger comes back, and nothing is sent again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from target_clicksend import rebuild
from tests.cli.repair_cases import SINKS, command_of, outcomes
from tests.target.messages.cases import LESS, OTHER

LONG_AGO = "2026-06-01"


@pytest.fixture
def command(out, tmp_path):
    return command_of(out, tmp_path)


def today(out):
    return datetime.fromtimestamp(out.at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def lose(out):
    Path(out.folder, "ledger.db").unlink()


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


@pytest.mark.parametrize("less", LESS)
def test_a_history_that_shows_less_than_it_counts_is_not_enough(out, command, monkeypatch, less):
    read_pages = rebuild.read_pages
    monkeypatch.setattr(rebuild, "read_pages", lambda *given: less(list(read_pages(*given))))
    out.send({})
    lose(out)
    assert "fewer messages than it counts, 3 times" in command("rebuild", "--since", LONG_AGO, code=1)
