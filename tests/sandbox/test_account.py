"""What the sandbox says of the account itself: it adds up, it changes, and each unknown is a switch."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from clicksend.sandbox.world.account import DRAFT_ID, NEW, OLD, PLANNED_ID, POSTER_ID, SHOP
from tests.contract.recorded_server import recorded
from tests.sandbox.runner import DAY, EPOCH, walk

RULES = ("/automations/sms/inbound", "/automations/sms/receipts", "/automations/voice/receipts")


def sent_in(rows, year, month, date):
    """The rows of a month that went out."""
    when = (datetime.fromtimestamp(row[date], UTC) for row in rows)
    return [
        row
        for row, at in zip(rows, when, strict=True)
        if (at.year, at.month) == (year, month) and row.get("direction", "out") == "out"
    ]


def cost(rows):
    return sum(Decimal(row["message_price"]) for row in rows)


@pytest.mark.parametrize(
    ("channel", "date"), [("sms", "date"), ("mms", "date_added"), ("voice", "date_added")]
)
def test_usage_is_the_sum_of_the_messages(box, session, get, channel, date):
    rows = walk(session, box, f"/{channel}/history")
    found = Decimal(0)
    for month in range(5, 10):
        usage = get(f"/account/usage/2026/{month}/subaccount")
        sent = sent_in(rows, 2026, month, date)
        parts = sum(int(Decimal(row["message_parts"] or 0)) for row in sent)
        assert [row["total_count"] for row in usage[channel]] == ([f"{parts}.00"] if sent else [])
        assert usage[f"{channel}_total"] == {"count": parts, "price": pytest.approx(float(cost(sent)))}
        found += cost(sent)
    assert found == cost([row for row in rows if row.get("direction", "out") == "out"]) > 0


@pytest.mark.parametrize(("channel", "date"), [("sms", "date"), ("voice", "date_added")])
def test_statistics_are_the_sum_of_the_messages(box, session, get, channel, date):
    rows = walk(session, box, f"/{channel}/history")
    statistics = get(f"/statistics/{channel}")
    days = [day["date"] for day in statistics["stats"]]
    assert days == [EPOCH // DAY * DAY - back * DAY for back in reversed(range(30))]
    outbound = Counter(row[date] // DAY * DAY for row in rows if row.get("direction", "out") == "out")
    assert {day["date"]: day["outbound"]["count"] for day in statistics["stats"]} == {
        day: outbound[day] for day in days
    }
    lost = [row for row in rows if row["status_code"] == "301" and row[date] >= days[0]]
    assert statistics["total"]["bounced"]["count"] == len(lost)
    assert sum(day["outbound"]["price"] for day in statistics["stats"]) == pytest.approx(
        statistics["total"]["outbound"]["price"]
    )
    assert ("inbound" in statistics["total"]) == (channel == "sms")


def test_campaigns_count_their_messages(box, session):
    sent = Counter(row["custom_string"] for row in walk(session, box, "/sms/history") if row["list_id"])
    campaigns = [row for row in walk(session, box, "/sms-campaigns") if row["_total_count"]]
    assert {row["custom_string"]: row["_total_count"] for row in campaigns}.items() <= sent.items()
    assert {row["status"] for row in campaigns} <= {"Sending", "Sent"}
    dates = [row["date_added"] for row in campaigns]
    assert dates == sorted(dates)
    assert walk(session, box, "/sms-campaigns", date_from=dates[1], date_to=dates[1])[0] == campaigns[1]
    assert walk(session, box, "/sms-campaigns", q="status:Draft")[0]["sms_campaign_id"] == DRAFT_ID


def test_issues_are_about_lost_messages(box, session):
    lost = {
        row["message_id"]
        for channel in ("sms", "mms", "voice")
        for row in walk(session, box, f"/{channel}/history")
        if row["status_code"] == "301"
    }
    issues = walk(session, box, "/delivery-issues")
    assert {row["message_id"] for row in issues} <= lost
    assert {row["resolved"] for row in issues} == {0, 1} or len(issues) < 10


def test_a_day_changes_the_account(box, session):
    def ids(path, key):
        return {row[key]: row for row in walk(session, box, path)}

    subaccounts, numbers = ids("/subaccounts", "subaccount_id"), ids("/numbers", "dedicated_number")
    planned = ids("/sms-campaigns", "sms_campaign_id")[PLANNED_ID]
    pictures = ids("/mms-campaigns", "mms_campaign_id")
    assert pictures[POSTER_ID]["status"] == "Scheduled"
    purchases = len(walk(session, box, "/recharge/transactions"))
    box.advance(40 * DAY)
    later = ids("/subaccounts", "subaccount_id")
    assert (subaccounts.keys() - later.keys(), later.keys() - subaccounts.keys()) == ({OLD}, {NEW})
    assert later[SHOP]["access_mms"] != subaccounts[SHOP]["access_mms"]
    moved = ids("/numbers", "dedicated_number").keys() ^ numbers.keys()
    assert moved == {"+12025550142", "+27820055501"}
    assert pictures.keys() < ids("/mms-campaigns", "mms_campaign_id").keys()
    assert ids("/mms-campaigns", "mms_campaign_id")[POSTER_ID]["status"] == "Sent"
    after = ids("/sms-campaigns", "sms_campaign_id")[PLANNED_ID]
    assert (planned["status"], after["status"]) == ("Scheduled", "Cancelled")
    assert len(walk(session, box, "/recharge/transactions")) == purchases + 1
    box.advance(120 * DAY)  # usage stays when the messages have been dropped
    assert get_usage(session, box, 2026, 6)["sms"]


def get_usage(session, box, year, month, kind="subaccount"):
    return session.get(f"{box.api_url}/account/usage/{year}/{month}/{kind}", timeout=10).json()["data"]


def test_subaccounts_give_their_keys_away_or_are_forbidden(box, session):
    keys = [row["api_key"] for row in walk(session, box, "/subaccounts")]
    assert len(set(keys)) == len(keys) == 3
    box.control("POST", "switches", {"subaccount_access": False})
    response = session.get(f"{box.api_url}/subaccounts", timeout=10)
    assert (response.status_code, response.json()) == (403, recorded("error_403"))


def test_numbers_come_twice_or_without_data(box, session, get):
    rows = walk(session, box, "/numbers")
    assert len({row["dedicated_number"] for row in rows}) == len(rows) - 2
    assert get("/numbers")["_currency"]["currency_name_short"] == "USD"
    box.control("POST", "switches", {"dedicated_numbers": False})
    assert get("/numbers") == recorded("numbers.empty")["data"]


def test_usage_has_one_type_whatever_the_documentation_says(box, session):
    answer = session.get(f"{box.api_url}/account/usage/2026/9/email", timeout=10)
    assert (answer.status_code, answer.json()) == (400, recorded("error_400.usage"))
    for month in ("2026/13", "2026/0", "x/9"):
        wrong = session.get(f"{box.api_url}/account/usage/{month}/subaccount", timeout=10)
        assert (wrong.status_code, wrong.json()["response_code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("rules", [0, 1, 3])
@pytest.mark.parametrize("path", RULES)
def test_rules_poll_as_switched(box, session, path, rules):
    box.control("POST", "switches", {"poll_rules": rules})
    polling = [row["enabled"] for row in walk(session, box, path) if row["action"] == "POLL"]
    assert sorted(polling) == [0, *[1] * rules]
