"""Blocks and the forms in which they go out: a page is never more or less than its rows."""

import re
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_clicksend import columns
from tap_clicksend.arrow import ArrowColumns
from tap_clicksend.batches import JsonLines
from tap_clicksend.packed import AsRows, Packed
from tap_clicksend.table import Table
from tap_clicksend.writing import RecordLines

COLUMNS = {
    "id": columns.integer("I."),
    "body": columns.text("T.", old_names=("text", "message")),
    "price": columns.price("P."),
    "at": columns.time("T."),
    "custom": columns.mapping("M."),
}
TABLE = Table(COLUMNS, keys=("id",))
FORMS = [AsRows(), RecordLines("s", 7), JsonLines(zipped=True), ArrowColumns(TABLE.schema)]
NAMES = st.sampled_from([*COLUMNS, "text", "message", "api_key", "new", "extra"])
TIMES = st.integers(0, 10**11) | st.datetimes(timezones=st.just(UTC)).map(str)
VALUES = (
    st.none()
    | st.integers()
    | TIMES
    | st.text()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)
ALIKE = st.lists(NAMES, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)))
)


def same(content):
    """Return what went out without the time at which it did."""
    return re.sub(rb'"time_extracted":"[^"]*"', b"", content) if isinstance(content, bytes) else content


@given(ALIKE | st.lists(st.dictionaries(NAMES, VALUES)))
def test_a_page_is_typed_as_each_of_its_rows_alone(raw):
    block = TABLE.block(raw)
    assert len(block) == len(raw)
    assert block.rows() == [row for one in raw for row in TABLE.block([one]).rows()]
    assert set(map(tuple, block.rows())) <= {(*COLUMNS, "extra")}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
@given(st.data())
def test_rows_chosen_of_what_was_packed_are_the_chosen_rows_packed(form, data):
    block = TABLE.block(data.draw(st.lists(st.dictionaries(NAMES, VALUES), min_size=1)))
    wanted = data.draw(st.lists(st.booleans(), min_size=len(block), max_size=len(block)))
    indices = [index for index, is_wanted in enumerate(wanted) if is_wanted]
    assert same(form.choose(form.pack(block), indices)) == same(form.pack(block.where(wanted)))


@given(st.lists(st.dictionaries(NAMES, VALUES), min_size=1))
def test_arrow_has_of_a_page_what_it_has_of_its_rows(raw):
    block, arrow = TABLE.block(raw), ArrowColumns(TABLE.schema)
    assert arrow.table([arrow.pack(block)]) == arrow.table([arrow.pack_rows(block.rows())])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_what_is_known_or_comes_twice_goes_out_once(form):
    block = TABLE.block([{"id": 1}, {"id": 2, "body": "old"}, {"id": 3}, {"id": 2, "body": "new"}])
    page = Packed([1, 2, 3, 2], form, form.pack(block), {1: "one", 2: "two"}).without({1})
    assert (page.keys, page.notes) == ([2, 3], {2: "two"})
    left = TABLE.block([{"id": 2, "body": "new"}, {"id": 3}])
    assert same(page.content) == same(form.pack(left))
    assert page.without({9}) is page
