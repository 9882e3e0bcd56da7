"""Batches and the encoders that write them: a page is never more or less than its rows."""

import re
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_clicksend.rows import columns
from tap_clicksend.rows.arrow import ArrowColumns
from tap_clicksend.rows.encode import EncodedPage, JsonLines, PlainRows, RecordLines
from tap_clicksend.rows.schema import StreamSchema

COLUMNS = {
    "id": columns.integer("I."),
    "body": columns.text("T.", old_names=("text", "message")),
    "price": columns.price("P."),
    "at": columns.time("T."),
    "custom": columns.mapping("M."),
}
SCHEMA = StreamSchema(COLUMNS, keys=("id",))
ENCODERS = [PlainRows(), RecordLines("s", 7), JsonLines(zipped=True), ArrowColumns(SCHEMA.json_schema)]
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
    batch = SCHEMA.parse(raw)
    assert len(batch) == len(raw)
    assert batch.rows() == [row for one in raw for row in SCHEMA.parse([one]).rows()]
    assert set(map(tuple, batch.rows())) <= {(*COLUMNS, "extra")}


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
@given(st.data())
def test_rows_selected_of_what_was_encoded_are_the_selected_rows_encoded(encoder, data):
    batch = SCHEMA.parse(data.draw(st.lists(st.dictionaries(NAMES, VALUES), min_size=1)))
    wanted = data.draw(st.lists(st.booleans(), min_size=len(batch), max_size=len(batch)))
    indices = [index for index, is_wanted in enumerate(wanted) if is_wanted]
    assert same(encoder.select(encoder.encode(batch), indices)) == same(encoder.encode(batch.filter(wanted)))


@given(st.lists(st.dictionaries(NAMES, VALUES), min_size=1))
def test_arrow_has_of_a_page_what_it_has_of_its_rows(raw):
    batch, arrow = SCHEMA.parse(raw), ArrowColumns(SCHEMA.json_schema)
    assert arrow.table([arrow.encode(batch)]) == arrow.table([arrow.encode_rows(batch.rows())])


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
def test_what_is_known_or_comes_twice_goes_out_once(encoder):
    batch = SCHEMA.parse([{"id": 1}, {"id": 2, "body": "old"}, {"id": 3}, {"id": 2, "body": "new"}])
    page = EncodedPage([1, 2, 3, 2], encoder, encoder.encode(batch), {1: "one", 2: "two"}).without({1})
    assert (page.keys, page.pending) == ([2, 3], {2: "two"})
    left = SCHEMA.parse([{"id": 2, "body": "new"}, {"id": 3}])
    assert same(page.content) == same(encoder.encode(left))
    assert page.without({9}) is page


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
def test_what_comes_twice_on_the_first_page_goes_out_once_as_it_came_last(encoder):
    batch = SCHEMA.parse([{"id": 1, "body": "old"}, {"id": 2}, {"id": 1, "body": "new"}])
    page = EncodedPage([1, 2, 1], encoder, encoder.encode(batch)).without(set())
    assert page.keys == [1, 2]
    assert same(page.content) == same(encoder.encode(SCHEMA.parse([{"id": 1, "body": "new"}, {"id": 2}])))
