"""Rows take effect in the order of the input, across sinks."""

from __future__ import annotations

import pytest

from clicksend.ledger.claims import Claims
from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Claim, Outcome
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import record, schema, state

DAY = 86_400
UNTIL_LATER = {"max_messages_per_run": 100}
WAYS = pytest.mark.parametrize(
    "config", [{}, UNTIL_LATER, {"batch_size_rows": 1}], ids=["batch", "spool", "one"]
)
COLUMNS = {
    "sms_messages": ["id", "to", "body", "schedule", "custom_string", "template_name", "template_id"],
    "voice_messages": ["id", "to", "body", "schedule", "custom_string", "voice", "lang"],
    "cancellations": ["id", "custom_string", "message_id", "channel"],
    "sms_templates": ["id", "template_name", "template_id", "body", "_sdc_deleted_at"],
}


def mixed(*rows):
    """Return the input of rows of several sinks, each a pair of its sink and what it holds."""
    schemas = [schema(sink, COLUMNS[sink]) for sink in dict.fromkeys(sink for sink, _ in rows)]
    return [*schemas, *(record(sink, row) for sink, row in rows), state({"done": True})]


def text(out, number=1, **row):
    return "sms_messages", {"id": number, "to": TO, "body": f"Hi {number}", "schedule": out.at + DAY, **row}


def call(out, number=1, **row):
    return "voice_messages", {**text(out, number, **row)[1], "voice": "female", "lang": "en-au"}


def cancellation(custom_string, number=1, **row):
    return "cancellations", {"id": number, "custom_string": custom_string, **row}


def left(out):
    return sorted(one["body"] for one in out.arrivals if one["status"] == "Scheduled")


@WAYS
@pytest.mark.parametrize("kind", [text, call])
@pytest.mark.parametrize("string", ["c1", "*"])
def test_a_cancellation_behind_a_message_cancels_it(out, config, kind, string):
    lines = mixed(
        kind(out, 1, custom_string="c1"), kind(out, 2, custom_string="c1", to=OTHER), cancellation(string)
    )
    if string != "*":
        lines.insert(-2, record(*kind(out, 3, custom_string="c2")))
    for again in range(3):
        ran = out.run(lines, **config)
        assert left(out) == (["Hi 3"] if string != "*" else [])
        assert (ran.code, ran.states) == (0, [{"done": True}])
        expected = "cancelled" if not again else "unchanged"
        assert ran.rows("cancellations") == {expected: 1}, ran.reasons("cancellations")
    assert not any(one["status"] == "Sent" for one in out.arrivals)


@WAYS
def test_a_message_behind_a_cancellation_stays(out, config):
    ran = out.run(
        mixed(text(out, 1, custom_string="c1"), cancellation("c1"), text(out, 2, custom_string="c1")),
        **config,
    )
    assert (left(out), ran.code) == (["Hi 2"], 0)


@WAYS
def test_what_waits_and_was_cancelled_is_never_sent(out, config):
    """Not even when its row comes again without the cancellation."""
    out.run(mixed(text(out, custom_string="c1"), cancellation("c1")), **config)
    ran = out.run(mixed(text(out, custom_string="c1")), **config)
    assert (ran.rows("sms_messages"), left(out)) == ({"duplicate": 1}, [])


@pytest.mark.parametrize("kind", [text, call])
@pytest.mark.parametrize("string", ["c1", "*"])
def test_a_cancellation_that_comes_again_cancels_what_goes_out_before_it_now(out, kind, string):
    """The first message failed when the cancellation was carried out, and comes again with it."""
    out.control("POST", "statuses", {"to": TO, "status": "THROTTLED", "times": 1})
    rows = [kind(out, 1, custom_string="c1"), kind(out, 2, custom_string="c1", to=OTHER)]
    ran = out.run(mixed(*rows, cancellation(string)), batch_size_rows=1)
    assert (ran.rows(rows[0][0]), ran.states) == ({"failed": 1, "sent": 1}, [])
    later = kind(out, 3, custom_string="c1")
    out.run(mixed(later))
    ran = out.run(mixed(*rows, cancellation(string)), batch_size_rows=1)
    assert (left(out), ran.states) == (["Hi 3"], [{"done": True}])
    assert ran.rows(rows[0][0]) == {"sent": 1, "duplicate": 1}
    assert ran.rows("cancellations") == {"cancelled": 1}
    again = out.run(mixed(*rows, cancellation(string)), batch_size_rows=1)
    assert (again.rows("cancellations"), again.rows(rows[0][0])) == ({"unchanged": 1}, {"duplicate": 2})


@pytest.mark.parametrize("kind", [text, call])
def test_what_got_no_answer_since_the_last_cancellation_is_found(out, kind):
    out.fault(kind="reset_after", path="/*/send")
    rows = [cancellation("c0"), kind(out, custom_string="c1"), cancellation("c1", 2)]
    ran = out.run(mixed(*rows), batch_size_rows=1)
    assert (left(out), ran.rows("cancellations")) == ([], {"rejected": 1, "cancelled": 1})


@pytest.mark.parametrize("config", [{}, UNTIL_LATER], ids=["batch", "spool"])
def test_what_waits_under_one_key_twice_is_cancelled_once(out, config):
    rows = [text(out, idempotency_key="k", custom_string="c1"), text(out, 2, idempotency_key="k")]
    rows[1][1]["custom_string"] = "c1"
    ran = out.run(mixed(*rows, cancellation("c1")), **config)
    assert (left(out), ran.states) == ([], [{"done": True}])
    expected = {"cancelled": 1, "duplicate": 1}
    assert (ran.rows("sms_messages"), out.counts(ran)["sms_messages"]) == (expected, expected)


def test_what_another_worker_gives_back_is_not_sent_behind_its_cancellation(out, monkeypatch):
    """While the row of cancellations is carried out, another worker has the key: both rows come again."""
    row = text(out, idempotency_key="7", custom_string="c1")
    with Ledger.open(out.ledger_url, api_url=out.api_url, user_id="672721", now=lambda: out.now) as other:
        claim = Claim(key="7", stream="s", custom_string="c1", recipient_hash="h", body_hash="b")
        other.claims.claim("other", "sms_messages", [claim], lease_seconds=60)
        cancel = Claims.cancel_unsent

        def giving_back(self, *arguments):
            keys = cancel(self, *arguments)
            given = Outcome(sink="sms_messages", key="7", stream="s", outcome="failed", reason="refused")
            other.claims.settle("other", [given])
            return keys

        monkeypatch.setattr(Claims, "cancel_unsent", giving_back)
        ran = out.run(mixed(row, cancellation("c1")))
        assert (ran.rows("sms_messages"), out.arrivals, ran.states) == ({"held": 1}, [], [])
        monkeypatch.undo()
        again = out.run(mixed(row, cancellation("c1")))
    assert (again.rows("sms_messages"), out.arrivals, again.states) == (
        {"cancelled": 1},
        [],
        [{"done": True}],
    )


def test_without_a_schedule_a_star_lets_it_go(out):
    ran = out.run(mixed(text(out, 1, schedule=None), text(out, 2), cancellation("*")))
    assert (left(out), [one["body"] for one in out.arrivals]) == ([], ["Hi 1"])
    assert ran.rows("sms_messages") == {"sent": 1, "cancelled": 1}


def test_a_dry_run_says_it(out):
    ran = out.run(mixed(text(out, custom_string="c1"), cancellation("c1")), dry_run=True)
    assert (ran.rows("sms_messages"), ran.plan("cancellations"), ran.writes) == (
        {"suppressed": 1},
        {"cancel": 1},
        [],
    )


def template(body, name="T1", number=1, **row):
    return "sms_templates", {"id": number, "template_name": name, "body": body, **row}


def by_template(number=1, name="T1", **row):
    return "sms_messages", {"id": number, "to": TO, "template_name": name, **row}


@WAYS
def test_a_template_is_written_before_the_messages_behind_it(out, config):
    out.switch(throttle_seconds=0)
    rows = [
        by_template(1),
        template("Old price 5"),
        by_template(2),
        template("New price 9", number=2),
        by_template(3),
        template("", number=3, _sdc_deleted_at="2026-01-01"),
        by_template(4),
    ]
    ran = out.run(mixed(*rows), **config)
    assert sorted(one["body"] for one in out.arrivals) == ["New price 9", "Old price 5"]
    assert ran.rows("sms_messages") == {"sent": 2, "rejected": 2}
    assert ran.rows("sms_templates") == {"created": 1, "updated": 1, "deleted": 1}


def test_a_dry_run_knows_the_templates_of_its_input(out):
    ran = out.run(mixed(template("Price {id}"), by_template(7), by_template(8, "T2")), dry_run=True)
    assert (ran.plan("sms_messages"), ran.plan("sms_templates")) == ({"send": 1}, {"create": 1})
    assert ran.report["samples"][0]["messages"][0]["body"] == "Price 7"
    assert not any(path.startswith("/sms/templates") for _, path in ran.writes)


@pytest.mark.parametrize(
    ("status", "outcome", "states"), [(500, "held", []), (400, "rejected", [{"done": True}])]
)
def test_a_template_that_was_not_written_sends_nothing_old(out, status, outcome, states):
    out.run(mixed(template("Old price 5")))
    out.fault(kind="status", status=status, path="/sms/templates/*", method="PUT", times=-1)
    ran = out.run(mixed(template("New price 9"), by_template()))
    assert (ran.rows("sms_messages"), out.arrivals, ran.states) == ({outcome: 1}, [], states)


LIST = {
    "contact_lists": ["id", "list_name", "_sdc_deleted_at"],
    "contacts": ["id", "list_name", "phone_number"],
}


def listed(*rows):
    schemas = [schema(sink, LIST[sink]) for sink in LIST]
    return [*schemas, *(record(sink, {"id": number, **row}) for number, (sink, row) in enumerate(rows))]


NEW = ("contact_lists", {"list_name": "Spring"})
GONE = ("contact_lists", {"list_name": "spring", "_sdc_deleted_at": "2026-01-01"})
PERSON = ("contacts", {"list_name": "Spring", "phone_number": TO})
OTHERS = ("contacts", {"list_name": "SPRING", "phone_number": OTHER})


def test_a_list_is_deleted_where_its_row_stands(out):
    out.run(listed(NEW, PERSON))
    ran = out.run(listed(OTHERS, GONE), create_missing_lists=True)
    assert (ran.rows("contacts"), ran.rows("contact_lists")) == ({"created": 1}, {"deleted": 1})
    out.run(listed(NEW, PERSON))
    ran = out.run(listed(GONE, OTHERS), create_missing_lists=True)
    assert (ran.rows("contacts"), ran.rows("contact_lists")) == ({"created": 1}, {"deleted": 1})
    again = out.run(listed(OTHERS), create_missing_lists=True)
    assert again.rows("contacts") == {"unchanged": 1}
    ran = out.run(listed(GONE, PERSON))
    assert (ran.rows("contacts"), ran.rows("contact_lists")) == ({"rejected": 1}, {"deleted": 1})
