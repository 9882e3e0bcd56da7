"""Caps, masks, voices, and what a row says of consent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clicksend.ledger.records import Spent
from clicksend.phone import mask
from target_clicksend.messages.gates.caps import Caps
from target_clicksend.messages.gates.opt_outs import says_opted_out
from target_clicksend.messages.gates.voices import check_voice, read_voices
from target_clicksend.messages.response import decimal_of
from target_clicksend.report import Tally
from target_clicksend.row import Rejected
from tests.target.messages.gates.cases import message


def tally(*prices):
    counted = Tally()
    for price in prices:
        counted.add(decimal_of(price))
    return counted


def test_sums_are_exact():
    counted = tally(*["0.1"] * 10, "7.7050", 0.0792)
    assert (counted.messages, counted.spend, counted.unpriced) == (12, Decimal("8.7842"), 0)


@pytest.mark.parametrize(
    ("prices", "is_free"),
    [([], False), ([""], False), (["0"], True), (["0.00", 0, ""], True), (["0", "0.1"], False)],
)
def test_what_is_free(prices, is_free):
    assert tally(*prices).is_free is is_free


GROUP = {"run_group": "night 7"}


@pytest.mark.parametrize(
    ("caps", "spent", "said"),
    [
        (Caps(**GROUP), Spent(messages=9, spend=Decimal(9)), None),
        (Caps(messages=5, **GROUP), Spent(messages=3), None),
        (
            Caps(messages=5, **GROUP),
            Spent(messages=4),
            "2 messages, after 4 of run_group night 7, are more than max_messages_per_run (5)",
        ),
        (Caps(spend=Decimal("0.5"), **GROUP), Spent(messages=1, spend=Decimal("0.2")), None),
        (
            Caps(spend=Decimal("0.5"), **GROUP),
            Spent(messages=1, spend=Decimal("0.21")),
            (
                "the price of all messages, 0.3, after 0.21 of run_group night 7, is more than"
                " max_spend_per_run (0.5)"
            ),
        ),
    ],
)
def test_a_group_has_its_caps_together(caps, spent, said):
    assert caps.exceeded(tally("0.1", "0.2"), spent) == said


def test_a_group_alone_is_no_cap():
    assert not Caps(**GROUP).are_set
    assert Caps(messages=0).are_set
    assert Caps(messages=0).budget is None


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        (Caps(), None),
        (Caps(messages=2), None),
        (Caps(messages=1), "2 messages are more than max_messages_per_run (1)"),
        (Caps(spend=Decimal("0.3")), None),
        (
            Caps(spend=Decimal("0.29")),
            "the price of all messages, 0.3, is more than max_spend_per_run (0.29)",
        ),
    ],
)
def test_caps(caps, said):
    assert caps.exceeded(tally("0.1", "0.2")) == said


def test_what_has_no_price_is_not_free():
    assert "1 messages have no price" in Caps(spend=Decimal(5)).exceeded(tally("0.1", ""))
    assert Caps(messages=5).exceeded(tally("0.1", "")) is None


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+61411111111", "+614111*****"),
        ("+15551234567", "+155512*****"),
        ("+491701234567890", "+4917012345*****"),
        ("+6831234", "+68*****"),
        ("+123", "****"),
    ],
)
def test_masks(number, shown):
    assert mask(number) == shown


LANGUAGES = [
    {"code": "en-au", "gender": ["female", "male"]},
    {"code": "pt-pt", "gender": "male"},
    {"code": "xx-xx", "gender": None},
]


@pytest.mark.parametrize("gender", ["Female", ["Female"], ["FEMALE", "male"]])
def test_voices_are_known_in_any_letters(gender):
    voices = read_voices([{"code": "EN-au", "gender": gender}])
    check_voice(message(lang="en-au", voice="female"), voices)


def test_voices():
    voices = read_voices(LANGUAGES)
    check_voice(message(lang="en-au", voice="female"), voices)
    check_voice(message(lang="pt-pt", voice="male"), voices)
    with pytest.raises(Rejected, match="lang is not a voice language: choose one of en-au, pt-pt, xx-xx"):
        check_voice(message(lang="tlh", voice="male"), voices)
    with pytest.raises(Rejected, match="voice is not offered in this lang: there is male"):
        check_voice(message(lang="pt-pt", voice="female"), voices)


@pytest.mark.parametrize(
    ("opt_out", "given", "expected"),
    [
        ("enforce", True, True),
        ("enforce", False, False),
        ("enforce", None, False),
        ("column", True, True),
        ("column", False, False),
        ("ignore", True, False),
    ],
)
def test_what_a_row_says_of_consent(opt_out, given, expected):
    assert says_opted_out(message(opted_out=given), opt_out) is expected


def test_a_column_that_decides_must_be_there():
    with pytest.raises(Rejected, match="opted_out is missing or null"):
        says_opted_out(message(), "column")
