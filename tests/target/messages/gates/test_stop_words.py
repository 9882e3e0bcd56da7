"""Replies: what is a STOP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.messages.gates import stop_phrases
from target_clicksend.messages.gates.stop_phrases import KEYWORDS, spelled_out
from target_clicksend.messages.gates.stop_words import StopWords, has_words
from tests.target.messages.replies import OTHERS as OTHER_REPLIES
from tests.target.messages.replies import STOPS as STOP_REPLIES
from tests.target.messages.replies import lines

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
    *("no stop please", "Thanks, but please STOP please", "Will you cancel please", "Thanks, will cancel it"),
    *("Hey, stop texting me", "wrong number stop it", "I asked you three times already. STOP. Thanks, Jo"),
    *("STOPPED", "Stp", "stoppp", "Stooop", "ARRET", "Arrêt svp", "BAJA", "stopp", "退订", "请退订"),
    *("take me off your list", "don\u2019t text me", "DO NOT TEXT ME AGAIN, I told you so many times by now"),
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
        "out",
    ),
    *("weekend", "please", "pls pls", "stopping by at 5?", "Stop by any time", "Wrong number"),
    "I can't stop laughing at this, thanks, see you at the end",
    *("do not cancel", "Please don't remove me from the list", "Why did you stop texting me?"),
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
    assert StopWords().are_in(f"{reply}\nSTOP")
    assert StopWords(["", "!"]).are_in(reply) == StopWords([]).are_in(reply)


def test_keywords_of_ones_own():
    words = StopWords(["ARRÊT", "no más"])
    assert words.are_in("arret svp")
    assert words.are_in("No mas!")
    assert not words.are_in("STOP")
    assert not words.are_in("no")


ALWAYS = [
    (text, politely)
    for table, politely in (
        (stop_phrases.ALONE, "please {} thanks"),
        (stop_phrases.AS_KEYWORDS, "{} - Jo from number seven, the one with the red door"),
        (stop_phrases.ANYWHERE, "I am Jo from number seven, {} or else I go to the police"),
    )
    for patterns in table.values()
    for pattern in patterns
    for text in spelled_out(pattern)
]


def test_phrases_and_other_languages_always_count():
    """None is hidden by courtesy, by a negation or by the way in which it is written here."""
    words = StopWords([])
    assert len(ALWAYS) > 5000
    assert [text for text, politely in ALWAYS if not words.are_in(politely.format(text.upper()))] == []


@pytest.mark.parametrize("pattern", ["a", "{a|b}", "x {a|}{b|c} y"])
def test_patterns(pattern):
    expected = {"a": ["a"], "{a|b}": ["a", "b"], "x {a|}{b|c} y": ["x ab y", "x ac y", "x b y", "x c y"]}
    assert spelled_out(pattern) == expected[pattern]


@given(
    st.sampled_from(KEYWORDS), st.lists(st.sampled_from(["we", "zoo", "him"]), max_size=8), st.integers(0, 8)
)
def test_a_keyword_in_five_words(keyword, others, at):
    at = min(at, len(others))
    words = [*others[:at], keyword, *others[at:]]
    is_stop = at in (0, len(others)) or len(" ".join(words).split()) <= 5
    reply = " ".join(words)
    assert StopWords().are_in(reply) == is_stop
    assert StopWords().may_be_in(reply)


@pytest.mark.parametrize(
    "reply",
    ["We get off at the next stop, right?", "Do not cancel!", "Wrong number", "Never stop texting me"],
)
def test_replies_to_look_at(reply):
    assert not StopWords().are_in(reply)
    assert StopWords().may_be_in(reply)


@pytest.mark.parametrize(
    "reply", ["", "Yes please", "See you on Tuesday", "stopped by, nobody was there", "👍"]
)
def test_replies_that_nobody_needs_to_look_at(reply):
    assert not StopWords().may_be_in(reply)


def test_the_digest_tells_apart_what_reads_differently():
    assert StopWords().digest == StopWords(reversed([one.lower() for one in KEYWORDS])).digest
    assert StopWords().digest != StopWords(["STOP"]).digest


@pytest.mark.parametrize(
    ("text", "has"),
    [("STOP", True), ("止", True), ("1", True), ("\U0001f6d1", False), ("", False), (" !", False)],
)
def test_texts_with_words(text, has):
    assert has_words(text) == has


def test_how_often_it_is_wrong():
    """The rates that docs/target.md names; no real STOP may be missed."""
    words, stops, others = StopWords(), lines(STOP_REPLIES), lines(OTHER_REPLIES)
    assert min(len(set(stops)), len(set(others))) >= 200
    assert [reply for reply in stops if not words.are_in(reply)] == []
    false_alarms = [reply for reply in others if words.are_in(reply)]
    assert len(false_alarms) / len(others) < 0.04, false_alarms
    docs = (Path(__file__).parents[4] / "docs" / "target.md").read_text(encoding="utf-8")
    told = re.search(r"none of (\d+) STOPs is missed, and (\d+) of (\d+) other\nreplies", docs)
    assert told
    assert [int(one) for one in told.groups()] == [len(stops), len(false_alarms), len(others)]
