"""The benchmark in miniature: its page server is exact, and every case reads every row."""

import json
import re

import pytest
import requests

from tests.bench.__main__ import main
from tests.bench.rows import SPAN, TEMPLATES, History
from tests.bench.runs import ROOT, page_server
from tests.bench.scale import seconds_for, table

UNTIL = 1_790_000_000


@pytest.mark.parametrize("count", [1, 7, 250, 9_973])
def test_a_date_finds_the_first_row_from_it_on(count):
    history = History(count, UNTIL)
    dates = [history.date(index) for index in range(count)]
    assert dates == sorted(dates)
    assert UNTIL - SPAN == dates[0] <= dates[-1] < UNTIL
    for moment in (0, *(date + step for date in dates[:: max(1, count // 50)] for step in (-1, 0, 1)), UNTIL):
        assert history.first_from(moment) == sum(date < moment for date in dates)


def test_rows_are_the_same_in_whatever_page_they_come():
    history = History(TEMPLATES + 300, UNTIL)
    rows = json.loads(b"[%s]" % history.json(TEMPLATES - 40, TEMPLATES + 60))
    parts = [history.json(first, first + 20) for first in range(TEMPLATES - 40, TEMPLATES + 60, 20)]
    assert rows == json.loads(b"[%s]" % b",".join(parts))
    assert [row["date"] for row in rows] == [history.date(i) for i in range(TEMPLATES - 40, TEMPLATES + 60)]
    assert all(len(row) == 25 for row in rows)
    assert len({row["message_id"] for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", row["message_id"]) for row in rows)


def test_pages_and_totals_are_those_of_the_range():
    with page_server(1234, 0) as server, requests.Session() as session:

        def page(**params):
            answer = session.get(f"{server.api_url}/sms/history", params={"limit": 100, **params}, timeout=9)
            return answer.json()["data"]

        first = page(order_by="date:asc")
        assert (first["total"], first["per_page"], first["last_page"]) == (1234, 100, 13)
        rows = first["data"] + [row for number in range(2, 14) for row in page(page=number)["data"]]
        assert len({row["message_id"] for row in rows}) == 1234

        begin, end = rows[150]["date"], rows[1000]["date"]
        part = page(date_from=begin, date_to=end)
        assert (part["total"], part["last_page"], part["current_page"]) == (851, 9, 1)
        assert part["data"] == rows[150:250]
        assert page(date_from=begin, date_to=end, page=9)["data"] == rows[950:1001]
        assert page(page=14)["data"] == []
        assert page(date_from=end + SPAN)["total"] == 0
        assert session.get(f"{server.api_url}/account", timeout=9).status_code == 404
    assert server.served["requests"] == 18
    assert server.served["rows"] == 1234 + 100 + 51


@pytest.mark.long
def test_the_benchmark_counts_the_rows_of_every_case_and_prints_its_tables(capsys):
    assert main(["--rows", "250", "--repeats", "1", "--latency", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("  ")[0] for line in lines} >= {
        "bare loop",
        "tap, RECORD",
        "read, to_batches",
        "read, to_parquet",
        "--about",
        "--discover",
    }


def test_a_limit_is_kept_and_named():
    with page_server(1000, 0, limit=3) as server, requests.Session() as session:
        answers = [session.get(f"{server.api_url}/sms/history") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"3"}
    assert server.served["refused"] == 2


def test_the_page_on_scale_has_the_model_s_figures():
    assert table() in (ROOT / "docs" / "scale.md").read_text()


@pytest.mark.parametrize(
    ("rows", "options", "seconds"),
    [
        (100_000, {}, 1_011 / 600),
        (100_000, {"latency": 0.7}, 1_011 / (64 / 0.7) + 5.5 * 0.7),
        # 800 of each minute's 1,000 requests, at once; the last 211 begin the second minute.
        (100_000, {"limit": 1_000}, 60 + 211 / 600),
        # A limit that the processor never reaches.
        (1_000_000, {"limit": 60_000}, 10_101 / 600),
    ],
)
def test_the_model_waits_for_whatever_is_slowest(rows, options, seconds):
    assert seconds_for(rows, processor=60_000, **options) == pytest.approx(seconds)
