"""Parts: the same as smsutil where it decides, never fewer than any reading of ClickSend's rules."""

from __future__ import annotations

import time

import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st
from smsutil.codecs import GSM_BASIC_CHARSET, GSM_EXT_CHARSET

from target_clicksend.messages.gates.parts import GSM_PAIR, UNICODE_PAIR, Parts, check_length, count_parts
from target_clicksend.row import Rejected
from tests.target.messages.gates.cases import message

GSM = "".join(set(GSM_BASIC_CHARSET) - {"\x1b"})
TEXTS = st.text(st.sampled_from(GSM + GSM_EXT_CHARSET), min_size=1, max_size=500) | st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("aé€\n\r😀"), min_size=1, max_size=300
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, Parts("GSM-7", 1, 1)),
        ("a" * 161, Parts("GSM-7", 2, 2)),
        ("a" * 306, Parts("GSM-7", 2, 2)),
        ("à" * 307, Parts("GSM-7", 3, 3)),
        ("a" * 1224, Parts("GSM-7", 8, 8)),
        ("€" * 35, Parts("GSM-7", 1, 1)),
        ("€" * 80, Parts("GSM-7", 1, 2)),
        ("€" * 81, Parts("GSM-7", 2, 2)),
        ("a" * 152 + "€" + "a" * 152, Parts("GSM-7", 3, 5)),
        ("ç" * 70, Parts("UCS-2", 1, 1)),
        ("ç" * 71, Parts("UCS-2", 2, 2)),
        ("ç" * 134, Parts("UCS-2", 2, 2)),
        ("ç" * 135, Parts("UCS-2", 3, 3)),
        ("😀" * 35, Parts("UCS-2", 1, 1)),
        ("😀" * 36, Parts("UCS-2", 2, 2)),
        ("😀" * 66, Parts("UCS-2", 2, 2)),
        ("😀" * 67, Parts("UCS-2", 3, 3)),
        ("a" * 158 + "\n", Parts("GSM-7", 1, 1)),
        ("a" * 159 + "\n", Parts("GSM-7", 2, 2)),
        ("a" * 158 + "\r\n", Parts("GSM-7", 1, 2)),
        ("ç" * 68 + "\n", Parts("UCS-2", 1, 1)),
        ("ç" * 69 + "\n", Parts("UCS-2", 2, 2)),
        ("a\tb", Parts("UCS-2", 1, 1)),
        ("", Parts("GSM-7", 1, 1)),
    ],
)
def test_parts_of_a_text_message(text, expected):
    assert count_parts(text) == expected


@given(TEXTS)
@example("a" * 152 + "€" * 200)
@example("ç" * 66 + "😀" * 200)
def test_the_likelier_count_is_smsutils_with_two_characters_for_a_line_break(text):
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    is_gsm = set(text) <= set(GSM + GSM_EXT_CHARSET)
    split = smsutil.gsm_split if is_gsm else smsutil.unicode_split
    parts = split(lines.replace("\n", GSM_PAIR if is_gsm else UNICODE_PAIR)).parts
    found = count_parts(text)
    assert found.count == len(parts)
    assert found.encoding == ("GSM-7" if is_gsm else "UCS-2")


@given(TEXTS)
@example("\r\n" * 90)
def test_no_reading_of_the_rules_finds_more_parts(text):
    most = count_parts(text).most
    readings = [smsutil.unicode_split] + [smsutil.gsm_split] * (set(text) <= set(GSM + GSM_EXT_CHARSET))
    if set(text) <= set(GSM):
        readings = [smsutil.gsm_split]
    for split in readings:
        for spelled in (text, text.replace("\n", "\r\n"), text.replace("\r\n", "\n").replace("\n", "  ")):
            assert len(split(spelled).parts) <= most


def test_a_thousand_messages_take_no_time():
    texts = {
        "ascii": "Hi Anna, your order 1234567 has been dispatched and will be with you soon. " * 2,
        "gsm": "Grüße aus Köln, [Anna]!\nIhre Bestellung kostet 12 €, bis bald. " * 5,
        "unicode": "Привет 👩‍🚀, ваш заказ в пути.\n" * 10,
    }
    for text in texts.values():
        count_parts(text)
        best = min(_seconds(text) for _ in range(5))
        assert best < 0.04


def _seconds(text):
    began = time.process_time()
    for _ in range(1000):
        count_parts(text)
    return time.process_time() - began


def test_the_accounts_limit():
    assert check_length(message(body="a" * 918), 6).count == 6
    with pytest.raises(Rejected, match="up to 7 parts, and 6 are the most: shorten it"):
        check_length(message(body="a" * 919), 6)
    with pytest.raises(Rejected, match="up to 7 parts"):
        check_length(message(body="€" + "a" * 402), 6)


@pytest.mark.parametrize(
    ("body", "count"), [("a" * 300, 1), ("a" * 301, 2), ("ç" * 150, 1), ("ç" * 600, 4), ("a" * 1200, 4)]
)
def test_calls_of_four_parts(body, count):
    call = message(channel="voice", body=body)
    assert check_length(call, 1).count == count


@pytest.mark.parametrize("body", ["a" * 1201, "ç" * 601, "😀" * 301])
def test_calls_that_would_be_cut(body):
    with pytest.raises(Rejected, match="up to 5 parts, and 4 are the most"):
        check_length(message(channel="voice", body=body), 8)


@pytest.mark.parametrize("body", ["a" * 1500, "ç" * 500, "😀" * 250, "€" * 500])
def test_an_mms_that_fits(body):
    assert check_length(message(channel="mms", body=body, subject="x" * 20), 1).most == 1


@pytest.mark.parametrize("body", ["a" * 1501, "ç" * 501, "😀" * 251, "€" * 501])
def test_an_mms_that_would_be_cut(body):
    with pytest.raises(Rejected, match="more than 1,500 characters"):
        check_length(message(channel="mms", body=body), 8)


def test_a_subject_that_is_too_long():
    with pytest.raises(Rejected, match="subject has 21 characters; 20 are the most"):
        check_length(message(channel="mms", subject="x" * 21), 8)
