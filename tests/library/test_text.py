"""What nobody sees is found, and shown where it matters; counts and tables."""

from __future__ import annotations

import pytest

from clicksend.text import counted, escaped, table, visible


@pytest.mark.parametrize(
    "unseen", ["\ufeff", "\u200b", "\u00ad", "\u2060", "\u202a", "\u3164", "\ufe0f", "\x00"]
)
def test_a_text_is_read_without_what_cannot_be_seen(unseen):
    assert visible(f"{unseen} t{unseen}o\u00a0{unseen}") == "to"
    assert not visible(unseen)
    shown = escaped(f"{unseen}to")
    assert shown.startswith("\\")
    assert shown.endswith("to")
    assert shown.isprintable()


def test_blanks_inside_stay():
    assert visible("\u3000first\u00a0name ") == "first\u00a0name"


def test_a_long_name_is_cut():
    assert escaped("a" * 100) == "a" * 60 + "..."


@pytest.mark.parametrize("before", range(50, 62))
@pytest.mark.parametrize("value", ["+61411222333", "61411222333", "jane.roe@people.example"])
def test_what_is_cut_off_a_name_leaves_no_part_of_a_number_or_an_address(before, value):
    shown = escaped(f"{'x' * before} {value} and more")
    assert len(shown) <= 63
    assert not [part for part in ("614", "411", "jane", "people") if part in shown]


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2000, "2,000 rows")])
def test_counts(number, said):
    assert counted(number, "row") == said


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("sink", "rows", "why"), ("sms_messages", "1,200", ""), ("x", "3", "late")]
    assert table(rows) == ["sink          rows   why", "sms_messages  1,200", "x             3      late"]
    assert table(rows, right={1})[2] == "x                 3  late"
    assert table([]) == []
