"""Caps: over them nothing at all is sent, in none of the sinks, and every row comes again."""

import pytest

from target_clicksend.sinks.messages import SmsMessages
from tests.target.messages.cases import OTHER, TO, posts
from tests.target.runner import record, schema, state, stream_of

PRICE = "0.0792"


def priced(ran, channel="sms"):
    return [len(body["messages"]) for body in posts(ran, f"/{channel}/price")]


@pytest.mark.parametrize("size", [2, 1000])
def test_over_the_cap_every_row_is_held(out, size):
    rows = [{"body": f"{number}"} for number in range(5)]
    lines = [*stream_of("sms_messages", [row | {"to": TO} for row in rows]), state({"all": True})]
    ran = out.run(lines, max_messages_per_run=4, batch_size_rows=size)
    assert (ran.rows("sms_messages"), ran.code, posts(ran), ran.states) == ({"held": 5}, 1, [], [])
    assert ran.reasons("sms_messages") == ["5 messages are more than max_messages_per_run (4)"]
    assert "nothing was sent" in ran.notes
    assert out.counts(ran) == {"sms_messages": {"held": 5}}
    assert out.query("select distinct outcome from outcomes") == [("held",)]
    again = out.run(lines, max_messages_per_run=5, batch_size_rows=size)
    assert (again.rows("sms_messages"), again.code, again.states) == ({"sent": 5}, 0, [{"all": True}])
    assert priced(again) == []


def test_exactly_at_both_caps(out):
    rows = [{"body": f"{number}"} for number in range(3)]
    over = out.send(*rows, max_spend_per_run=0.2375)
    assert (over.rows("sms_messages"), over.code) == ({"held": 3}, 1)
    assert over.reasons("sms_messages") == [
        "the price of all messages, 0.2376, is more than max_spend_per_run (0.2375)"
    ]
    ran = out.send(*rows, max_spend_per_run=0.2376, max_messages_per_run=3)
    assert (ran.rows("sms_messages"), ran.code, priced(ran)) == ({"sent": 3}, 0, [3])


def priced_at(out, *prices, skip=0):
    """Let the sandbox answer one price request with these prices, the first messages first."""
    rows = [
        {"custom_string": f"price-{number}", "status": "SUCCESS", "message_price": price, "message_parts": 1}
        for number, price in enumerate(prices)
    ]
    body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": {"messages": rows}}
    out.fault(path="/sms/price", kind="body", body=body, skip=skip)


@pytest.mark.parametrize("price", [-5, "-5", "-0.0001", "NaN", "Infinity", None, "0,08"])
def test_what_is_no_price_holds_the_run(out, price):
    priced_at(out, price, "0.07")
    ran = out.send({}, {"body": "two"}, max_spend_per_run=0.01)
    assert (ran.rows("sms_messages"), ran.code, posts(ran)) == ({"held": 2}, 1, [])


@pytest.mark.parametrize("config", [{"dry_run": True}, {"max_spend_per_run": 0.01}], ids=str)
def test_prices_that_are_all_0_are_said(out, config):
    priced_at(out, 0, "0.00")
    ran = out.send({}, {"body": "two"}, **config)
    assert ran.notes.count("price of every message is 0") == 1
    priced_at(out, 0, "0.005")
    ran = out.send({"idempotency_key": "3"}, {"idempotency_key": "4", "body": "four"}, **config)
    assert "price of every message" not in ran.notes


def test_prices_are_asked_a_thousand_at_once(out):
    rows = [{"to": f"+614915{n:05}"} for n in range(2500)]
    ran = out.send(*rows, max_spend_per_run=1000, messages_per_minute=1250, batch_size_rows=1000)
    assert (ran.rows("sms_messages"), priced(ran)) == ({"sent": 2500}, [1000, 1000, 500])


def test_nothing_is_sent_before_the_input_has_ended(out):
    ran = out.send(*[{"body": f"{n}"} for n in range(5)], batch_size_rows=2, max_spend_per_run=5)
    paths = [one["path"] for one in ran.requests if one["method"] == "POST"]
    assert paths == ["/sms/price"] * 3 + ["/sms/send"] * 3


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_what_is_not_sent_does_not_count(out, size):
    config = {"dedupe_window_hours": 1, "batch_size_rows": size}
    assert out.send({"idempotency_key": "old", "body": "old"}, **config).rows("sms_messages") == {"sent": 1}
    rows = [
        {"idempotency_key": "old", "body": "x"},  # duplicate
        {"idempotency_key": "k", "body": "a"},
        {"idempotency_key": "k", "body": "b"},  # duplicate
        {"body": "a"},  # suppressed
        {"body": "x" * 5001},  # rejected
        {"to": "x"},  # rejected
        {"body": "c", "opted_out": True},  # suppressed
        {"to": OTHER, "body": "a"},
    ]
    ran = out.send(*rows, max_messages_per_run=2, opt_out="enforce", **config)
    expected = {"sent": 2, "duplicate": 2, "suppressed": 2, "rejected": 2}
    assert (ran.rows("sms_messages"), ran.code) == (expected, 0)
    assert out.counts(ran) == {"sms_messages": expected}
    assert [one["body"] for one in out.arrivals] == ["old", "a", "a"]


def test_what_clicksend_would_refuse_costs_nothing_and_stops_nobody(out):
    out.switch(enabled_countries=["AU"])
    ran = out.send({}, {"to": "+33612345678"}, max_spend_per_run=1)
    assert (ran.rows("sms_messages"), ran.code) == ({"sent": 1, "rejected": 1}, 0)
    assert ran.reasons("sms_messages") == ["ClickSend answered COUNTRY_NOT_ENABLED"]


def test_without_prices_nothing_is_sent(out):
    out.fault(kind="status", path="/sms/price", times=-1, status=500)
    ran = out.send({}, max_spend_per_run=1, max_retries=0)
    assert (ran.code, out.arrivals, ran.report["rows_unfinished"]) == (1, [], 1)
    out.control("DELETE", "faults")
    out.fault(kind="row_missing", path="/sms/price")
    ran = out.send({}, {"to": OTHER}, {"body": "x"}, max_spend_per_run=1)
    assert (ran.code, out.arrivals) == (1, [])
    assert ran.reasons("sms_messages") == ["1 messages have no price, and max_spend_per_run is set"]


def test_a_cap_is_for_all_sinks_together(out):
    lines = []
    for sink in ("sms_messages", "mms_messages", "voice_messages"):
        row = {"id": 1, "to": TO, "body": "Hello", "voice": "female", "lang": "en-au"}
        row |= {"subject": "Sale", "media_file": "https://example.com/a.jpg"}
        lines += [schema(sink, row), record(sink, row)]
    over = out.run(lines, max_messages_per_run=2)
    assert {sink: {"held": 1} for sink in over.report["rows"]} == over.report["rows"]
    assert (len(over.report["rows"]), over.code, out.arrivals) == (3, 1, [])
    ran = out.run(lines, max_messages_per_run=3, max_spend_per_run=100)
    assert ({sink for sink, found in ran.report["rows"].items() if found == {"sent": 1}}, ran.code) == (
        {"sms_messages", "mms_messages", "voice_messages"},
        0,
    )


def test_what_was_not_counted_does_not_go(out, monkeypatch):
    """Quiet hours end between the count and the sending."""
    finish = SmsMessages.clean_up
    monkeypatch.setattr(SmsMessages, "clean_up", lambda self: [out.advance(120), finish(self)])
    hold = {"start": "00:00", "end": "00:14", "policy": "hold"}
    rows = [{"time_zone": "Australia/Melbourne"}, {"to": OTHER, "time_zone": "Europe/London"}]
    ran = out.send(*rows, max_messages_per_run=1, quiet_hours=hold)
    assert ran.rows("sms_messages") == {"held": 1, "sent": 1}


def test_no_cap_of_zero_is_no_cap(out):
    ran = out.send({}, max_messages_per_run=0)
    assert (ran.rows("sms_messages"), ran.code) == ({"held": 1}, 1)
    assert out.send({"to": "x"}, max_messages_per_run=0).code == 0
