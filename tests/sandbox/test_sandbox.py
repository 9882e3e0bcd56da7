"""The sandbox over HTTP: one world in two spellings, counted right, and single objects of it."""

import time
from decimal import Decimal

import pytest

from clicksend.sandbox import Sandbox
from clicksend.sandbox.simulation import RETENTION
from clicksend.sandbox.world.seed_data import CUSTOMERS
from clicksend.sandbox.world.usage import CHANNELS, months
from tests.sandbox.runner import DAY, EPOCH, walk

PAGED = (
    *("/sms/history", "/sms/inbound", "/sms/receipts", "/sms/templates", "/mms/history", "/mms/receipts"),
    *("/voice/history", "/voice/receipts", "/lists", f"/lists/{CUSTOMERS}/contacts", "/email/addresses"),
    *(
        "/sms-campaigns",
        "/mms-campaigns",
        "/subaccounts",
        "/numbers",
        "/recharge/transactions",
        "/delivery-issues",
    ),
    *("/automations/sms/inbound", "/automations/sms/receipts", "/automations/voice/receipts"),
)
WHOLE = ("/account", "/voice/lang", "/countries", "/statistics/sms", "/statistics/voice", "/own-numbers")


GONE = {"Failed", "Cancelled", "CancelledAfterReview"}


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


def test_the_clock_starts_now():
    """Whoever looks up what was sent a minute ago, by a clock of their own, has to find it."""
    before = int(time.time())
    with Sandbox(messages=0, contacts=0) as new:
        assert before <= new.control("GET", "state")["now"] <= time.time()


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
    row |= {name: Decimal(str(value)) for name, value in numeric.items()}
    return {name: value for name, value in row.items() if value not in (None, "", 0)}


@pytest.mark.parametrize("path", PAGED)
def test_live_and_legacy_hold_the_same_rows(documented, session, path):
    live, legacy = (walk(session, box, path) for box in documented)
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
def test_spellings(documented, session, path, field, types):
    for box, kind in zip(documented, types, strict=True):
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


@pytest.mark.usefixtures("documented")
def test_state_counts_what_a_walk_finds(box, session, get):
    rows = box.state()["rows"]
    paths = {
        **{f"{c}_history": f"/{c}/history" for c in ("sms", "mms", "voice")},
        **{f"{c}_receipts": f"/{c}/receipts" for c in ("sms", "mms", "voice")},
        "sms_inbound": "/sms/inbound",
        "sms_templates": "/sms/templates",
        "lists": "/lists",
        "email_addresses": "/email/addresses",
        "sms_campaigns": "/sms-campaigns",
        "mms_campaigns": "/mms-campaigns",
        "subaccounts": "/subaccounts",
        "transactions": "/recharge/transactions",
        "delivery_issues": "/delivery-issues",
    }
    found = {name: len(walk(session, box, path)) for name, path in paths.items()}
    lists = [row["list_id"] for row in walk(session, box, "/lists")]
    found["contacts"] = sum(len(walk(session, box, f"/lists/{key}/contacts")) for key in lists)
    found |= {"account": 1, "voice_languages": len(get("/voice/lang")), "countries": len(get("/countries"))}
    found["numbers"] = len({row["dedicated_number"] for row in walk(session, box, "/numbers")})
    found |= {f"statistics_{c}": len(get(f"/statistics/{c}")["stats"]) for c in ("sms", "voice")}
    usage = [get(f"/account/usage/{y}/{m}/subaccount") for y, m in months(EPOCH - RETENTION, EPOCH)]
    found["account_usage"] = sum(len(month[channel]) for month in usage for channel in CHANNELS)
    texts = [row["body"] for row in walk(session, box, "/sms/history") if row["status"] not in GONE]
    found["link_clicks"] = sum("smsu.io/" in text for text in texts)
    assert found == rows
    assert min(found.values()) > 0


def test_state_counts_what_switches_leave(box):
    for switch, value, streams in [
        ("poll_rules", 0, ["sms_inbound", "sms_receipts", "mms_receipts", "voice_receipts"]),
        ("legacy_paths", "gone", ["mms_receipts"]),
        ("voice_access", False, ["voice_history", "voice_receipts"]),
        ("subaccount_access", False, ["subaccounts"]),
        ("dedicated_numbers", False, ["numbers"]),
    ]:
        box.control("POST", "reset")
        box.control("POST", "switches", {"legacy_paths": "served", switch: value})
        rows = box.state()["rows"]
        assert [name for name, count in rows.items() if not count] == streams


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
