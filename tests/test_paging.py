"""Whole collections from servers that page in every way that was seen or must be feared."""

import json

import pytest

from clicksend import errors
from clicksend.paging import read_pages

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


def serve(sandbox, *pages):
    """Let /lists answer with these pagers, one for each page number."""
    for number, data in enumerate(pages, start=1):
        body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": data}
        rule = {"path": "/lists", "query": {"page": str(number)}, "kind": "body", "body": json.dumps(body)}
        sandbox.control("POST", "faults", {**rule, "times": -1})


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


@pytest.mark.parametrize("data", [None, {}, {"api_key": 1}, "text", {"data": "text"}, {"data": [1]}, [[]]])
def test_what_is_no_collection_is_an_error_not_an_empty_one(sandbox, connect, data):
    serve(sandbox, data)
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists"):
        list(read_pages(connect(sandbox.api_url, max_retries=0), "/lists"))


def test_rows_that_do_not_arrive_are_reported(sandbox, connect, caplog):
    serve(sandbox, {"total": 5, "per_page": 100, "last_page": 1, "data": rows(1, 2)})
    list(read_pages(connect(sandbox.api_url), "/lists"))
    assert "GET /lists: 2 rows arrived of the 5 it counts." in caplog.text


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
