"""Runs of one run_group have their caps together; a later one goes on with what is left."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Budget, Spent
from target_clicksend.messages.send import Sender
from target_clicksend.sinks.messages import SmsMessages
from tests.ledger.cases import claim
from tests.target.messages.cases import OTHER, TO, posts
from tests.target.runner import record, schema, state, stream_of

SINK = "sms_messages"
PRICE = Decimal("0.0792")
NIGHT = {"run_group": "night 7"}


def texts(first, count):
    return [
        {"idempotency_key": f"{number}", "to": f"+614915701{number:02}", "body": "Hi"}
        for number in range(first, first + count)
    ]


def spent(out, group="night 7"):
    with out.ledger() as ledger:
        return ledger.budgets.spent(group)


def run(out, rows, **config):
    return out.run([*stream_of(SINK, rows), state({"all": True})], **{**NIGHT, **config})


@pytest.mark.parametrize("size", [2, 1000])
def test_who_would_exceed_it_sends_nothing_and_says_whose_cap_it_is(out, size):
    config = {"max_messages_per_run": 7, "batch_size_rows": size}
    first = run(out, texts(0, 4), **config)
    assert (first.rows(SINK), first.code, spent(out).messages) == ({"sent": 4}, 0, 4)
    second = run(out, texts(4, 4), **config)
    said = "4 messages, after 4 of run_group night 7, are more than max_messages_per_run (7)"
    assert (second.rows(SINK), second.code, second.states) == ({"held": 4}, 1, [])
    assert (second.reasons(SINK), posts(second)) == ([said], [])
    assert f"{SINK}: {said}: nothing was sent." in second.notes
    # With what is left, more goes; under another name, as much again.
    assert run(out, texts(4, 3), **config).rows(SINK) == {"sent": 3}
    assert run(out, texts(4, 4), **config | {"run_group": "night 8"}).rows(SINK) == {
        "duplicate": 3,
        "sent": 1,
    }
    assert (spent(out).messages, spent(out, "night 8").messages) == (7, 1)


def test_spend_is_what_clicksend_took(out):
    first = run(out, texts(0, 4), max_spend_per_run=0.5)
    assert (first.rows(SINK), spent(out)) == ({"sent": 4}, Spent(messages=4, spend=4 * PRICE))
    second = run(out, texts(4, 3), max_spend_per_run=0.5)
    said = (
        "the price of all messages, 0.2376, after 0.3168 of run_group night 7, is more than max_spend_per_run"
    )
    assert second.reasons(SINK) == [f"{said} (0.5)"]
    assert (second.code, posts(second)) == (1, [])
    assert run(out, texts(4, 2), max_spend_per_run=0.5).rows(SINK) == {"sent": 2}


def test_without_caps_it_is_counted_for_those_that_have_them(out):
    run(out, texts(0, 4))
    assert spent(out) == Spent(messages=4, spend=4 * PRICE)
    assert run(out, texts(4, 1), max_messages_per_run=4).code == 1


def test_what_was_known_already_costs_nothing(out):
    """So a task that is tried again gets as far as the first time."""
    assert run(out, texts(0, 4), max_messages_per_run=6).code == 0
    again = run(out, texts(0, 6), max_messages_per_run=6)
    assert (again.rows(SINK), again.code) == ({"duplicate": 4, "sent": 2}, 0)


@pytest.mark.parametrize("cap", [{"max_messages_per_run": 4}, {"max_spend_per_run": 0.32}], ids=str)
@pytest.mark.parametrize(
    ("fault", "left"),
    [({"kind": "status", "status": 402}, 4), ({"kind": "reset_after"}, 0), ({"kind": "row_missing"}, 0)],
    ids=str,
)
def test_only_what_certainly_was_not_sent_is_given_back(out, cap, fault, left):
    out.fault(method="POST", path="/sms/send", **fault)
    run(out, texts(0, 4), **cap)
    assert spent(out).messages == 4 - left
    assert spent(out).spend == (PRICE * (4 - left) if "max_spend_per_run" in cap else spent(out).spend)
    second = run(out, texts(10, 4), **cap)
    assert second.rows(SINK) == ({"sent": 4} if left else {"held": 4})


@pytest.mark.parametrize("cap", [{"max_messages_per_run": 4}, {"max_spend_per_run": 0.32}], ids=str)
def test_what_others_of_the_group_took_since_the_count_is_held(out, monkeypatch, cap):
    out.send({"idempotency_key": "first"})
    send = Sender.send

    def late(self, messages):
        monkeypatch.undo()
        with Ledger.existing(out.ledger_url, now=lambda: out.now) as ledger:
            budget, prices = Budget(run_group="night 7"), {"x": PRICE, "y": PRICE}
            ledger.claims.claim_within(budget, prices, "other", SINK, map(claim, "xy"), lease_seconds=1)
        return send(self, messages)

    monkeypatch.setattr(Sender, "send", late)
    ran = run(out, texts(0, 4), **cap)
    (cap,) = cap
    assert (ran.rows(SINK), ran.code, ran.states) == ({"sent": 2, "held": 2}, 1, [])
    (said,) = ran.reasons(SINK)
    assert said.startswith(f"the runs of run_group night 7 leave no room for it under {cap} (")
    assert f"{SINK}: 2 messages: {said}." in ran.notes
    assert out.counts(ran) == {SINK: {"sent": 2, "held": 2}}


def test_all_sinks_of_a_run_share_it(out):
    lines = []
    for sink in (SINK, "voice_messages"):
        row = {"id": 1, "to": TO, "body": "Hello", "voice": "female", "lang": "en-au"}
        lines += [schema(sink, row), record(sink, row), record(sink, row | {"id": 2, "to": OTHER})]
    ran = out.run(lines, max_messages_per_run=4, **NIGHT)
    assert ({sink: {"sent": 2} for sink in ran.report["rows"]}, ran.code) == (ran.report["rows"], 0)
    assert spent(out).messages == 4


def test_a_dry_run_spends_nothing_and_shows_what_would_be_held(out):
    run(out, texts(0, 4), max_messages_per_run=4)
    dry = run(out, texts(4, 1), max_messages_per_run=4, dry_run=True)
    assert (dry.rows(SINK), dry.code, spent(out).messages) == ({"held": 1}, 1, 4)
    assert run(out, texts(4, 1), dry_run=True).plan(SINK) == {"send": 1}
    assert spent(out).messages == 4


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", " "])
def test_a_name_that_is_none(out, name):
    with pytest.raises(Exception, match="Setting run_group must"):
        run(out, [], run_group=name)


def test_what_others_send_while_it_counts_is_not_counted_twice(out, monkeypatch):
    """Of the same rows: they are known by then, or counted here."""
    run(out, texts(0, 1))
    process = SmsMessages.process_batch

    def slow(self):
        process(self)
        with Ledger.existing(out.ledger_url, now=lambda: out.now) as ledger:
            budget = Budget(run_group="night 7")
            claims = map(claim, ["3", "4"])
            ledger.claims.claim_within(budget, {}, "other", SINK, claims, lease_seconds=-1)

    monkeypatch.setattr(SmsMessages, "process_batch", slow)
    ran = run(out, texts(0, 5), max_messages_per_run=5)
    assert (ran.rows(SINK), spent(out).messages) == ({"sent": 2, "duplicate": 3}, 5)
