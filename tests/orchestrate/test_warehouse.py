"""Messages are counted on both sides, and at the ends of a time as exactly as within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from clicksend.airflow.warehouse import HISTORIES, compare
from clicksend.errors import UnexpectedAnswerError

SCHEMA = 'click"send'
Span = tuple[datetime, datetime]


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture
def rows(box, get):
    """Return the times (Unix seconds) of all messages of each history."""
    found = {}
    for stream, (path, column) in HISTORIES.items():
        pages = [get(path, limit=100, page=number) for number in range(1, 6)]
        found[stream] = sorted(int(row[column]) for page in pages for row in page["data"] or ())
        assert len(found[stream]) == pages[0]["total"]
    return found


@pytest.fixture
def database(postgres, rows):
    """Return a connection to a warehouse that has them all."""
    name = f"counted_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"create database {name}")
    with psycopg.connect(postgres.replace("@/postgres?", f"@/{name}?"), autocommit=True) as database:
        database.execute(SQL("create schema {}").format(Identifier(SCHEMA)))
        for stream, (_, column) in HISTORIES.items():
            table = Identifier(SCHEMA, stream)
            database.execute(SQL("create table {} ({} timestamp)").format(table, Identifier(column)))
            times = [(moment(one).replace(tzinfo=None),) for one in rows[stream]]
            database.cursor().executemany(SQL("insert into {} values (%s)").format(table), times)
        yield database


def spans(rows) -> list[Span]:
    """Return times that begin and end at messages, a second beside them, and where there are none."""
    times = rows["sms_history"]
    first, middle, last = times[0], times[len(times) // 2], times[-1]
    ends = [first - 1, first, middle, middle + 1, last, last + 1]
    return [(moment(a), moment(b)) for a in ends for b in ends if a < b]


@pytest.mark.parametrize("date_filter", ["inclusive", "exclusive"])
def test_both_sides_agree_wherever_a_time_begins_and_ends(box, connect, rows, database, date_filter):
    """Nobody knows whether ClickSend's ranges have their ends."""
    box.control("POST", "switches", {"date_filter": date_filter})
    asked = spans(rows)
    counts = list(compare(connect(box.api_url), database, SCHEMA, asked))
    assert len(counts) == 3 * len(asked)
    for count in counts:
        since, until = count.since.timestamp(), count.until.timestamp()
        wanted = sum(since <= time < until for time in rows[count.stream])
        assert (count.api, count.warehouse) == (wanted, wanted), count
    assert {count.api for count in counts} > {0}


def test_many_messages_of_one_second_at_an_end_are_all_left_out(box, connect, rows, database):
    """More than a page of them."""
    first = rows["sms_history"][0]
    early, late = moment(first - 10), moment(first)
    for number in range(120):
        box.control("POST", "reply", {"from": f"+1312555{number:04}", "body": "Hello"})
    now = box.state()["now"]
    asked = [(early, moment(now)), (moment(now), moment(now + 5)), (late, moment(now + 1))]
    found = [count.api for count in compare(connect(box.api_url), database, SCHEMA, asked)][:3]
    before = sum(time < now for time in rows["sms_history"])
    at = sum(time == now for time in rows["sms_history"]) + 120
    assert found == [before, at, before + at]


def test_what_the_warehouse_lacks_shows(box, connect, rows, database):
    table = SQL("delete from {} where date = (select max(date) from {})")
    database.execute(table.format(*[Identifier(SCHEMA, "sms_history")] * 2))
    database.execute(SQL("drop table {}").format(Identifier(SCHEMA, "mms_history")))
    span = (moment(rows["sms_history"][0] - 1), moment(rows["sms_history"][-1] + 1))
    found = {count.stream: count for count in compare(connect(box.api_url), database, SCHEMA, [span])}
    assert found["sms_history"].warehouse < found["sms_history"].api
    assert found["mms_history"].warehouse == 0 < found["mms_history"].api
    assert str(found["mms_history"]).endswith(f"{found['mms_history'].api} in ClickSend, 0 in the warehouse")


def test_a_channel_that_the_account_may_not_use_is_left_out(box, connect, rows, database):
    box.control("POST", "switches", {"voice_access": False})
    span = (moment(0), moment(rows["sms_history"][-1] + 1))
    found = [count.stream for count in compare(connect(box.api_url), database, SCHEMA, [span])]
    assert found == ["sms_history", "mms_history"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": {"data": [{"date": 1}]}}, "does not say how many messages there are"),
        (
            {"data": {"data": [{"date": 1}], "total": 1}},
            "gives messages of other times than it was asked for",
        ),
    ],
)
def test_a_server_that_does_not_count_what_it_was_asked_for_proves_nothing(
    box, connect, rows, database, body, said
):
    answer = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", **body}
    box.control("POST", "faults", {"kind": "body", "path": "/sms/history", "body": answer, "times": -1})
    span = (moment(rows["sms_history"][0]), moment(rows["sms_history"][-1]) + timedelta(days=1))
    with pytest.raises(UnexpectedAnswerError, match=said):
        list(compare(connect(box.api_url), database, SCHEMA, [span]))
