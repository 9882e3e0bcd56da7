"""Whole collections from servers that page in every way that was seen or must be feared."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend import errors
from clicksend.paging import IdlePages, Page, Tally, read_pages, read_whole
from tap_clicksend.readers.collection import Collection
from tap_clicksend.streams import ALL
from tests.tap.runner import Output, run_tap

SWITCHES = [
    {},
    {"small_limits": "honour"},
    {"past_last_page": "clamp"},
    {"past_last_page": "repeat"},
    {"next_page_url": "other_host"},
    {"order_by": "ignored"},
    {"date_filter": "ignored"},
]


def ids(pages, key="message_id"):
    return [row[key] for page in pages for row in page.rows]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("limit", [1, 15, 100, 1000])
def test_every_row_once_whatever_the_server_makes_of_limits(sandbox, connect, switches, limit):
    sandbox.control("POST", "switches", switches)
    found = ids(read_pages(connect(sandbox.api_url), "/sms/history", {"limit": limit}))
    assert len(found) == len(set(found)) == sandbox.state()["rows"]["sms_history"] > 400


def test_as_few_requests_as_pages(sandbox, connect):
    rows = len(ids(read_pages(connect(sandbox.api_url), "/sms/history")))
    assert len(sandbox.requests()) == -(-rows // 100)


def test_arrays_are_one_page(sandbox, connect):
    assert len(ids(read_pages(connect(sandbox.api_url), "/countries"), "code")) > 200
    assert len(sandbox.requests()) == 1


def serve(sandbox, *pages, path="/lists", times=-1):
    """Let a path answer with these pagers, one for each page number."""
    for number, data in enumerate(pages, start=1):
        body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": data}
        rule = {"path": path, "query": {"page": str(number)}, "kind": "body", "body": json.dumps(body)}
        sandbox.control("POST", "faults", {**rule, "times": times})


def rows(*numbers):
    return [{"list_id": number} for number in numbers]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param(
            [{"total": 0, "current_page": 1, "last_page": 0, "data": []}], [], id="empty, last page 0"
        ),
        pytest.param([{"total": 0, "current_page": 1, "last_page": 0}], [], id="no data at all"),
        pytest.param([[]], [], id="an array where an object is due"),
        pytest.param([{"data": rows(1, 2)}, {"data": rows(3)}, {"data": []}], [1, 2, 3], id="no counts"),
        pytest.param(
            [{"data": rows(1, 2)}, {"data": rows(1, 2)}], [1, 2], id="no counts, clamped past the end"
        ),
        pytest.param(
            [{"total": 3, "per_page": 2, "last_page": 0, "data": rows(1, 2)}, {"total": 3, "data": rows(3)}],
            [1, 2, 3],
            id="a last page that is wrong",
        ),
        pytest.param(
            [
                {"total": 5, "per_page": 2, "last_page": 1, "data": rows(1, 2)},
                {"total": 5, "per_page": 2, "last_page": 1, "data": rows(3, 4)},
                {"total": 5, "per_page": 2, "last_page": 1, "data": rows(5)},
            ],
            [1, 2, 3, 4, 5],
            id="a last page that is too small",
        ),
        pytest.param(
            [
                {"total": 5, "last_page": 1, "data": rows(1, 2)},
                {"total": 5, "last_page": 1, "data": rows(3, 4)},
                {"total": 5, "last_page": 1, "data": rows(5)},
            ],
            [1, 2, 3, 4, 5],
            id="a last page that is too small, and no size",
        ),
        pytest.param(
            [
                {"total": "3", "per_page": "2", "last_page": "2", "data": rows(1, 2)},
                {"total": "5", "per_page": "2", "last_page": "3", "data": rows(3, 4)},
                {"total": "5", "per_page": "2", "last_page": "3", "data": rows(5)},
            ],
            [1, 2, 3, 4, 5],
            id="grows while it is read, counts as text",
        ),
    ],
)
def test_odd_pagers(sandbox, connect, pages, expected):
    serve(sandbox, *pages)
    assert ids(read_pages(connect(sandbox.api_url), "/lists"), "list_id") == expected


PAGER = {"total": 2, "per_page": 100, "current_page": 1, "last_page": 1, "next_page_url": None}
GOOD = {**PAGER, "data": rows(1, 2)}
UNLIKE = {
    "nothing": None,
    "an empty object": {},
    "another object": {"api_key": 1},
    "text": "text",
    "rows that are text": {"data": "text"},
    "rows that are numbers": {"data": [1]},
    "an array in an array": [[]],
    "a pager in an array": [GOOD],
    "an empty pager in an array": [{**PAGER, "total": 0, "data": []}],
    "a pager with few fields in an array": [{"total": 2, "data": rows(1, 2)}],
    "several pagers": [GOOD, {**GOOD, "current_page": 2}],
    "a pager in a pager": {**PAGER, "data": GOOD},
    "pagers for rows": {**PAGER, "data": [GOOD]},
    "rows in an object": {**PAGER, "data": {"1": {"list_id": 1}}},
    "an object for no rows": {**PAGER, "data": {}},
    "text for no rows": {**PAGER, "total": 0, "data": ""},
    "false for no rows": {**PAGER, "total": 0, "data": False},
    "rows of another name": {**PAGER, "items": rows(1, 2)},
    "null for two rows": {**PAGER, "data": None},
    "an empty array for two rows": {**PAGER, "data": []},
    "neither rows nor counts": {"current_page": 1, "last_page": 1},
    "a total that is text": {**GOOD, "total": "many"},
    "a total below zero": {**GOOD, "total": -1},
    "a total with a fraction": {**GOOD, "total": 2.5},
    "a last page that is text": {**GOOD, "last_page": "last"},
    "a last page that is a link": {**GOOD, "last_page": "https://rest.clicksend.com/v3/lists?page=1"},
    "a last page that is an array": {**GOOD, "last_page": [1]},
    "a last page that is true": {**GOOD, "last_page": True},
    "a size that is text": {**GOOD, "per_page": "all"},
}
EMPTY = {
    "an array": [],
    "as recorded": {**PAGER, "total": 0, "last_page": 0, "data": []},
    "without data": {"total": 0, "per_page": 15, "current_page": 1, "last_page": 0},
    "null for data": {**PAGER, "total": 0, "last_page": 0, "data": None},
    "null and no counts": {"data": None},
    "counts as text": {"total": "0", "per_page": "15", "last_page": "0", "data": []},
}
PAGED = [stream for stream in ALL if issubclass(stream, Collection)]


@pytest.mark.parametrize("data", UNLIKE.values(), ids=UNLIKE)
def test_what_is_no_collection_is_an_error_not_an_empty_one(sandbox, connect, data):
    serve(sandbox, data)
    with pytest.raises(errors.UnexpectedAnswerError, match=r"GET /lists .*not a valid page"):
        list(read_pages(connect(sandbox.api_url, max_retries=0), "/lists"))


@pytest.mark.parametrize("name", [name for name in UNLIKE if name != "an empty array for two rows"])
def test_nor_is_a_later_page(sandbox, connect, name):
    second = UNLIKE[name]
    if isinstance(second, dict) and second.get("last_page") is PAGER["last_page"]:
        second = {**second, "last_page": 2}
    serve(sandbox, {"total": 3, "per_page": 2, "last_page": 2, "data": rows(1, 2)}, second)
    pages = read_pages(connect(sandbox.api_url, max_retries=0), "/lists", {"limit": 2})
    assert next(pages).rows == rows(1, 2)
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists"):
        list(pages)


@pytest.mark.parametrize("data", EMPTY.values(), ids=EMPTY)
def test_empty_ones_are_empty(sandbox, connect, data):
    serve(sandbox, data)
    assert ids(read_pages(connect(sandbox.api_url), "/lists"), "list_id") == []


@pytest.mark.parametrize("stream", PAGED, ids=lambda stream: stream.name)
@pytest.mark.parametrize("name", ["a pager in an array", "pagers for rows", "null for two rows"])
def test_every_stream_fails_rather_than_reads_nothing(sandbox, stream, name):
    path = getattr(stream, "listing", "") or stream.path
    body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": UNLIKE[name]}
    rule = {"path": re.sub(r"{\w+}", "*", path), "kind": "body", "body": body, "times": -1}
    sandbox.control("POST", "faults", rule)
    output = Output()
    with pytest.raises(errors.UnexpectedAnswerError, match="not a valid page"):
        run_tap(sandbox.api_url, stream.name, output=output)
    # Nothing says that what was read before is gone, nor that this was read.
    assert output.kinds(stream.name) == ["SCHEMA"]
    assert not output.state.get("bookmarks", {}).get(stream.name, {}).get("replication_key_value")


def test_rows_that_do_not_arrive_are_reported(sandbox, connect, caplog):
    serve(sandbox, {"total": 5, "per_page": 100, "last_page": 1, "data": rows(1, 2)})
    list(read_pages(connect(sandbox.api_url), "/lists"))
    assert "GET /lists: 2 rows arrived of the 5 it counts." in caplog.text


@given(
    st.integers(0, 60),
    st.sampled_from(["go", "come"]),
    st.dictionaries(st.integers(2, 8), st.lists(st.integers(0, 60), max_size=3), max_size=4),
)
def test_what_is_there_throughout_has_arrived_where_a_tally_is_whole(count, kind, moves):
    """Rows that go or come before the nth page, anywhere."""
    there, always = [str(number) for number in range(count)], {str(number) for number in range(count)}

    def pages():
        number, last = 0, 1
        while (number := number + 1) <= last:
            for place in moves.get(number, []):
                if kind == "come":
                    there.insert(place, f"new {number} {place}")
                elif place < len(there):
                    always.discard(there.pop(place))
            some = [{"id": one} for one in there[(number - 1) * 10 : number * 10]]
            last = max(last, -(-len(there) // 10))
            yield Page(some, len(there), last, datetime.now(UTC))

    tally = Tally()
    arrived = {row["id"] for page in tally.counted(pages()) for row in page.rows}
    assert not tally.is_whole or always <= arrived
    assert tally.is_whole or kind == "go"


def slip(sandbox, path, some, times=-1):
    """Let the third of three things slip to the first page, as the first one goes."""
    pager = {"per_page": 2, "last_page": 2}
    first, second = {"total": 3, "data": some[:2], **pager}, {"total": 2, "data": [], **pager}
    serve(sandbox, first, second, path=path, times=times)


def test_what_slips_to_a_page_that_was_read_is_read_again(sandbox, connect):
    everything = read_whole(connect(sandbox.api_url), "/lists")
    assert len(everything) > 2
    slip(sandbox, "/lists", rows(1, 2, 3), times=1)
    assert read_whole(connect(sandbox.api_url), "/lists") == everything


def test_what_shows_the_same_twice_counts_what_it_does_not_have(sandbox, connect):
    slip(sandbox, "/lists", rows(1, 2, 3))
    before = len(sandbox.requests())
    assert read_whole(connect(sandbox.api_url), "/lists") == rows(1, 2)
    assert len(sandbox.requests()) == before + 4


def test_what_never_stands_still_is_an_error(sandbox, connect):
    for number in range(3):
        serve(sandbox, {"total": 9, "per_page": 9, "last_page": 1, "data": rows(number)}, times=1)
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists changed each time that it was read"):
        read_whole(connect(sandbox.api_url), "/lists")


MARKED = [stream for stream in PAGED if stream.marks_deleted]


@pytest.mark.parametrize("goes", [True, False], ids=["one goes", "none goes"])
@pytest.mark.parametrize("stream", MARKED, ids=lambda stream: stream.name)
def test_what_slips_is_not_marked_as_gone(sandbox, stream, goes):
    if goes:
        keys = [dict.fromkeys(stream.primary_keys, number) for number in (1, 2, 3)]
        slip(sandbox, re.sub(r"{\w+}", "*", stream.path), keys)
    output = run_tap(sandbox.api_url, stream.name)
    assert output.rows(stream.name)
    assert ("ACTIVATE_VERSION" in output.kinds(stream.name)) is not goes


def test_contacts_of_a_list_that_slipped_are_not_marked_as_gone(sandbox):
    slip(sandbox, "/lists", rows(1, 2, 3))
    assert "ACTIVATE_VERSION" not in run_tap(sandbox.api_url, "contacts").kinds("contacts")


@pytest.mark.parametrize("goes", [True, False], ids=["one goes", "none goes"])
def test_a_list_of_which_contacts_slipped_is_asked_for_them_again(sandbox, goes):
    if goes:
        some = [{"contact_id": number, "date_updated": 1_780_000_000} for number in (1, 2, 3)]
        slip(sandbox, "/lists/*/contacts", some)
    output = run_tap(sandbox.api_url, "contacts", contacts_replication="incremental")
    assert bool(output.state["bookmarks"]["contacts"].get("lists")) is not goes


def test_a_page_that_stays_broken_ends_the_walk_after_those_before_it(sandbox, connect):
    sandbox.control(
        "POST", "faults", {"path": "/sms/history", "query": {"page": "3"}, "kind": "half_body", "times": -1}
    )
    seen = []
    with pytest.raises(errors.UnreachableError):
        seen.extend(page.rows for page in read_pages(connect(sandbox.api_url, max_retries=1), "/sms/history"))
    pages = read_pages(connect(sandbox.api_url, max_retries=1), "/sms/history")
    assert len(next(pages).rows) == len(next(pages).rows) == 100
    with pytest.raises(errors.UnreachableError):
        next(pages)


def test_ten_pages_in_a_row_without_a_new_row_are_a_fault_and_nine_are_none():
    idle = IdlePages("/lists")
    for _ in range(3):
        for _ in range(9):
            idle.count(is_new=False)
        idle.count(is_new=True)
    for _ in range(9):
        idle.count(is_new=False)
    with pytest.raises(errors.UnexpectedAnswerError, match="10 pages in a row brought no new row"):
        idle.count(is_new=False)
