"""What a row of a real table means: deleted, known already, known as another, from a renamed stream."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.errors import SettingsError
from target_clicksend.messages.new_streams import NewStreams
from tests.conftest import budget
from tests.target.messages.cases import CHANNELS, OTHER, ROWS, TO, posts
from tests.target.runner import record, schema, state, stream_of
from tests.target.test_row_columns import spelled

DELETED_AT = "2026-11-28T10:00:00Z"
DAYS = 86_400
UNTIL_LATER = {"max_messages_per_run": 100}
"""With a cap all input is there before anything is sent."""


def deleted(**row):
    return {"_sdc_deleted_at": DELETED_AT, **row}


@pytest.mark.parametrize("sink", [*CHANNELS])
@pytest.mark.parametrize("config", [{}, UNTIL_LATER, {"dry_run": True}, {"test_recipient": OTHER}], ids=str)
@pytest.mark.parametrize("mark", ["_sdc_deleted_at", "_FIVETRAN_DELETED", "__deleted"])
def test_a_deleted_row_is_not_sent(out, sink, config, mark):
    ran = out.send(
        {"id": 1, mark: "true"}, {"id": 2, mark: None, "to": OTHER, "body": "b"}, sink=sink, **config
    )
    assert ran.code == 0
    assert ran.rows(sink) == {"suppressed": 1, "dry_run" if config.get("dry_run") else "sent": 1}
    assert [one["body"] for one in out.arrivals] == ([] if config.get("dry_run") else ["b"])
    assert ran.reasons(sink) == ["its row was deleted upstream"]


def test_a_deleted_row_needs_no_more_than_its_key(out):
    ran = out.run([schema("sms_messages", ["id"]), record("sms_messages", deleted(id=1))])
    assert (ran.rows("sms_messages"), ran.code, out.arrivals) == ({"suppressed": 1}, 0, [])


@pytest.mark.parametrize("config", [{}, UNTIL_LATER], ids=["batch", "spool"])
def test_a_deleted_row_takes_back_what_waits_under_its_key(out, config):
    rows = [{"id": 1}, {"id": 2, "to": OTHER, "body": "b"}, deleted(id="1.0", to=None)]
    ran = out.run(
        [*stream_of("sms_messages", [ROWS["sms_messages"] | one for one in rows]), state({"a": 1})], **config
    )
    assert ran.rows("sms_messages") == {"suppressed": 2, "sent": 1}
    assert [one["to"] for one in out.arrivals] == [OTHER]
    assert (ran.states, ran.code) == ([{"a": 1}], 0)


def test_a_row_that_is_there_again_goes_out(out):
    assert out.send(deleted(id=1)).rows("sms_messages") == {"suppressed": 1}
    ran = out.send({"id": 1}, deleted(id=1), {"id": 1})
    assert ran.rows("sms_messages") == {"suppressed": 2, "sent": 1}
    assert len(out.arrivals) == 1


@pytest.mark.parametrize("sink", ["sms_messages", "voice_messages"])
@pytest.mark.parametrize("config", [{}, UNTIL_LATER], ids=["batch", "spool"])
def test_a_scheduled_message_of_a_deleted_row_is_cancelled_if_the_setting_says_so(out, sink, config):
    row = {"id": 1, "schedule": out.at + DAYS}
    assert out.send(row, sink=sink).rows(sink) == {"sent": 1}
    kept = out.send(deleted(id=1), sink=sink, **config)
    assert (kept.rows(sink), kept.writes) == ({"suppressed": 1}, [])
    planned = out.send(deleted(id=1), sink=sink, cancel_deleted=True, dry_run=True, **config)
    assert (planned.plan(sink), planned.writes) == ({"cancel": 1}, [])
    ran = out.send(deleted(id=1), sink=sink, cancel_deleted=True, **config)
    assert (ran.rows(sink), ran.code, len(ran.writes)) == ({"cancelled": 1}, 0, 1)
    assert out.counts(ran) == {sink: {"cancelled": 1}}
    assert out.query("select outcome, reason from outcomes") == [
        ("cancelled", "its row was deleted upstream")
    ]
    # Its key stays used: no replay of the input may send it after all.
    for again in (row, deleted(id=1), row | {"schedule": None}):
        assert out.send(again, sink=sink, cancel_deleted=True).writes == []


def test_what_was_sent_before_cannot_be_cancelled(out):
    out.send({"id": 1}, {"id": 2, "schedule": out.at + 60, "to": OTHER})
    out.advance(3600)
    ran = out.send(deleted(id=1), deleted(id=2), cancel_deleted=True)
    assert (ran.rows("sms_messages"), ran.code, ran.writes) == ({"suppressed": 2}, 0, [])
    assert out.query("select distinct outcome from outcomes") == [("sent",)]


def test_too_late_to_cancel_is_said(out):
    out.send({"id": 1, "schedule": out.at + DAYS})
    out.fault(method="PUT", path="/sms/*/cancel", kind="status", status=404, times=-1)
    ran = out.send(deleted(id=1), cancel_deleted=True)
    assert ran.rows("sms_messages") == {"suppressed": 1}
    assert "can no longer be cancelled" in ran.reasons("sms_messages")[0]


def test_a_failed_cancellation_comes_again(out):
    out.send({"id": 1, "schedule": out.at + DAYS})
    out.fault(method="PUT", path="/sms/*/cancel", kind="status", status=500, times=1)
    lines = [*stream_of("sms_messages", [deleted(id=1)]), state({"a": 1})]
    ran = out.run(lines, cancel_deleted=True)
    assert (ran.rows("sms_messages"), ran.states, ran.code) == ({"failed": 1}, [], 1)
    assert out.run(lines, cancel_deleted=True).rows("sms_messages") == {"cancelled": 1}


@pytest.mark.parametrize(
    ("sink", "row"),
    [
        ("cancellations", {"custom_string": "c"}),
        ("contacts", {"phone_number": TO, "list_name": "New"}),
        ("contact_lists", {"list_name": "New"}),
        ("sms_templates", {"template_name": "New", "body": "b"}),
        ("email_addresses", {"email_address": "a@example.com"}),
    ],
)
@pytest.mark.parametrize("mark", ["_SDC_DELETED_AT", "_ab_cdc_deleted_at", "_PEERDB_IS_DELETED"])
def test_no_sink_takes_a_deleted_row_for_one_that_is_alive(out, sink, row, mark):
    ran = out.run(stream_of(sink, [{"id": 1, **row, mark: 1}]), create_missing_lists=True)
    assert (ran.writes, ran.code) == ([], 0)
    assert sum(ran.rows(sink).get(name, 0) for name in ("unchanged", "suppressed")) == 1


def test_gates_hold_for_columns_in_capitals(out):
    names = ("ID", "TO", "BODY", "SCHEDULE", "OPTED_OUT", "SEND_BEFORE")
    rows = [
        (1, TO, "later", out.at + DAYS, None, None),
        (2, OTHER, "never", None, True, None),
        (3, OTHER, "late", None, False, out.at - 60),
    ]
    records = [record("msgs", dict(zip(names, row, strict=True))) for row in rows]
    lines = [schema("msgs", names, ["ID"]), *records]
    ran = out.run(lines, streams={"msgs": "sms_messages"}, opt_out="column")
    assert ran.rows("sms_messages") == {"rejected": 2, "suppressed": 1}
    ran = out.run(lines, streams={"msgs": "sms_messages"}, opt_out="enforce")
    assert ran.rows("sms_messages") == {"sent": 1, "suppressed": 1, "rejected": 1}
    assert [(one["body"], one["schedule"]) for one in out.arrivals] == [("later", out.at + DAYS)]
    assert (ran.code, ran.notes) == (0, "")


@settings(max_examples=budget(15, 500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["opted_out", "schedule", "send_before", "_sdc_deleted_at"]))
def test_what_holds_back_does_so_in_every_spelling(out, data, name):
    out.control("POST", "reset")
    value = {
        "opted_out": True,
        "schedule": out.at + DAYS,
        "send_before": out.at - 60,
        "_sdc_deleted_at": DELETED_AT,
    }
    row = {"id": data.draw(st.integers()), data.draw(spelled(name)): value[name]}
    # A ledger of its own: it must not know of what the sandbox has forgotten.
    ran = out.send(row, opt_out="enforce", ledger_url=f"sqlite:///{out.folder}/{uuid4()}.db")
    sent = [one for one in out.arrivals if one["schedule"] != out.at + DAYS]
    assert (ran.code, sent) == (0, [])


@pytest.mark.parametrize("declared", [True, False])
def test_what_resembles_a_gates_column_stops_before_the_first_send(out, declared):
    row = {"id": 1, **ROWS["sms_messages"], "unsubscribed": False}
    lines = [schema("sms_messages", row if declared else ["id"]), record("sms_messages", row)]
    ran = out.run(lines)
    assert isinstance(ran.error, SettingsError)
    assert "ignored_columns" in str(ran.error)
    assert (out.arrivals, ran.states) == ([], [])
    assert out.run(lines, ignored_columns=["Unsubscribed"]).rows("sms_messages") == {"sent": 1}


def test_columns_that_are_one_reject_the_row_only(out):
    ran = out.send({"id": 1, "TO": OTHER}, {"id": 2, "body": "b"})
    assert ran.rows("sms_messages") == {"rejected": 1, "sent": 1}
    assert ran.reasons("sms_messages") == ["to and TO are one column: give it once"]


@pytest.mark.parametrize("sink", CHANNELS)
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"to": OTHER}, "key was sent with another recipient"),
        ({"to": OTHER, "body": "b"}, "key was sent with another recipient"),
        ({"body": "b"}, "key was sent with another text"),
    ],
)
def test_a_known_key_with_other_content_is_said(out, sink, row, said):
    out.send({"id": 1}, sink=sink)
    ran = out.send({"id": 1, **row}, {"id": 1}, sink=sink)
    assert (ran.rows(sink), ran.reasons(sink), ran.code) == ({"duplicate": 2}, [said], 0)
    assert ran.report["conflicts"] == 1
    assert out.send({"id": 1, **row}, sink=sink, fail_on_conflict=True).code == 1
    assert out.send({"id": 1}, sink=sink, fail_on_conflict=True).code == 0


def test_so_is_one_of_the_same_run(out):
    ran = out.send({"id": 1}, {"id": 1, "body": "b"}, {"id": 1})
    assert (ran.rows("sms_messages"), ran.reasons("sms_messages")) == (
        {"sent": 1, "duplicate": 2},
        ["key was sent with another text"],
    )


@pytest.mark.parametrize("names", [["_sdc_path", "_sdc_line_number"], ["_SDC_SOURCE_FILE"], ["row_number"]])
def test_keys_that_say_where_a_row_stood_are_warned_of(out, names):
    row = ROWS["sms_messages"] | dict.fromkeys(names, 1)
    ran = out.run(stream_of("sms_messages", [row], names))
    assert "looks like a line number or a file name" in ran.notes
    assert out.send({"id": 5}).notes == ""


def people(stream, keys, count=10, text="Hello {}"):
    rows = [dict.fromkeys(keys, n) | {"to": f"+6149157{n:04}", "body": text.format(n)} for n in range(count)]
    return [*stream_of(stream, rows, keys), state({"n": count})]


CAPPED = pytest.mark.parametrize(
    "config", [{}, UNTIL_LATER, {"dry_run": True}], ids=["batch", "spool", "dry"]
)


@CAPPED
@pytest.mark.parametrize(
    "renamed",
    [
        ("public-texts", ["nr"], {}),
        ("texts", ["id", "nr"], {}),
        ("texts", ["nr"], {"key_namespace": "other"}),
    ],
    ids=["stream", "key", "namespace"],
)
def test_a_renamed_stream_sends_nothing(out, config, renamed):
    stream, keys, more = renamed
    streams = {"texts": "sms_messages", "public-texts": "sms_messages"}
    assert out.run(people("texts", ["nr"]), streams=streams).rows("sms_messages") == {"sent": 10}
    lines = people(stream, keys)
    out.advance(DAYS)
    ran = out.run(lines, streams=streams, **more, **config)
    assert (ran.code, ran.states, len(out.arrivals)) == (1, [], 10)
    assert "key_namespace" in str(ran.error)
    if not config.get("dry_run"):
        passed = out.run(lines, streams=streams, resend_under_new_keys=True, **more, **config)
        assert passed.rows("sms_messages") == {"sent": 10}
        # From then on the stream is known, and its rows are.
        assert out.run(lines, streams=streams, **more, **config).rows("sms_messages") == {"duplicate": 10}
    named = {"key_namespace": "texts"} if stream == "public-texts" else {}
    if named:
        assert out.run(people("public-texts", ["nr"]), streams=streams, **named).rows("sms_messages") == {
            "duplicate": 10
        }


@CAPPED
def test_a_new_stream_of_other_texts_is_sent(out, config):
    streams = dict.fromkeys("ab", "sms_messages")
    out.run(people("a", ["id"]), streams=streams)
    out.advance(3600)
    mixed = [*people("b", ["id"], count=4)[:-1], *people("b", ["id"], text="Other {}")[5:]]
    ran = out.run(mixed, streams=streams, **config)
    assert (ran.code, ran.error) == (0, None)


def test_the_same_texts_a_month_later_are_no_rename(out):
    streams = dict.fromkeys("ab", "sms_messages")
    out.run(people("a", ["id"]), streams=streams)
    out.advance(32 * DAYS)
    assert out.run(people("b", ["id"]), streams=streams).rows("sms_messages") == {"sent": 10}


@CAPPED
def test_what_another_run_sends_meanwhile_under_the_same_keys_is_no_rename(out, config, monkeypatch):
    streams, lines = {"texts": "sms_messages"}, people("texts", ["nr"])
    is_new, others = NewStreams._is_new, []

    def is_new_until_now(self, stream):
        new = is_new(self, stream)
        monkeypatch.setattr(NewStreams, "_is_new", is_new)
        others.append(out.run(lines, streams=streams))
        return new

    monkeypatch.setattr(NewStreams, "_is_new", is_new_until_now)
    ran = out.run(lines, streams=streams, **config)
    assert [other.rows("sms_messages") for other in others] == [{"sent": 10}]
    assert (ran.code, ran.error, len(out.arrivals)) == (0, None, 10)


def test_a_known_stream_may_say_the_same_again_under_new_keys(out):
    out.switch(throttle_seconds=0)
    assert out.send({"id": 1}, {"id": 2, "to": OTHER}).rows("sms_messages") == {"sent": 2}
    assert out.send({"id": 3}, {"id": 4, "to": OTHER}).rows("sms_messages") == {"sent": 2}


def test_a_run_to_ones_own_phone_makes_no_stream_known(out):
    streams = {"texts": "sms_messages", "renamed": "sms_messages"}
    out.run(people("texts", ["nr"]), streams=streams)
    out.advance(3600)
    tried = out.run(people("renamed", ["nr"], count=3), streams=streams, test_recipient=TO)
    assert tried.rows("sms_messages") == {"sent": 3}
    assert out.run(people("renamed", ["nr"]), streams=streams).code == 1


def test_two_spellings_of_a_key_send_once(out):
    pairs = [("1", "1.0"), ("2026-01-01", "2026-01-01T00:00:00+00:00"), ("A1", "A1      "), (True, 1)]
    for number, (one, other) in enumerate(pairs):
        out.control("POST", "reset")
        stream = f"s{number}"
        for value in (one, other):
            out.advance(3600)
            row = {"id": value, **ROWS["sms_messages"]}
            ran = out.run(
                stream_of(stream, [row]), streams={stream: "sms_messages"}, resend_under_new_keys=True
            )
            assert ran.rows("sms_messages") == {"sent" if value is one else "duplicate": 1}
        assert len(out.arrivals) == 1


def test_posts_carry_no_column_of_the_table(out):
    ran = out.send({"Colour": "red", "OPTED OUT": False}, ignored_columns=["colour"])
    assert (ran.notes, len(posts(ran))) == ("", 1)


def keyed(stream, keys, **row):
    row = {"to": TO, "body": "Hello", **row}
    return [schema(stream, row, keys), record(stream, row)]


def test_a_key_that_changes_in_the_input_is_refused(out):
    lines = [
        *keyed("s", ["id"], id=1, order=9),
        *keyed("s", ["order"], id=7, order=1, to=OTHER),
        state({"a": 1}),
    ]
    streams = {"s": "sms_messages"}
    ran = out.run(lines, streams=streams)
    assert isinstance(ran.error, SettingsError)
    assert "changes within the input, from id to order" in str(ran.error)
    assert (ran.states, out.arrivals) == ([], [])
    assert out.run(lines, streams=streams, shared_keys=True).rows("sms_messages") == {"sent": 2}


def test_two_streams_under_one_namespace_are_refused(out):
    streams = dict.fromkeys("ab", "sms_messages")
    lines = [*keyed("a", ["id"], id=1), *keyed("b", ["id"], id=1, to=OTHER)]
    ran = out.run(lines, streams=streams, key_namespace="shop")
    assert isinstance(ran.error, SettingsError)
    assert (out.arrivals, "shared_keys" in str(ran.error)) == ([], True)
    ran = out.run(lines, streams=streams, key_namespace="shop", shared_keys=True)
    assert (ran.rows("sms_messages"), ran.report["conflicts"]) == ({"sent": 1, "duplicate": 1}, 1)


def test_the_order_of_key_columns_is_no_other_key(out):
    for keys in (["shop", "nr"], ["nr", "shop"], ["NR", "Shop"]):
        out.advance(3600)
        row = {name: {"shop": "A", "nr": 1}[name.lower()] for name in keys}
        out.run(keyed("s", keys, **row), streams={"s": "sms_messages"})
    assert len(out.arrivals) == 1
