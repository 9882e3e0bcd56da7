"""Templates: which one a row names, and how its columns fill it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from target_clicksend.messages.templates import Templates, fill
from target_clicksend.row import Rejected

STORED = {1: ("Welcome", "Hi {name}!"), 2: ("Twice", "a"), 3: (" twice ", "b"), 4: ("Plain", "No names")}


def text(**values):
    return Templates(lambda: STORED).text(values)


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        ("Hi {name}!", {"name": "Zoë"}, "Hi Zoë!"),
        ("{ name }{name}", {"name": "x"}, "xx"),
        ("{First Name}", {"first_name": "x"}, "x"),
        ("{first-name}", {"FIRST_NAME": "x"}, "x"),
        ("{Name}", {"Name": "exact", "name": "other"}, "exact"),
        ("{custom_1} {n} {price}", {"custom_1": "x", "n": 3, "price": Decimal("1.50")}, "x 3 1.50"),
        ("{a} {b} {c}", {"a": Decimal("2.00"), "b": 4.5, "c": "2.0"}, "2.00 4.5 2.0"),
        ("{name}", {"name": "${x} (First Name) %a%"}, "${x} (First Name) %a%"),
        ("{name}", {"name": "Noneman"}, "Noneman"),
        ("{name}", {"name": "{name} {{"}, "{name} {{"),
        ("Hi (first name)", {}, "Hi (first name)"),
        ("", {}, ""),
    ],
)
def test_placeholders(body, values, expected):
    assert fill(body, values) == expected


@pytest.mark.parametrize(
    ("body", "values", "said"),
    [
        ("{name}", {}, "needs a column name, which is missing, null or blank"),
        ("{name}", {"name": None}, "missing, null or blank"),
        ("{name}", {"name": " "}, "missing, null or blank"),
        ("{name}", {"name": []}, "name holds a list"),
        ("{NAME}", {"name": "x", "Name": "y"}, "may be any of Name, name"),
        ("{name}", {"name": "\u200b"}, "missing, null or blank"),
        *(
            (
                "{name}",
                {"name": word},
                "needs a column name, which holds a word for nothing, like null or NaN",
            )
            for word in ("null", "NULL", "NaN", "nan", "None", "NaT", "<NA>", "nil", "\u200bnull ")
        ),
        ("{{name}}", {"name": "x"}, "an unfilled placeholder like {{name}}: write {column}"),
        (
            "Hi ${name}",
            {"name": "x"},
            r"placeholder like \${name}: write {column}, and give a sign before it",
        ),
        ("Hi #{name}", {"name": "x"}, "placeholder like #{name}: write {column}, and give a sign before it"),
        ("Hi %{name}", {"name": "x"}, "placeholder like %{name}: write {column}, and give a sign before it"),
        ("{name} %name%", {"name": "x"}, "placeholder like %name%: write {column}"),
        ("Hi (First Name)", {}, r"placeholder like \(First Name\): write {column}"),
        ("Hi {name", {"name": "x"}, "a brace that belongs to no placeholder"),
        ("Hi name}", {"name": "x"}, "a brace that belongs to no placeholder"),
        ("{}", {"": "x"}, "cannot be a column"),
        ('{"a": 1}', {}, "cannot be a column"),
    ],
)
def test_what_a_template_lacks(body, values, said):
    with pytest.raises(Rejected, match=said.replace("{", r"\{")):
        fill(body, values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"template_id": None, "template_name": ""}, None),
        ({"template_id": "1", "name": "x"}, "Hi x!"),
        ({"template_name": " welcome", "name": "x"}, "Hi x!"),
        ({"template_name": "Twice", "template_id": 3}, "b"),
    ],
)
def test_which_template(values, expected):
    assert text(**values) == expected


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"template_id": 9}, "template_id does not exist"),
        ({"template_id": "first"}, "template_id is not a whole number"),
        ({"template_name": "Goodbye"}, "template_name names no templates"),
        ({"template_name": "twice"}, "names 2 templates: give template_id"),
        ({"template_name": "Plain", "template_id": 1}, "name different templates"),
    ],
)
def test_templates_that_are_none(values, said):
    with pytest.raises(Rejected, match=said):
        text(**values)


def test_templates_are_looked_up_when_a_row_names_one():
    reads, stored = [], [STORED]
    templates = Templates(lambda: reads.append(1) or stored[-1])
    assert templates.text({"body": "x"}) is None
    assert not reads
    plain = templates.text({"template_name": "plain"})
    assert templates.text({"template_name": "plain"}) == plain
    stored.append({4: ("plain", "another text")})
    assert templates.text({"template_name": "plain"}) == "another text" != plain
