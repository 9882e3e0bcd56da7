"""What turns a row away, and what is said of it: in the report, in the ledger, and never with its values."""

import pytest

from tests.target.messages.cases import CHANNELS, OTHER, TO, posts
from tests.target.runner import schema

DAY = 86_400


def judged(out, ran, sink="sms_messages"):
    """Return the one outcome of a run and its reason, which the ledger has too."""
    ((outcome, rows),) = ran.rows(sink).items()
    assert rows == 1
    (reason,) = ran.reasons(sink)
    assert out.query("select outcome, reason from outcomes") == [(outcome, reason)]
    assert out.counts(ran) == {sink: {outcome: 1}}
    return outcome, reason


REJECTED = [
    ({"to": None}, "to is missing"),
    ({"to": "0491 570"}, "to has too few or too many digits for its country"),
    ({"to": "nobody"}, "to is not a valid phone number"),
    ({"to": "+61491570156", "list_id": 7}, "list_id is set: one row is one recipient"),
    ({"country": "XX"}, "country is not a country's two-letter code"),
    ({"body": ""}, "body is missing, and so is a template"),
    ({"body": {"text": "Hello"}}, "body holds an object"),
    ({"template_id": 1}, "body and a template are both given"),
    ({"body": None, "template_id": 1}, "template_id does not exist in this account"),
    ({"body": None, "template_name": "Nothing"}, "template_name names no templates"),
    ({"custom_string": "x" * 51}, "custom_string has 51 characters; 50 are the most"),
    ({"from": "A company"}, "from is neither a phone number nor"),
    ({"from_email": "nobody"}, "from_email is not a valid e-mail address"),
    ({"schedule": "tomorrow"}, "schedule is not a time"),
    ({"schedule": "2026-12-24"}, "schedule is not a time"),
    ({"schedule": 1_000}, "schedule is not a time"),
    ({"schedule": 1_600_000_000}, "expired: its schedule is over an hour past"),
    ({"schedule": 1_790_000_000 + 121 * DAY}, "schedule is more than 120 days ahead"),
    ({"schedule": (1_790_000_000 + 121 * DAY) * 1000}, "schedule is more than 120 days ahead"),
    ({"send_before": 1_790_000_000}, "expired: send_before has passed"),
    (
        {"send_before": 1_790_000_060, "schedule": 1_790_000_120},
        "expired: it would be sent after send_before",
    ),
    ({"opted_out": "perhaps"}, "opted_out is neither true nor false"),
    ({"body": "x" * 1225}, "its text takes up to 9 parts, and 8 are the most"),
    ({"body": "я" * 537}, "its text takes up to 9 parts, and 8 are the most"),
    ({"body": "x" * 5001}, "body has 5,001 characters"),
    ({"id": None}, "key property id is missing or null"),
]


@pytest.mark.parametrize(("row", "reason"), REJECTED)
def test_rejected(out, row, reason):
    ran = out.send(row)
    outcome, said = judged(out, ran)
    assert (outcome, ran.code, posts(ran), out.arrivals) == ("rejected", 0, [], [])
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("sink", "row", "reason"),
    [
        ("mms_messages", {"subject": ""}, "subject is missing"),
        ("mms_messages", {"subject": "x" * 21}, "subject has 21 characters; 20 are the most"),
        ("mms_messages", {"media_file": None}, "media_file is missing"),
        ("mms_messages", {"media_file": "photo.jpg"}, "media_file must be a public URL"),
        ("mms_messages", {"body": "x" * 1501}, "its text takes more than 1,500 characters"),
        ("mms_messages", {"from": "ACME"}, "from is not a valid phone number: names are for SMS only"),
        ("voice_messages", {"voice": None}, "voice is missing"),
        ("voice_messages", {"voice": "robot"}, "voice is not female or male"),
        ("voice_messages", {"lang": ""}, "lang is missing"),
        ("voice_messages", {"lang": "tlh"}, "lang is not a voice language: choose one of "),
        ("voice_messages", {"lang": "pt-pt"}, "voice is not offered in this lang: there is male"),
        ("voice_messages", {"require_input": "maybe"}, "require_input is neither true nor false"),
        ("voice_messages", {"body": "x" * 1201}, "its text takes up to 5 parts, and 4 are the most"),
    ],
)
def test_rejected_pictures_and_calls(out, sink, row, reason):
    ran = out.send(row, sink=sink)
    outcome, said = judged(out, ran, sink)
    assert (outcome, said[: len(reason)], out.arrivals) == ("rejected", reason, [])


@pytest.mark.parametrize("sink", CHANNELS)
def test_one_bad_row_does_not_stop_the_others(out, sink):
    ran = out.send({"to": "x"}, {}, {"body": ""}, sink=sink)
    assert (ran.rows(sink), ran.code) == ({"rejected": 2, "sent": 1}, 0)
    assert out.counts(ran) == {sink: {"rejected": 2, "sent": 1}}


@pytest.mark.parametrize("limit", [1, 6])
def test_parts_go_by_the_accounts_limit(out, limit):
    out.switch(part_limit=limit)
    longest = 160 if limit == 1 else 153 * limit
    ran = out.send({"body": "x" * longest}, {"to": OTHER, "body": "x" * (longest + 1)})
    assert ran.rows("sms_messages") == {"sent": 1, "rejected": 1}
    assert out.query("select parts from outcomes where outcome = 'sent'") == [(limit,)]


def test_numbers_without_a_country_code(out):
    rows = [
        {"to": "0491 570 156", "country": "AU"},
        {"to": "491 570 15"},
        {"to": "07400 123456", "country": "gb"},
    ]
    assert out.send(*rows).rows("sms_messages") == {"sent": 2, "rejected": 1}
    rows[1]["to"] = "0491 570 157"
    assert out.send(*rows, default_country="AU").rows("sms_messages") == {"duplicate": 2, "sent": 1}
    assert [one["to"] for one in out.arrivals] == [TO, "+447400123456", OTHER]


def test_the_accounts_own_country_is_the_default(out):
    assert out.send({"to": "(801) 923-4886"}).rows("sms_messages") == {"sent": 1}
    assert out.arrivals[0]["to"] == "+18019234886"


def test_a_row_without_a_key_is_not_sent(out):
    ran = out.send({"body": "a"}, keys=[])
    outcome, reason = judged(out, ran)
    assert (outcome, reason) == (
        "rejected",
        "it has no key: give its stream key properties, or the row a column idempotency_key",
    )
    assert out.send({"idempotency_key": "k"}, keys=[]).rows("sms_messages") == {"sent": 1}


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_key_is_none(out, blank):
    ran = out.send({"idempotency_key": blank}, {"idempotency_key": blank, "to": OTHER})
    assert ran.rows("sms_messages") == {"sent": 2}
    assert out.send({"idempotency_key": blank}, keys=[]).rows("sms_messages") == {"rejected": 1}


def test_a_rows_own_key_comes_before_its_key_properties(out):
    ran = out.send({"idempotency_key": "welcome-1"}, {"idempotency_key": " welcome-1 ", "to": OTHER})
    assert ran.rows("sms_messages") == {"sent": 1, "duplicate": 1}
    assert out.send({"id": 77, "idempotency_key": "welcome-1"}).rows("sms_messages") == {"duplicate": 1}
    with out.ledger() as ledger:
        ((key, source_key),) = out.query("select key, source_key from outcomes")
        assert key == ledger.privacy.fingerprint("welcome-1")
        assert source_key == f'{{"idempotency_key": "{key}"}}'


def test_one_key_is_one_message_in_all_streams_and_none_in_another_sink(out):
    streams = dict.fromkeys("ab", "sms_messages")
    lines = []
    for stream in ("a", "b", "voice_messages"):
        row = {"idempotency_key": "k", "to": TO, "body": "Hello", "voice": "female", "lang": "en-au"}
        lines += [schema(stream, row), {"type": "RECORD", "stream": stream, "record": row}]
    ran = out.run(lines, streams=streams)
    assert ran.report["rows"] == {"sms_messages": {"sent": 1, "duplicate": 1}, "voice_messages": {"sent": 1}}


def test_equal_ids_of_two_streams_are_two_messages(out):
    lines = []
    for number, stream in enumerate("ab"):
        lines += [schema(stream, ["id", "to", "body"])]
        row = {"id": 1, "to": TO, "body": f"{number}"}
        lines += [{"type": "RECORD", "stream": stream, "record": row}]
    streams = dict.fromkeys("ab", "sms_messages")
    out.switch(throttle_seconds=0)
    assert out.run(lines, streams=streams).rows("sms_messages") == {"sent": 2}
    other = {"key_namespace": "x", "resend_under_new_keys": True, "shared_keys": True}
    assert out.run(lines, streams=streams, **other).rows("sms_messages") == {
        "sent": 1,
        "duplicate": 1,
    }


@pytest.mark.parametrize(
    "key",
    [
        "+61491570156",
        "61491570156",
        61491570156,
        "0491 570 156",
        "(0491) 570-156",
        "welcome:+61 491 570 156",
        "sms-+61491570156-1",
        "anna@example.com",
    ],
)
def test_a_key_that_could_be_a_number_is_hashed(out, key):
    out.send({"idempotency_key": key})
    ((stored, source_key),) = out.query("select key, source_key from outcomes")
    assert len(stored) == 64
    assert source_key == f'{{"idempotency_key": "{stored}"}}'
    assert out.send({"idempotency_key": key, "id": 9}).rows("sms_messages") == {"duplicate": 1}


def test_a_row_that_was_turned_away_is_judged_anew(out):
    bad, good = {"idempotency_key": "k", "to": "x"}, {"idempotency_key": "k"}
    assert out.send(bad).rows("sms_messages") == {"rejected": 1}
    assert out.send(good).rows("sms_messages") == {"sent": 1}
    assert out.send(bad).rows("sms_messages") == {"duplicate": 1}
    assert out.query("select outcome from outcomes") == [("sent",)]


@pytest.mark.parametrize("size", [1, 10])
def test_of_two_rows_with_one_key_the_first_good_one_is_sent(out, size):
    rows = [{"idempotency_key": "k", "body": body} for body in ("x" * 2000, "good", "better")]
    ran = out.send(*rows, batch_size_rows=size)
    assert ran.rows("sms_messages") == {"rejected": 1, "sent": 1, "duplicate": 1}
    assert [one["body"] for one in out.arrivals] == ["good"]
    assert out.counts(ran) == {"sms_messages": ran.rows("sms_messages")}


@pytest.mark.parametrize(("share", "code"), [(None, 0), (0.5, 0), (0.49, 1), (0, 1)])
def test_too_many_rejected_rows(out, share, code):
    ran = out.send({"to": "x"}, {}, fail_on_rejected=share)
    assert (ran.rows("sms_messages"), ran.code) == ({"rejected": 1, "sent": 1}, code)


def test_age(out):
    config = {"max_row_age_hours": 2, "created_at_column": "made"}
    rows = [
        {"made": out.at - 7300, "body": "too old"},
        {"made": out.at - 7100, "body": "just so"},
        {"made": (out.at - 60) * 1000, "body": "new"},
        {"body": "nobody knows"},
        {"made": "yesterday", "body": "nobody knows"},
    ]
    ran = out.send(*rows, **config)
    assert ran.rows("sms_messages") == {"rejected": 3, "sent": 2}
    assert min(ran.reasons("sms_messages")) == "expired: the row is older than max_row_age_hours"
    assert [one["body"] for one in out.arrivals] == ["just so", "new"]


@pytest.mark.parametrize("size", [1, 1000])
def test_the_same_text_within_the_window(out, size):
    rows = [{"body": "a"}, {"body": "a"}, {"body": "b"}, {"to": OTHER, "body": "a"}]
    config = {"dedupe_window_hours": 2, "batch_size_rows": size}
    ran = out.send(*rows, **config)
    assert ran.rows("sms_messages") == {"sent": 3, "suppressed": 1}
    assert ran.reasons("sms_messages") == ["it had the same text within dedupe_window_hours"]
    out.advance(7100)
    later = [row | {"id": 10 + number} for number, row in enumerate(rows)]
    assert out.send(*later, **config).rows("sms_messages") == {"suppressed": 4}
    out.advance(200)
    assert out.send(*later, **config).rows("sms_messages") == {"sent": 3, "suppressed": 1}
    assert out.send(*rows, **config).rows("sms_messages") == {"duplicate": 3, "suppressed": 1}


def test_two_pictures_with_one_text_are_two_things(out):
    out.switch(throttle_seconds=0)
    rows = [{"media_file": f"https://example.com/{name}.jpg"} for name in "aba"]
    ran = out.send(*rows, sink="mms_messages", dedupe_window_hours=1)
    assert ran.rows("mms_messages") == {"sent": 2, "suppressed": 1}


def test_without_a_window_a_text_may_come_twice(out):
    out.switch(throttle_seconds=0)
    assert out.send({}, {}).rows("sms_messages") == {"sent": 2}


def test_throttled_rows_come_again(out):
    ran = out.send({}, {}, {"to": OTHER})
    assert (ran.rows("sms_messages"), ran.code) == ({"sent": 2, "failed": 1}, 1)
    assert ran.reasons("sms_messages")[0].endswith("(THROTTLED)")
    out.advance(60)
    again = out.send({}, {}, {"to": OTHER})
    assert (again.rows("sms_messages"), again.code) == ({"duplicate": 2, "sent": 1}, 0)


def test_credit_that_ends_in_mid_run(out):
    out.control("POST", "balance", {"balance": "0.40"})
    rows = [{"body": f"{number}"} for number in range(12)]
    ran = out.send(*rows, batch_size_rows=4)
    counts = ran.rows("sms_messages")
    assert (set(counts), ran.code, len(posts(ran))) == ({"sent", "failed"}, 1, 2)
    assert counts["sent"] == len(out.arrivals)
    assert out.counts(ran) == {"sms_messages": counts}
    assert "top it up" in ran.notes
    out.control("POST", "balance", {"balance": "100"})
    again = out.send(*rows)
    assert again.rows("sms_messages") == {"duplicate": counts["sent"], "sent": counts["failed"]}
    assert sorted(int(one["body"]) for one in out.arrivals) == list(range(12))
