"""Counts and tables as text."""

from __future__ import annotations

import pytest

from clicksend.wording import counted, table


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2000, "2,000 rows")])
def test_counts(number, said):
    assert counted(number, "row") == said


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("sink", "rows", "why"), ("sms_messages", "1,200", ""), ("x", "3", "late")]
    assert table(rows) == ["sink          rows   why", "sms_messages  1,200", "x             3      late"]
    assert table(rows, right={1})[2] == "x                 3  late"
    assert table([]) == []
