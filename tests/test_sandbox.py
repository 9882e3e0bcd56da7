"""The sandbox over HTTP: paging, switches, spellings, credentials, limits, faults, clock and controls."""

import time
from decimal import Decimal
from email.utils import parsedate_to_datetime

import pytest
import requests

from clicksend.sandbox import API_KEY, BANNED, NO_CREDIT, NOT_ACTIVE, USERNAME, Sandbox
from clicksend.sandbox.milestones import CUSTOMERS, EMPTY, OPT_OUTS

EPOCH = 1_790_000_000
DAY = 86_400
BEARER = {"Authorization": f"Bearer {API_KEY}"}
PAGED = (
    *("/sms/history", "/sms/inbound", "/sms/receipts", "/sms/templates", "/mms/history", "/mms/receipts"),
    *("/voice/history", "/voice/receipts", "/lists", f"/lists/{CUSTOMERS}/contacts", "/email/addresses"),
)
WHOLE = ("/account", "/voice/lang", "/countries")


@pytest.fixture(scope="module")
def boxes():
    sizes = {"messages": 300, "contacts": 150, "epoch": EPOCH}
    with Sandbox(types="live", **sizes) as live, Sandbox(types="legacy", **sizes) as legacy:
        yield live, legacy


@pytest.fixture
def box(boxes):
    boxes[0].control("POST", "reset")
    return boxes[0]


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.auth = (USERNAME, API_KEY)
        session.trust_env = False
        yield session


@pytest.fixture
def get(box, session):
    """Return a function that gets `data` of a path of the box."""

    def get(path, **query):
        response = session.get(box.api_url + path, params=query, timeout=10)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    return get


def walk(session, box, path, **query):
    """Return all rows of a collection, 100 at a time."""
    rows, page = [], 1
    while True:
        data = session.get(
            box.api_url + path, params={"limit": 100, "page": page, **query}, timeout=10
        ).json()["data"]
        rows += data["data"]
        if page >= data["last_page"]:
            return rows
        page += 1


def bodies(box, session):
    return [
        session.get(box.api_url + path, params={"limit": 100}, timeout=10).content for path in PAGED + WHOLE
    ]


def test_the_seed_decides_every_byte(box, session):
    with Sandbox(seed=1, messages=300, contacts=150, epoch=EPOCH) as same:
        assert bodies(same, session) == bodies(box, session)
        same.advance(DAY)
        assert bodies(same, session) != bodies(box, session)
        box.advance(DAY)
        assert bodies(same, session) == bodies(box, session)
    with Sandbox(seed=2, messages=300, contacts=150, epoch=EPOCH) as other:
        assert bodies(other, session)[0] != bodies(box, session)[0]


def facts(row, *, path):
    """Reduce a row of either spelling to its facts: numbers as decimals, none of "", 0 and null."""
    row = dict(row)
    if path == "/sms/inbound" and "timestamp_send" in row:
        row["timestamp"] = row.pop("timestamp_send")
    if "_message_type" in row:
        row["message_type"] = row.pop("_message_type")
    numeric = {
        name: value
        for name, value in row.items()
        if isinstance(value, int) or str(value).replace(".", "").isdigit()
    }
    row |= {name: Decimal(value) for name, value in numeric.items()}
    return {name: value for name, value in row.items() if value not in (None, "", 0)}


@pytest.mark.parametrize("path", PAGED)
def test_live_and_legacy_hold_the_same_rows(boxes, session, path):
    for box in boxes:
        box.control("POST", "reset")
    live, legacy = (walk(session, box, path) for box in boxes)
    assert live
    assert [facts(row, path=path) for row in live] == [facts(row, path=path) for row in legacy]


@pytest.mark.parametrize(
    ("path", "field", "types"),
    [
        ("/sms/history", "date", (int, str)),
        ("/sms/history", "schedule", (str, str)),
        ("/sms/history", "message_parts", (int, str)),
        ("/mms/history", "message_parts", (str, str)),
        ("/mms/history", "date_added", (int, str)),
        ("/voice/history", "date_added", (int, str)),
        ("/sms/receipts", "status_code", (int, str)),
        ("/sms/receipts", "timestamp", (int, str)),
        ("/mms/receipts", "status_code", (str, str)),
        (f"/lists/{CUSTOMERS}/contacts", "date_added", (int, str)),
        ("/email/addresses", "date_added", (str, str)),
    ],
)
def test_spellings(boxes, session, path, field, types):
    for box, kind in zip(boxes, types, strict=True):
        box.control("POST", "reset")
        assert {type(row[field]) for row in walk(session, box, path)} == {kind}


def test_recorded_oddities_of_live_rows(box, session, get):
    history = walk(session, box, "/sms/history")
    assert {type(row["contact_id"]) for row in history} == {int, str, type(None)}
    assert {type(row["list_id"]) for row in history} == {int, str, type(None)}
    assert 0 in {row["contact_id"] for row in history}
    assert "" in {row["schedule"] for row in history}
    assert {type(row["message_parts"]) for row in walk(session, box, "/voice/history")} >= {int}
    assert {type(language["gender"]) for language in get("/voice/lang")} == {str, list}
    assert get("/account")["_subaccount"]["api_key"]
    assert {row["direction"] for row in history} == {"in", "out"}


def test_state_counts_what_a_walk_finds(box, session, get):
    rows = box.state()["rows"]
    paths = {
        **{f"{c}_history": f"/{c}/history" for c in ("sms", "mms", "voice")},
        **{f"{c}_receipts": f"/{c}/receipts" for c in ("sms", "mms", "voice")},
        "sms_inbound": "/sms/inbound",
        "sms_templates": "/sms/templates",
        "lists": "/lists",
        "email_addresses": "/email/addresses",
    }
    found = {name: len(walk(session, box, path)) for name, path in paths.items()}
    lists = [row["list_id"] for row in walk(session, box, "/lists")]
    found["contacts"] = sum(len(walk(session, box, f"/lists/{key}/contacts")) for key in lists)
    found |= {"account": 1, "voice_languages": len(get("/voice/lang")), "countries": len(get("/countries"))}
    assert found == rows
    assert min(found.values()) > 0


def test_state_counts_what_switches_leave(box):
    for switch, value, streams in [
        ("poll_rules", 0, ["sms_inbound", "sms_receipts", "mms_receipts", "voice_receipts"]),
        ("mms_receipts", "gone", ["mms_receipts"]),
        ("voice_access", False, ["voice_history", "voice_receipts"]),
    ]:
        box.control("POST", "reset")
        box.control("POST", "switches", {switch: value})
        rows = box.state()["rows"]
        assert [name for name, count in rows.items() if not count] == streams


# -- pages -----------------------------------------------------------------------------------------------


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


# -- filters ---------------------------------------------------------------------------------------------


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


# -- single objects --------------------------------------------------------------------------------------


def test_single_objects_equal_their_rows(box, session, get):
    template = get("/sms/templates")["data"][2]
    assert get(f"/sms/templates/{template['template_id']}") == template
    contact_list = get("/lists")["data"][1]
    assert get(f"/lists/{contact_list['list_id']}") == contact_list
    contact = get(f"/lists/{CUSTOMERS}/contacts")["data"][4]
    assert get(f"/lists/{CUSTOMERS}/contacts/{contact['contact_id']}") == contact
    receipts = walk(session, box, "/sms/receipts")
    one = receipts[-1]["message_id"]
    assert get(f"/sms/receipts/{one}") == receipts[-1]
    replies = [row for row in walk(session, box, "/sms/inbound") if row["original_message_id"]]
    assert get(f"/sms/inbound/{replies[0]['original_message_id']}") == replies[0]


def test_list_counts_are_its_contacts(box, session, get):
    for row in get("/lists")["data"]:
        assert row["_contacts_count"] == len(walk(session, box, f"/lists/{row['list_id']}/contacts"))


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/nothing/here", 404, "Not found."),
        ("/lists/1", 403, "Resource not found or you don't have"),
        ("/lists/abc/contacts", 403, "Resource not found or you don't have"),
        (f"/lists/{CUSTOMERS}/contacts/1", 404, "Contact record not found."),
        (f"/lists/1/contacts/{CUSTOMERS}", 404, "Contact record not found."),
        ("/sms/templates/1", 404, "Template record not found."),
        ("/sms/receipts/00000000-0000-0000-0000-000000000000", 404, "Receipt record not found."),
        ("/sms/inbound/00000000-0000-0000-0000-000000000000", 404, "Inbound record not found."),
    ],
)
def test_what_is_not_there(box, session, path, status, message):
    response = session.get(box.api_url + path, timeout=10)
    body = response.json()
    code = {403: "FORBIDDEN", 404: "NOT_FOUND"}[status]
    assert response.status_code == body["http_code"] == status
    assert (body["response_code"], body["data"]) == (code, None)
    assert body["response_msg"].startswith(message)


def test_a_missing_list_can_be_a_404(box, session):
    box.control("POST", "switches", {"missing_list": "not_found"})
    response = session.get(f"{box.api_url}/lists/1", timeout=10)
    assert (response.status_code, response.json()["response_msg"]) == (404, "Your list is not found.")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_wrong_verb(box, session, method):
    response = session.request(method, f"{box.api_url}/account", timeout=10)
    assert (response.status_code, response.json()["http_code"], response.headers["Allow"]) == (
        405,
        405,
        "GET",
    )


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "page=-1",
        "page=99999999999999999999",
        "limit=1e3",
        "page=%FF&limit=%00",
        "q=:::,,:&operator=%F0",
        "order_by=:",
        "order_by=date:sideways",
        "date_from=yesterday&date_to=1735628400000",
        "page=1&page=2&page[]=3",
        "q=to:%F0%9F%8E%89",
        "updated_after=-5",
        "limit=%EF%BC%91%EF%BC%92",
        f"page={'9' * 5000}",
    ],
)
def test_strange_queries_never_break_it(box, session, query):
    for path in ("/sms/history", "/lists", f"/lists/{CUSTOMERS}/contacts", "/sms/receipts"):
        response = session.get(f"{box.api_url}{path}?{query}", timeout=10)
        assert (response.status_code, response.json()["response_code"]) == (200, "SUCCESS")
    assert session.get(f"{box.api_url}/lists/%FF%00", timeout=10).status_code == 403
    assert box.requests()


# -- credentials and the hub -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "status", "code"),
    [
        ((USERNAME, API_KEY), 200, "SUCCESS"),
        ((NO_CREDIT, API_KEY), 200, "SUCCESS"),
        ((NOT_ACTIVE, API_KEY), 401, "UNAUTHORIZED"),
        ((BANNED, API_KEY), 403, "FORBIDDEN"),
        ((USERNAME, "wrong"), 401, "UNAUTHORIZED"),
        (("", ""), 401, "UNAUTHORIZED"),
        (None, 401, "UNAUTHORIZED"),
    ],
)
def test_basic(box, auth, status, code):
    response = requests.get(f"{box.api_url}/lists", auth=auth, timeout=10)
    assert (response.status_code, response.json()["response_code"]) == (status, code)
    assert requests.get(f"{box.api_url}/countries", auth=auth, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Basic w6k=", "Bearer sandbox-key", "Digest x", "bäsic é"]
)
def test_odd_credentials_are_refused_politely(box, value):
    response = requests.get(f"{box.api_url}/lists", headers={"Authorization": value.encode()}, timeout=10)
    assert response.json() == {
        "http_code": 401,
        "response_code": "UNAUTHORIZED",
        "response_msg": "Authorization failed.",
        "data": None,
    }


def test_the_hub_wants_its_key(box):
    url = f"{box.hub_api_url}/lists"
    assert requests.get(url, headers=BEARER, timeout=10).json()["data"]["total"] == 7
    for headers, code in [({}, "missing_authorization"), ({"Authorization": "Bearer no"}, "invalid_api_key")]:
        response = requests.get(url, headers=headers, timeout=10)
        assert (response.status_code, response.json()["error"]["code"]) == (401, code)
    assert requests.get(url, auth=(USERNAME, API_KEY), timeout=10).status_code == 401


def test_hub_switches(box):
    url = f"{box.hub_api_url}/lists"
    plain = requests.get(url, headers=BEARER, timeout=10).json()
    box.control("POST", "switches", {"hub_envelope": True})
    assert requests.get(url, headers=BEARER, timeout=10).json() == {"status": "success", "result": plain}
    missing = requests.get(f"{url}/1", headers=BEARER, timeout=10)
    assert (missing.status_code, missing.json()["result"]["response_code"]) == (403, "FORBIDDEN")
    for value, status in [("not_found", 404), ("not_allowed", 405)]:
        box.control("POST", "switches", {"hub_paths": value})
        assert requests.get(url, headers=BEARER, timeout=10).status_code == status
    box.control("POST", "switches", {"hub_paths": "served", "hub_balance": "empty"})
    response = requests.get(url, headers=BEARER, timeout=10)
    assert (response.status_code, response.json()["error"]["code"]) == (402, "insufficient_balance")


def run(box, body, **headers):
    return requests.post(f"{box.url}/v1/run", json=body, headers=headers or BEARER, timeout=10)


def notify(**inputs):
    defaults = {"template_id": "your_template_id", "to": "+15551234567", "variables": {"message": "Hi"}}
    return {"model": "prelude/notify-send", "inputs": {**defaults, **inputs}}


def test_notify_send_is_recorded(box):
    answer = run(box, notify(correlation_id="c-1")).json()
    assert answer["status"] == "success"
    assert answer["result"]["correlation_id"] == "c-1"
    assert box.control("GET", "notifications") == [answer["result"]]
    box.control("POST", "switches", {"run_envelope": False})
    assert run(box, notify()).json()["template_id"] == "your_template_id"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (notify(variables={}), "invalid_template_variables"),
        (notify(variables={"message": "x", "more": "y"}), "invalid_template_variables"),
        (notify(variables={"message": 1}), "invalid_template_variables"),
        (notify(to="0415000000"), "invalid_phone_number"),
        (notify(template_id="unknown"), "invalid_template"),
        (notify(expires_at="2000-01-01T00:00:00Z"), "expires_at_in_past"),
        (notify(expires_at="2100-01-01T00:00:00Z"), "expires_at_too_far_in_future"),
        (notify(expires_at="soon"), "invalid_request"),
        (notify(schedule_at="2100-01-01T00:00:00Z"), "invalid_request"),
        ({"model": "prelude/none", "inputs": {}}, "model_not_found"),
        ({"model": ["prelude/notify-send"], "inputs": {}}, "model_not_found"),
        ({"model": "prelude/notify-send"}, "invalid_request"),
        ([], "invalid_request"),
    ],
)
def test_wrong_runs(box, body, code):
    response = run(box, body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert box.control("GET", "notifications") == []


def test_runs_without_key_or_json_or_verb(box):
    assert run(box, {"discover": True}, Accept="*/*").status_code == 401
    broken = requests.post(f"{box.url}/v1/run", data=b"{", headers=BEARER, timeout=10)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
    assert requests.get(f"{box.url}/v1/run", headers=BEARER, timeout=10).status_code == 405
    models = run(box, {"discover": True}).json()["result"]["models"]
    assert {model["id"] for model in models} == {
        f"prelude/{n}" for n in ("notify-send", "verify-send", "verify-check")
    }


def test_verification(box):
    target = {"type": "phone_number", "value": "+15551234567"}

    def status(model, **inputs):
        response = run(box, {"model": f"prelude/{model}", "inputs": {"target": target, **inputs}})
        assert response.status_code == 200
        return response.json()["result"]["status"]

    assert status("verify-check", code="000000") == "expired_or_not_found"
    assert status("verify-send") == "success"
    assert status("verify-send") == "retry"
    assert status("verify-check", code="123456") == "failure"
    assert status("verify-check", code="000000") == "success"
    assert status("verify-check", code="000000") == "expired_or_not_found"
    assert status("verify-send", options={"custom_code": "4711"}) == "success"
    assert status("verify-check", code="000000") == "failure"
    assert status("verify-check", code="4711") == "success"


@pytest.mark.parametrize(("switch", "path", "status"), [
    ({"mms_receipts": "gone"}, "/mms/receipts", 404),
    ({"voice_access": False}, "/voice/history", 403),
    ({"voice_access": False}, "/voice/receipts", 403),
])  # fmt: skip
def test_what_may_not_be_served(box, session, switch, path, status):
    assert session.get(box.api_url + path, timeout=10).status_code == 200
    box.control("POST", "switches", switch)
    assert session.get(box.api_url + path, timeout=10).status_code == status
    assert session.get(f"{box.api_url}/voice/lang", timeout=10).status_code == 200


# -- limits, clock, requests -----------------------------------------------------------------------------


def test_account_is_limited_until_the_clock_is_turned(box, session):
    url = f"{box.api_url}/account"
    answers = [session.get(url, timeout=10) for _ in range(19)]
    answers.append(requests.get(url, timeout=10))
    assert [answer.status_code for answer in answers] == [200] * 19 + [401]
    assert [int(answer.headers["x-ratelimit-remaining"]) for answer in answers] == list(range(19, -1, -1))
    refused = session.get(url, timeout=10)
    assert (refused.status_code, refused.json()["response_code"]) == (429, "HTTP_TOO_MANY_REQUESTS")
    assert refused.headers["Retry-After"] == refused.headers["ratelimit-reset"]
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200
    box.advance(int(refused.headers["Retry-After"]))
    assert session.get(url, timeout=10).status_code == 200


def test_limits_can_be_set(box, session):
    box.control("POST", "limits", {"GET /lists": [2, 30], "*": [1, 30]})
    assert [session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(3)] == [200, 200, 429]
    assert [
        session.get(f"{box.api_url}/lists/{key}", timeout=10).status_code for key in (CUSTOMERS, OPT_OUTS)
    ] == [200, 429]
    other = run(box, {"discover": True})
    assert other.headers["x-ratelimit-limit"] == "1"
    assert run(box, {"discover": True}).json()["error"]["code"] == "http_too_many_requests"


def test_the_clock_stands_still_until_turned(box, session):
    def date():
        return parsedate_to_datetime(
            session.get(f"{box.api_url}/lists", timeout=10).headers["Date"]
        ).timestamp()

    assert date() == EPOCH
    box.advance(90)
    assert date() == EPOCH + 90
    assert box.control("POST", "clock", {"now": EPOCH + DAY}) == {"now": EPOCH + DAY}
    assert date() == box.state()["now"] == EPOCH + DAY
    box.control("POST", "reset")
    assert date() == EPOCH


def test_requests_are_listed(box, session):
    session.get(f"{box.api_url}/lists", params={"page": 2}, timeout=10)
    requests.get(f"{box.hub_api_url}/account", headers=BEARER, timeout=10)
    requests.get(f"{box.api_url}/nowhere", timeout=10)
    run(box, {"discover": True})
    assert [tuple(seen.values()) for seen in box.requests()] == [
        ("GET", "/lists", {"page": "2"}, "basic", 200),
        ("GET", "/account", {}, "bearer", 200),
        ("GET", "/nowhere", {}, "none", 404),
        ("POST", "/v1/run", {}, "bearer", 200),
    ]
    assert list(box.requests()[0]) == ["method", "path", "query", "auth", "status"]


# -- faults ----------------------------------------------------------------------------------------------


def test_a_fault_strikes_as_often_as_ordered(box, session):
    box.control("POST", "faults", {"kind": "status", "status": 503, "path": "/lists", "skip": 1, "times": 2})
    assert [session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(5)] == [
        200,
        503,
        503,
        200,
        200,
    ]
    box.control("POST", "faults", {"kind": "status", "path": "/lists", "times": -1})
    assert {session.get(f"{box.api_url}/lists", timeout=10).status_code for _ in range(4)} == {500}
    assert box.control("DELETE", "faults") == {"cleared": 2}
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200


def test_a_fault_strikes_where_ordered(box, session):
    box.control("POST", "faults", {"kind": "html", "path": "/lists/*/contacts", "query": {"page": "2"}})
    url = f"{box.api_url}/lists/{CUSTOMERS}"
    types = [
        session.get(address, timeout=10).headers["Content-Type"].partition(";")[0]
        for address in (url, f"{url}/contacts", f"{url}/contacts?page=2", f"{url}/contacts?page=2")
    ]
    assert types == ["application/json", "application/json", "text/html", "application/json"]


def test_status_with_everything(box, session):
    order = {
        "kind": "status",
        "status": 429,
        "retry_after": 7,
        "body": "slow down",
        "content_type": "text/plain",
    }
    box.control("POST", "faults", order)
    response = session.get(f"{box.api_url}/lists", timeout=10)
    assert (response.status_code, response.headers["Retry-After"], response.text) == (429, "7", "slow down")
    assert response.headers["Content-Type"] == "text/plain"
    box.control("POST", "faults", {"kind": "status", "status": 401})
    assert session.get(f"{box.api_url}/lists", timeout=10).json()["response_msg"] == "Authorization failed."


def test_a_given_body(box, session):
    box.control("POST", "faults", {"kind": "body", "body": {"http_code": 200, "data": []}})
    box.control("POST", "faults", {"kind": "body", "body": '{"http_code": 2'})
    assert session.get(f"{box.api_url}/lists", timeout=10).json() == {"http_code": 200, "data": []}
    response = session.get(f"{box.api_url}/lists", timeout=10)
    assert (response.status_code, response.text) == (200, '{"http_code": 2')


@pytest.mark.parametrize(("kind", "status"), [("reset_before", None), ("reset_after", 200)])
def test_resets(box, session, kind, status):
    box.control("POST", "faults", {"kind": kind, "path": "/v1/run"})
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        run(box, notify())
    assert box.requests()[-1]["status"] == status
    assert len(box.control("GET", "notifications")) == (status is not None)
    assert run(box, notify()).status_code == 200


def test_half_a_body(box, session):
    whole = session.get(f"{box.api_url}/lists", timeout=10)
    box.control("POST", "faults", {"kind": "half_body"})
    with session.get(f"{box.api_url}/lists", timeout=10, stream=True) as response:
        assert response.headers["Content-Length"] == whole.headers["Content-Length"]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert response.content
    assert session.get(f"{box.api_url}/lists", timeout=10).content == whole.content


def test_a_late_answer(box, session):
    box.control("POST", "faults", {"kind": "delay", "seconds": 0.2})
    begun = time.monotonic()
    assert session.get(f"{box.api_url}/lists", timeout=10).status_code == 200
    assert 0.2 <= time.monotonic() - begun < 5
    box.control("POST", "faults", {"kind": "delay", "seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{box.api_url}/lists", timeout=0.05)


# -- controls --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("clock", {"now": 1}, "cannot be turned back"),
        ("clock", {}, 'either "advance"'),
        ("clock", {"now": EPOCH, "advance": 1}, 'either "advance"'),
        ("clock", {"advance": -1}, ">= 0"),
        ("clock", {"advance": 10**12}, "at most 20 years"),
        ("clock", {"forward": 1}, "forward"),
        ("switches", {"no_such": 1}, "there are small_limits, past_last_page"),
        ("switches", {"date_filter": "sometimes"}, "sometimes"),
        ("switches", {"poll_rules": -1}, "poll_rules"),
        ("switches", [], "object"),
        ("faults", {"kind": "explode"}, "explode"),
        ("faults", {"path": "/lists"}, "kind"),
        ("faults", {"kind": "html", "color": 1}, "color"),
        ("limits", {"GET /lists": 5}, "array"),
        ("limits", {"GET /lists": [5, 0]}, ">= 1"),
        ("nonsense", {}, "there are GET /_sandbox/state"),
    ],
)
def test_wrong_controls_are_explained(box, name, body, sentence):
    before = box.state()
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
        box.control("POST", name, body)
    assert box.state() == before
    assert box.control("GET", "faults") == []


def test_a_control_body_that_is_no_json(box):
    response = requests.post(f"{box.url}/_sandbox/clock", data=b"{", timeout=10)
    assert response.status_code == 400
    assert "JSON" in response.json()["error"]


def test_reset_forgets_everything(box, session):
    first = box.state()
    box.control("POST", "switches", {"poll_rules": 5, "small_limits": "honour"})
    box.control("POST", "limits", {"GET /lists": [0, 60]})
    box.control("POST", "faults", {"kind": "html", "times": -1})
    box.advance(3 * DAY)
    run(box, notify())
    assert box.control("POST", "reset") == first == box.state()
    assert (box.requests(), box.control("GET", "notifications"), box.control("GET", "faults")) == ([], [], [])
    assert session.get(f"{box.api_url}/lists", timeout=10).json()["response_code"] == "SUCCESS"


def test_state_names_the_world(box):
    state = box.state()
    assert {name: state[name] for name in ("seed", "epoch", "now", "types", "messages", "contacts")} == {
        "seed": 1,
        "epoch": EPOCH,
        "now": EPOCH,
        "types": "live",
        "messages": 300,
        "contacts": 150,
    }
    assert state["switches"]["date_filter"] == "inclusive"
