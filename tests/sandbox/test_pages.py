"""The sandbox's pages and filters, under each switch."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY
from tests.sandbox.runner import DAY, EPOCH, walk


def test_pages_cover_everything_once(box, session):
    rows = walk(session, box, "/sms/history")
    assert len({row["message_id"] for row in rows}) == len(rows) == box.state()["rows"]["sms_history"]


@pytest.mark.parametrize(
    ("switch", "limit", "per_page"),
    [
        *[
            ("clamp", given, size)
            for given, size in [("1", 15), ("101", 100), ("-1", 15), ("x", 15), ("50", 50)]
        ],
        *[("honour", given, size) for given, size in [("1", 1), ("300", 300), ("0", 15), ("", 15)]],
    ],
)
def test_limits_outside_the_documented_range(box, get, switch, limit, per_page):
    box.control("POST", "switches", {"small_limits": switch})
    data = get("/sms/history", limit=limit)
    assert data["per_page"] == per_page == len(data["data"])


def test_limits_can_be_refused(box, session):
    box.control("POST", "switches", {"small_limits": "reject"})
    response = session.get(f"{box.api_url}/lists", params={"limit": 5}, timeout=10)
    assert (response.status_code, response.json()["response_code"]) == (400, "BAD_REQUEST")
    assert "limit" in response.json()["data"]


def test_past_the_last_page(box, get):
    last = get("/sms/history", limit=100)["last_page"]
    rows = get("/sms/history", limit=100, page=last)["data"]
    expected = {"empty": (last + 5, []), "clamp": (last, []), "repeat": (last, rows)}
    for switch, answer in expected.items():
        box.control("POST", "switches", {"past_last_page": switch})
        data = get("/sms/history", limit=100, page=last + 5)
        assert (data["current_page"], data["data"]) == answer
        assert data["next_page_url"] is None


def test_an_empty_collection(box, get):
    path = f"/lists/{EMPTY}/contacts"
    data = get(path, page=3)
    assert data == {
        "total": 0,
        "per_page": 15,
        "current_page": 1,
        "last_page": 0,
        "from": 1,
        "to": 0,
        "data": [],
        "next_page_url": None,
        "prev_page_url": None,
    }
    box.control("POST", "switches", {"empty_page": "missing"})
    assert "data" not in get(path)


def test_from_and_to_count_rows(get):
    data = get("/sms/history", limit=20, page=3)
    assert (data["from"], data["to"]) == (41, 60)


@pytest.mark.parametrize(
    ("style", "history", "lists"),
    [
        ("recorded", "/?page=2", "https://api.clicksend.com/v3/lists?page=2"),
        (
            "absolute",
            "https://rest.clicksend.com/v3/sms/history?page=2",
            "https://rest.clicksend.com/v3/lists?page=2",
        ),
        ("relative", "/?page=2", "/?page=2"),
    ],
)
def test_links_drop_the_filters(box, get, style, history, lists):
    box.control("POST", "switches", {"next_page_url": style, "small_limits": "honour"})
    assert get("/sms/history", limit=20, order_by="date:desc")["next_page_url"] == history
    assert get("/lists", limit=2)["next_page_url"] == lists


@pytest.mark.parametrize("rules", [0, 1, 3])
def test_unread_items_repeat_per_poll_rule(box, session, rules):
    box.control("POST", "switches", {"poll_rules": rules})
    for path, key in [("/sms/receipts", "timestamp"), ("/sms/inbound", "message_id")]:
        rows = walk(session, box, path)
        assert len(rows) == rules * box.state()["rows"][path[1:].replace("/", "_")]
        assert rules == 0 or [row[key] for row in rows[::rules]] == [
            row[key] for row in rows[rules - 1 :: rules]
        ]


@pytest.mark.parametrize("path", ["/sms/history", "/mms/history", "/voice/history"])
def test_date_filter(box, session, path):
    field = "date" if path.startswith("/sms") else "date_added"
    dates = [row[field] for row in walk(session, box, path)]
    low, high = dates[3], dates[12]
    expected = {
        "inclusive": [date for date in dates if low <= date <= high],
        "exclusive": [date for date in dates if low < date < high],
        "ignored": dates,
    }
    for switch, chosen in expected.items():
        box.control("POST", "switches", {"date_filter": switch})
        assert [row[field] for row in walk(session, box, path, date_from=low, date_to=high)] == chosen
    assert walk(session, box, path, date_from=high + 1, date_to=low) == walk(session, box, path)
    box.control("POST", "switches", {"date_filter": "inclusive"})
    assert walk(session, box, path, date_from=high + 1, date_to=low) == []


def test_updated_after(box, session):
    path = f"/lists/{CUSTOMERS}/contacts"
    changed = sorted(row["date_updated"] for row in walk(session, box, path))
    cut = changed[len(changed) // 2]
    strict = walk(session, box, path, updated_after=cut)
    box.control("POST", "switches", {"updated_after": "inclusive"})
    inclusive = walk(session, box, path, updated_after=cut)
    assert len(strict) == sum(date > cut for date in changed)
    assert len(inclusive) == sum(date >= cut for date in changed) > len(strict) > 0


def test_contacts_come_in_no_useful_order(session, box):
    rows = walk(session, box, f"/lists/{CUSTOMERS}/contacts")
    for field in ("contact_id", "phone_number"):
        values = [row[field] for row in rows]
        assert values not in (sorted(values), sorted(values, reverse=True))


def test_order_by(box, session):
    rows = walk(session, box, "/sms/history")
    assert walk(session, box, "/sms/history", order_by="date:desc") == rows[::-1]
    by_body = [row["body"] for row in walk(session, box, "/sms/history", order_by="body:asc")]
    assert by_body == sorted(by_body) != [row["body"] for row in rows]
    assert walk(session, box, "/sms/history", order_by="no_such_field:desc") == rows
    box.control("POST", "switches", {"order_by": "ignored"})
    assert walk(session, box, "/sms/history", order_by="date:desc") == rows


def test_search(box, session):
    rows = walk(session, box, "/sms/history")
    failed = [row for row in rows if row["status"] == "Failed"]
    first = failed[0]
    assert walk(session, box, "/sms/history", q="status:FAILED") == failed
    assert walk(session, box, "/sms/history", q=f"status:Failed,to:{first['to']}") == []
    box.control("POST", "switches", {"q_terms": "none"})
    assert walk(session, box, "/sms/history", q="status:FAILED") == rows
    box.control("POST", "switches", {"q_terms": "several"})
    both = walk(session, box, "/sms/history", q=f"status:Failed,to:{first['to']}")
    assert both == [row for row in failed if row["to"] == first["to"]]
    either = walk(session, box, "/sms/history", q=f"status:Received,to:{first['to']}", operator="OR")
    assert either == [row for row in rows if row["status"] == "Received" or row["to"] == first["to"]]
    assert walk(session, box, "/sms/history", q="status:") == rows
    assert walk(session, box, "/sms/history", q="custom_string:nothing-such") == rows
    assert walk(session, box, "/sms/history", q="status:Fail") == []
    box.control("POST", "switches", {"q_match": "substring"})
    assert walk(session, box, "/sms/history", q="status:Fail") == failed


def test_a_plus_in_a_query_must_be_escaped(box, session):
    phone = walk(session, box, f"/lists/{CUSTOMERS}/contacts")[0]["phone_number"]
    url = f"{box.api_url}/lists/{CUSTOMERS}/contacts?q=phone_number:"
    escaped, bare = (
        session.get(url + number, timeout=10).json()["data"]["total"]
        for number in (phone.replace("+", "%2B"), phone)
    )
    assert (escaped, bare) == (1, 0)


def test_history_lag(box, get):
    visible = get("/sms/history")["total"]
    box.control("POST", "switches", {"history_lag": 5 * DAY})
    behind = get("/sms/history")["total"]
    assert behind == get("/sms/history", date_to=EPOCH - 5 * DAY)["total"] < visible
    assert box.state()["rows"]["sms_history"] == behind
