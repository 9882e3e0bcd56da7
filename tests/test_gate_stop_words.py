"""Replies: what is a STOP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.gates.stop_words import KEYWORDS, StopWords

STOPS = [
    *(
        "STOP",
        "stop",
        "Stop.",
        "STOP!!!",
        " stop\n",
        '"STOP"',
        "«Stop»",
        "*STOP*",
        "_stop_",
        "(stop)",
        "STOP 🛑",
    ),
    *("stop please", "please stop", "Please, please STOP texting me", "Stop it, I love it", "STOP YES"),
    *(
        "S.T.O.P",
        "s t o p",
        "\uff33\uff34\uff2f\uff30",
        "stóp",
        "\ufeffSTOP\u200b",
        "st\u00adop",
        "Unsubscribe me",
        "un-subscribe",
    ),
    *("UNSUBSCRİBE", "I want to unsubscribe", "end", "STOPALL", "stop all", "cancel", "Quit!", "revoke"),
    *("opt out", "opt-out", "OptOut", "I opt out", "opt out of this", "don't ever stop"),
]
OTHERS = [
    *(
        "",
        " ",
        "👍",
        "YES",
        "No",
        "START",
        "UNSTOP",
        "start please",
        "stopped by, nobody was there",
        "nonstop",
    ),
    *(
        "See you at the bus stop at 5",
        "the end is near, he said",
        "I can't opt for a way out",
        "stopp",
        "out",
    ),
    *("weekend", "Thanks, will cancel it tomorrow", "please", "pls pls"),
]


@pytest.mark.parametrize("reply", STOPS)
def test_stops(reply):
    assert StopWords().are_in(reply)


@pytest.mark.parametrize("reply", OTHERS)
def test_other_replies(reply):
    assert not StopWords().are_in(reply)


SIGNS = st.text(st.sampled_from(" .,!?\"'«»*_-\t\n\u200b🛑"), max_size=4)


@given(st.sampled_from(KEYWORDS), SIGNS, SIGNS, st.booleans())
def test_signs_and_case_do_not_matter(keyword, before, after, lower):
    assert StopWords().are_in(before + (keyword.lower() if lower else keyword) + after)


@given(st.sampled_from(KEYWORDS), st.text())
def test_a_keyword_in_front_is_enough(keyword, rest):
    assert StopWords().are_in(f"{keyword} {rest}")


@given(st.text())
def test_any_reply_is_read(reply):
    assert StopWords().are_in(reply) in (True, False)
    assert not StopWords([]).are_in(reply)
    assert not StopWords(["", "!"]).are_in(reply)


def test_keywords_of_ones_own():
    words = StopWords(["ARRÊT", "no más"])
    assert words.are_in("arret svp")
    assert words.are_in("No mas!")
    assert not words.are_in("STOP")
    assert not words.are_in("no")
