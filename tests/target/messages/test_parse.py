"""Rows of messages: what is required, what each column takes, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from target_clicksend.messages.message import Message
from target_clicksend.messages.moments import LocalTimes
from target_clicksend.messages.parse import COLUMNS, MessageParser
from target_clicksend.messages.templates import Templates
from target_clicksend.row import Rejected
from tests.target.messages.gates.cases import AT, NUMBER, row

REQUIRED = {
    "sms": {"to": NUMBER, "body": "Hello"},
    "mms": {"to": NUMBER, "body": "Hello", "subject": "Sale", "media_file": "https://example.com/a.jpg"},
    "voice": {"to": NUMBER, "body": "Hello", "voice": "female", "lang": "en-au"},
}
CONFIG = {"source": "singer-clicksend"}


def read(channel="sms", config=CONFIG, default="AU", **values):
    templates = Templates(lambda: {7: ("Welcome", "Hi {name}")})
    reader = MessageParser(channel, config, default, templates, LocalTimes(config.get("time_zone")))
    return reader.parse(row(**REQUIRED[channel] | values))


def reason(*arguments, **values):
    with pytest.raises(Rejected) as caught:
        read(*arguments, **values)
    return str(caught.value)


@pytest.mark.parametrize("channel", REQUIRED)
def test_the_required_columns_are_enough_and_needed(channel):
    assert read(channel).to == NUMBER
    for name in REQUIRED[channel]:
        for nothing in (None, "", "  ", "\u200b", "\ufeff \u3164\n"):
            assert reason(channel, **{name: nothing}).startswith(f"{name} is missing")


@pytest.mark.parametrize("channel", REQUIRED)
def test_a_message_waits_on_disk_unchanged(channel):
    full = read(
        channel,
        schedule=AT,
        send_before=AT,
        purpose="Transactional",
        opted_out=False,
        custom_string=" order\t7 ",
        campaign="spring",
        time_zone="Australia/Perth",
        country="nz",
        **{"from": "+61447254068"},
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(full), type=Message) == full
    assert (full.row.number, full.row.key, full.row.values) == (7, "key", {})
    assert (full.custom_string, full.country, full.source) == (" order\t7 ", "NZ", "singer-clicksend")
    assert full.is_transactional


def test_known_columns():
    assert {"to", "body", "template_name", "list_id", "idempotency_key"} <= COLUMNS["sms"]
    assert COLUMNS["mms"] - COLUMNS["sms"] == {"subject", "media_file"}
    assert COLUMNS["voice"] - COLUMNS["sms"] == {"voice", "lang", "require_input", "machine_detection"}
    assert not COLUMNS["voice"] & {"template_id", "from_email"}


@pytest.mark.parametrize(
    ("to", "country", "expected"),
    [
        ("0411 111 111", "AU", "+61411111111"),
        ("0411111111", None, "set default_country"),
        (61411111111, "AU", "+61411111111"),
        ("+61 411 111 111", None, "+61411111111"),
        ("+61411111111,+61422222222", "AU", "may hold two numbers"),
        ("+614111", "AU", "too few or too many"),
        ("John", "AU", "is not a valid phone number"),
        ([NUMBER], "AU", "a list"),
    ],
)
def test_recipients(to, country, expected):
    if expected.startswith("+"):
        assert read(to=to, default=country).to == expected
    else:
        said = reason(default=country, to=to)
        assert expected in said
        assert "411" not in said


def test_the_rows_country_wins_over_the_default():
    assert read(to="07400 123456", country="gb").to == "+447400123456"
    assert read(to="07400 123456", country="UK").country == "GB"
    assert read(to="07400 123456", country="United Kingdom").to == "+447400123456"
    assert reason(to="07400 123456", country="XX").startswith("country is not a country's two-letter code")


@pytest.mark.parametrize("list_id", [5, "5", "x", True])
def test_one_row_is_one_recipient(list_id):
    assert reason(list_id=list_id).startswith("list_id is set: one row is one recipient")


@pytest.mark.parametrize("list_id", [None, 0, "0", ""])
def test_no_list_is_no_list(list_id):
    assert read(list_id=list_id)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("", None),
        ("ACME", "ACME"),
        ("Abc123+", "Abc123+"),
        ("+61447254068", "+61447254068"),
        ("0447 254 068", "+61447254068"),
        (61447254068, "+61447254068"),
        ("123", "123"),
        ("12345", "12345"),
        ("1234567", "1234567"),
        ("12345678", "12345678"),
    ],
)
def test_senders(given, expected):
    assert read(**{"from": given}).sender == expected


@pytest.mark.parametrize("given", ["20123456", "32123456"])
def test_a_short_code_that_may_be_a_number_is_neither(given):
    assert "may be a short code or a phone number" in reason(default="DK", **{"from": given})
    assert read(**{"from": given}).sender == given


@pytest.mark.parametrize("given", ["AB", "ABCDEFGHIJKL", "AC ME", "A-CME", "Zoë1", "ACME\u200b"])
def test_senders_that_are_none(given):
    assert reason(**{"from": given}).startswith("from is neither")


@pytest.mark.parametrize("channel", ["mms", "voice"])
def test_only_sms_come_from_a_name(channel):
    assert "names are for SMS only" in reason(channel, **{"from": "ACME"})


@pytest.mark.parametrize(
    ("given", "expected"), [("x" * 50, "x" * 50), (17, "17"), (" ", None), (None, None), (" a ", " a ")]
)
def test_custom_strings(given, expected):
    assert read(custom_string=given).custom_string == expected


def test_a_custom_string_that_might_be_cut():
    assert reason(custom_string="x" * 51) == "custom_string has 51 characters; 50 are the most"


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("from_email", "nobody"),
        ("opted_out", "2026-01-01"),
        ("schedule", "tomorrow"),
        ("send_before", "soon"),
        ("body", {"text": "x"}),
        ("body", "x" * 5001),
        ("body", "a\0b"),
        ("body", "\ud800"),
    ],
)
def test_columns_that_cannot_be_read(column, wrong):
    assert reason(**{column: wrong}).startswith(column)


def test_media_files_are_public_urls():
    assert read("mms", media_file=" https://example.com/a.jpg ").media_file == "https://example.com/a.jpg"
    assert reason("mms", media_file="http://example.com/a.jpg").startswith("media_file must be a public URL")
    assert reason("mms", media_file=7).startswith("media_file must be")


def test_calls():
    call = read("voice", voice="Male", lang="EN-US", require_input="true", machine_detection=1)
    assert (call.voice, call.lang, call.require_input, call.machine_detection) == ("male", "en-us", 1, 1)
    assert reason("voice", voice="robot") == "voice is not female or male"
    assert reason("voice", require_input="maybe").startswith("require_input is neither")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *((None, None), ("", None), (True, True), ("0", False), (0, False), ("\u200b", None)),
        *(("\u200btrue", True), ("TRUE\u00a0", True), ("tr\u00adue", True), ("1.0", True), (1.0, True)),
        *(("0.0", False), (0.0, False), (Decimal("1.00"), True), ("\ufefffalse", False)),
    ],
)
def test_what_a_row_says_of_consent(given, expected):
    assert read(opted_out=given).opted_out is expected


@pytest.mark.parametrize("given", ["yes", "no", "Y", "2", "t", 2, 0.5, "1.5", "-1", "true false", "ja"])
def test_consent_that_nobody_can_read_is_never_ignored(given):
    assert reason(opted_out=given) == "opted_out is neither true nor false"


def test_times_are_the_rows_zones():
    config = CONFIG | {"max_row_age_hours": 1, "created_at_column": "made", "time_zone": "Asia/Tokyo"}
    local = dict.fromkeys(("schedule", "send_before", "made"), "2026-11-01 21:00")
    found = read(config=config, **local)
    assert {found.schedule, found.send_before, found.stale_at - 3600} == {AT}
    found = read(config=config, time_zone="Asia/Kolkata", **local)
    assert {found.schedule, found.send_before, found.stale_at - 3600} == {AT + 3.5 * 3600}


@pytest.mark.parametrize(
    "body", ["a\u200bb", "\U0001f469\u200d\U0001f4bb", "\ufeffHello", "1\ufe0f\u20e3", "a\u00adb"]
)
def test_a_body_with_something_to_see_is_sent_as_it_is(body):
    assert read(body=body).body == body


@pytest.mark.parametrize("channel", REQUIRED)
@pytest.mark.parametrize(
    ("body", "style"), [("Hi {first_name}, {{x}}", "{name}"), ("Hi (Last Name)", "(First Name)")]
)
def test_a_body_that_nobody_has_filled(channel, body, style):
    assert reason(channel, body=body) == f"body has an unfilled placeholder like {style}"


@pytest.mark.parametrize("word", ["null", "NaN", "None", "NaT", "<NA>", "nil", "\ufeffNULL "])
def test_a_body_that_is_a_word_for_nothing(word):
    assert reason(body=word) == "body holds a word for nothing, like null or NaN"
    assert reason("mms", subject=word) == "subject holds a word for nothing, like null or NaN"
    assert read(body=f"{word}!").body.endswith("!")


def test_a_subject_that_nobody_has_filled():
    assert reason("mms", subject="*|FNAME|*, hi") == "subject has an unfilled placeholder like *|NAME|*"


@pytest.mark.parametrize(
    ("body", "expected"), [(Decimal("2.00"), "2.00"), (4.0, "4.0"), (1234, "1234"), (Decimal("1E+3"), "1000")]
)
def test_a_number_as_body_keeps_its_digits(body, expected):
    assert read(body=body).body == expected


def test_a_number_elsewhere_is_the_number():
    found = read(to=61411111111.0, template_id=Decimal("7.00"), body=None, name="x", list_id=0.0)
    assert (found.to, found.body) == (NUMBER, "Hi x")


def test_a_body_or_a_template():
    assert read(body=None, template_id=7, name="Zoë").body == "Hi Zoë"
    assert "both given" in reason(template_id=7, name="Zoë")
    assert "and so is a template" in reason(body="")
    assert read("voice", template_id=7).body == "Hello"


def test_how_old_a_row_may_be():
    config = CONFIG | {"max_row_age_hours": 1.5, "created_at_column": "made"}
    assert read(config=config, made=datetime.fromtimestamp(AT, UTC)).stale_at == AT + 5400
    assert read(config=config, made=Decimal(f"{AT}.7")).stale_at == AT + 5400
    assert reason(config=config).startswith("made is missing or null")
    assert reason(config=config, made="?").startswith("made is not a time")
    assert read(made="?").stale_at is None
