"""What became of a message, in the form recorded live in September 2026, and what the columns say of it."""

import pytest

from clicksend.paging import read_pages
from tap_clicksend.streams import ALL

DAY = 86_400
UNCHANGED = 18 * DAY
"""Seconds for which live rows were seen to stay at 200."""


@pytest.fixture
def rows(sandbox, connect):
    """Return a function that reads a collection of the sandbox."""

    def rows(path):
        return [row for page in read_pages(connect(sandbox.api_url), path) for row in page.rows]

    return rows


@pytest.mark.parametrize("path", ["/sms/history", "/sms/receipts", "/voice/receipts"])
def test_delivered_ones_have_an_error_code_too(rows, path):
    delivered = [row for row in rows(path) if str(row["status_code"]) == "201"]
    assert delivered
    for row in delivered:
        assert str(row["error_code"]) == "4"
        assert row["error_text"] == row["status_text"] == "Message delivered to the handset"


@pytest.mark.parametrize("path", ["/sms/history", "/sms/receipts"])
def test_the_reason_of_a_failure_is_in_the_status_text(rows, path):
    failed = [row for row in rows(path) if str(row["status_code"]) == "301"]
    assert {row["error_text"] for row in failed} == {"Unknown error"}
    reasons = {(str(row["error_code"]), row["status_text"]) for row in failed}
    assert len({code for code, _ in reasons}) == len({text for _, text in reasons}) == len(reasons) > 5
    assert {
        ("12", "Absent Subscriber."),
        ("15", "Rejected by the recipient network."),
    } & reasons
    assert not {code for code, _ in reasons} & {"4"}


def test_some_stay_at_200_for_good(sandbox, rows):
    now = sandbox.state()["now"]
    old = [row for row in rows("/sms/history") if row["date"] < now - UNCHANGED and row["direction"] == "out"]
    assert 0 < sum(row["status_code"] == "200" for row in old) < len(old) / 10


@pytest.mark.parametrize(
    "columns", [stream.columns for stream in ALL if "error_code" in stream.columns], ids=len
)
def test_the_columns_say_so(columns):
    assert "delivered ones have one too (4)" in columns["error_code"].description
    assert "Unknown error" in columns["error_text"].description
    assert "reason" in columns["status_text"].description
    assert "for good" in columns["status_code"].description
    assert "join on error_text" not in " ".join(column.description for column in columns.values())
