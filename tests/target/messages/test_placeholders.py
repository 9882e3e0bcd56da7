"""Placeholders that nobody has filled are found, and ordinary texts are left alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.messages.templates import FIELDS, STYLES, unfilled

FOUND = {
    "{name}": [
        "{name}",
        "{ First Name }",
        "{_id}",
        "{prénom}",
        "{FirstName}",
        "{user.name}",
        "{!Contact.Name}",
        *("{! name}", "{$name}", "{@name}", "{=name}", "{#name}", "{:name}"),
    ],
    "{{name}}": [
        "{{name}}",
        "{{ user.first_name }}",
        "{{{name}}}",
        "{{#if paid}}",
        "{{name|there}}",
        "{{~name}}",
    ],
    "{% name %}": ["{% if late %}", "{%- name -%}", "{% for x in items %}", "{% if total > 5 %}"],
    "${name}": ["${first_name}", "${ name }", "$${amount}"],
    "#{name}": ["#{name}", "##{name}"],
    "%{name}": ["%{name}", "20%{name}"],
    "%(name)s": ["%(name)s", "%(total)d", "%(price)5.2f"],
    "%name%": [
        "%name%",
        "%%first_name%%",
        "%FIRST-NAME%",
        "https://example.com/?who=%name%",
        "[%name%]",
        "%date%",
    ],
    "<%= name %>": ["<%= name %>", "<% name %>", "<%=name%>", "<%= user.name() %>", "<%- name %>"],
    "<<name>>": ["<<name>>", "<<First Name>>"],
    "*|NAME|*": ["*|FNAME|*", "*|IF:FNAME|*"],
    "[[name]]": ["[[name]]", "[[ first_name ]]"],
    "##name##": ["##name##"],
    "(First Name)": [f"({field})" for field in FIELDS],
}
ORDINARY = """
Save {50%} today
Save {{50%}} today
50% off, 20% more
50% off and 20% more
100%cotton, 50%off
Take 20% off (today only). Reply STOP to opt out.
Get 5%-10% back
Rabatt 20 %, ab 2 Stück 30 %
-20%! Und noch 10% dazu
5 %ige Lösung und 10 %ige
Use code SAVE20%NOW
50%/60% humidity
{"order": 17, "total": 4.90}
{"a": {"b": [1, 2]}}
{}
{ }
{1}
{0} {1}
{}{}
{,}
https://example.com/?q=%C3%A9t%C3%A9&x=%20%AB%20
https://example.com/%D0%9F%D1%80%D0%B8
https://example.com/a%20b%2Fc#top
https://ex.com/?u=https%3A%2F%2Fexample.com%2Fpath%3Fa%3Db
Call (02) 9000 0000 (office) or email us
Hi Jo (first visit?)
(first name) (Last name)
(Custom 5)
Your code is [1234]
[Reminder] Your visit is at 9:00
Tom & Jerry <tom@example.com>
I <3 you
a << b >> c
<< Neu >>
Rate us: *great* or *bad*
**SALE** ends Sunday
*|* stars *|*
Win $$$ now
Order #123 ## shipped ##
#sale #now
C# and F#
Total: $4.90
Balance: -$12.00 (#4471)
%
%%
100%
:-{ sad :-}
«Bonjour»
« Bonjour »
„Hallo“
Q&A {…}
x<y, y>z
<b>Sale</b>
10:00-11:00 @ Main St.
email@example.com
Ihr Code: {123456}
(50%) (100%)
%5 indirim, %10 kupon
%50 indirim! %20 daha
Only 3 left (of 10)
Up to 70%*|*ends 1 May
[[1]] [[2]]
##1## ##2##
""".strip().splitlines()


def test_each_style_is_found():
    found = {
        text: (unfilled(text), unfilled(f"Hi {text}, welcome!"), unfilled(text, is_template=True))
        for texts in FOUND.values()
        for text in texts
    }
    assert found == {
        text: (style, style, None if style == "{name}" else style)
        for style, texts in FOUND.items()
        for text in texts
    }


def test_every_style_has_examples():
    assert FOUND.keys() == STYLES.keys()


def test_ordinary_texts_hold_none():
    assert {text: found for text in ORDINARY if (found := unfilled(text)) is not None} == {}


@pytest.mark.parametrize("text", ["{name} ${name}", "{name}{{name}}", "{a} %b%"])
def test_what_fills_one_placeholder_of_a_template_leaves_others(text):
    assert unfilled(text, is_template=True) not in (None, "{name}")


@given(st.text(alphabet=st.characters(exclude_characters="{%<[*#(")))
def test_without_the_signs_there_is_none(text):
    assert unfilled(text) is None


@pytest.mark.parametrize("sign", ["{", "{{", "{%", "%(", "%", "<%", "<<", "*|", "[[", "##", "${"])
def test_openings_alone_are_no_placeholders(sign):
    assert unfilled(f"{sign}a " * 1600) is None


EXAMPLES = [text for texts in FOUND.values() for text in texts]
PIECES = st.lists(
    st.sampled_from([*"{}%<>[]*|#($!@=:-/~^& 1)", "{{", "}}", "a", "é b", *EXAMPLES]), max_size=9
)


@given(PIECES.map("".join))
def test_one_begins_at_a_sign_wherever_that_is(text):
    style, there = unfilled(text), [one for one, pattern in STYLES.items() if re.search(pattern, text)]
    assert style in there if there else style is None
    assert unfilled(text, is_template=True) in {None, *there} - {"{name}"}
