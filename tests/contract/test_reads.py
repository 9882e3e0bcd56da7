"""What the sandbox lets read, held against the contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from tests.contract.recorded_server import BARE, ENDPOINTS, NOT_PAGED, recorded
from tests.contract.schemas import SENDERS, endpoint, response, validator
from tests.sandbox.runner import EPOCH

KEYS = {
    "sms_history": "message_id",
    "sms_templates": "template_id",
    "mms_history": "message_id",
    "voice_history": "message_id",
    "lists": "list_id",
    "contacts": "contact_id",
    "email_addresses": "email_address_id",
    "sms_campaigns": "sms_campaign_id",
    "mms_campaigns": "mms_campaign_id",
    "subaccounts": "subaccount_id",
    "transactions": "invoice_number",
    "delivery_issues": "issue_id",
    "sms_inbound_rules": "inbound_rule_id",
    "sms_receipt_rules": "receipt_rule_id",
    "voice_receipt_rules": "receipt_rule_id",
}
COLLECTIONS = sorted(ENDPOINTS.keys() - NOT_PAGED - {"contacts"})


@pytest.fixture(scope="module", params=["live", "legacy"])
def types(request):
    return request.param


@pytest.fixture(scope="module")
def box(types):
    from clicksend.sandbox import Sandbox

    with Sandbox(
        seed=1, messages=500, contacts=200, epoch=EPOCH, types=types, dialect="documented"
    ) as sandbox:
        sandbox.control("POST", "limits", {"GET /account": [1_000_000, 60]})
        yield sandbox


@pytest.fixture
def get(box):
    with requests.Session() as session:
        session.auth = ("sandbox", "sandbox-key")

        def fetch(path, status=(200,), **params):
            answer = session.get(box.api_url + path, params=params)
            assert answer.status_code in status, answer.text
            return answer.json()

        yield fetch


def walk(get, name, **ids):
    """Every row of a collection, each page validated, the one past the end included."""
    path = ENDPOINTS[name].format(**ids)
    rows, page, last = [], 1, 1
    while page <= last + 1:
        body = get(path, page=page, limit=50)
        endpoint(name).validate(body)
        found, last = body["data"].get("data", []), body["data"]["last_page"]
        assert bool(found) == (page <= last)
        assert len(rows) + len(found) <= body["data"]["total"]
        rows += found
        page += 1
    assert len(rows) == body["data"]["total"]
    if key := KEYS.get(name):
        assert len({(row[key], row.get("direction")) for row in rows}) == len(rows)
    return rows


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_row_of_the_sandbox_fits(get, name):
    assert walk(get, name)


def test_every_contact_of_the_sandbox_fits(get):
    found = 0
    for row in walk(get, "lists"):
        contacts = walk(get, "contacts", list_id=row["list_id"])
        assert {contact["list_id"] for contact in contacts} <= {row["list_id"]}
        assert len(contacts) == row["_contacts_count"]
        found += len(contacts)
        for contact in contacts[:2]:
            one = get(f"/lists/{row['list_id']}/contacts/{contact['contact_id']}")
            endpoint("contact").validate(one)
            assert one["data"] == contact
    assert found >= 200


@pytest.mark.parametrize(
    ("many", "one", "key"), [("lists", "list", "list_id"), ("sms_templates", "sms_template", "template_id")]
)
def test_one_object_of_the_sandbox_fits(get, many, one, key):
    for row in walk(get, many):
        body = get(ENDPOINTS[one].format(**{key: row[key]}))
        endpoint(one).validate(body)
        assert body["data"] == row
    missing = get(ENDPOINTS[one].format(**{key: 1}), status=(403, 404))  # both were observed
    endpoint(one, missing["http_code"]).validate(missing)


@pytest.mark.parametrize(
    "name", ["account", "voice_lang", "countries", "account_usage", "statistics_sms", "statistics_voice"]
)
def test_what_has_no_pages_fits(box, get, name):
    now = datetime.fromtimestamp(box.state()["now"], UTC)
    body = get(ENDPOINTS[name].format(year=now.year, month=now.month))
    endpoint(name).validate(body)
    assert body["data"]


@pytest.mark.parametrize("name", SENDERS)
def test_senders_fit(get, name):
    endpoint(name).validate(get(SENDERS[name]))
    assert len(get(SENDERS[name], page_size=1)[name]) == 1


@pytest.mark.long
def test_every_shortened_link_fits(get):
    opened = 0
    for row in walk(get, "sms_history"):
        if row["direction"] == "in" or "smsu.io/" not in row["body"]:
            continue
        body = get(BARE["short_url_statistics"].format(source_id=row["message_id"].lower()))
        endpoint("short_url_statistics").validate(body)
        for link in body["data"]:
            page = get(BARE["short_url_tracking"].format(long_url_id=link["long_url_id"]))
            endpoint("short_url_tracking").validate(page)
            assert sum(one["open_count"] for one in page["data"]) == link["links"]["opened_total"]
            opened += link["links"]["opened_unique"]
    assert opened > 2


@pytest.mark.parametrize(
    ("name", "column"),
    [("sms_history", "date"), ("mms_history", "date_added"), ("voice_history", "date_added")],
)
def test_dates_choose_rows(get, name, column):
    """Whether the ends belong to the range is unconfirmed, so both are right."""
    times = sorted(int(row[column]) for row in walk(get, name))
    low, high = times[len(times) // 3], times[len(times) // 2]
    page = get(ENDPOINTS[name], date_from=low, date_to=high, limit=100)["data"]
    least, most = sum(low < time < high for time in times), sum(low <= time <= high for time in times)
    assert 0 < least <= page["total"] <= most
    assert all(low <= int(row[column]) <= high for row in page["data"])


def test_order_of_the_history(get):
    for order, reverse in (({}, False), ({"order_by": "date:asc"}, False), ({"order_by": "date:desc"}, True)):
        times = [int(row["date"]) for row in get("/sms/history", limit=100, **order)["data"]["data"]]
        assert times == sorted(times, reverse=reverse)


def test_nothing_is_said_as_recorded(get):
    for name, choice in (("sms_history", "date_from"), ("contacts", "updated_after")):
        list_id = get("/lists")["data"]["data"][1]["list_id"]
        body = get(ENDPOINTS[name].format(list_id=list_id), **{choice: 4102444800})
        endpoint(name).validate(body)
        assert body["data"] == recorded("page.empty")["data"]


def test_the_two_type_modes_differ_as_recorded(types, get):
    live = types == "live"
    message = get("/sms/history", limit=15)["data"]["data"][0]
    assert [type(message[column]) for column in ("date", "message_parts")] == [int if live else str] * 2
    assert isinstance(message["schedule"], str)
    assert isinstance(message["message_price"], str)


def test_refusals_fit(box, get):
    response("NotFound").validate(get("/nowhere", status=(404,)))
    for auth in (None, ("sandbox", "wrong"), ("nobody", "sandbox-key")):
        answer = requests.get(f"{box.api_url}/lists", auth=auth, timeout=10)
        assert answer.status_code == 401
        assert answer.json() == recorded("error_401")
        assert requests.get(f"{box.api_url}/countries", auth=auth, timeout=10).status_code == 200
    answer = requests.patch(f"{box.api_url}/account", auth=("sandbox", "sandbox-key"), timeout=10)
    assert answer.status_code == 405
    response("MethodNotAllowed").validate(answer.json())


def test_too_many_requests_fit(box):
    box.control("POST", "limits", {"GET /voice/lang": [1, 60]})
    auth = ("sandbox", "sandbox-key")
    *_, answer = (requests.get(f"{box.api_url}/voice/lang", auth=auth, timeout=10) for _ in range(2))
    box.control("POST", "limits", {"GET /voice/lang": [6000, 60]})
    assert answer.status_code == 429
    response("TooManyRequests").validate(answer.json())
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 0 <= int(answer.headers["Retry-After"]) == int(answer.headers["ratelimit-reset"]) <= 60


def test_hub_passes_the_api_through(box, get):
    url = f"{box.url}/clicksend/v3/lists"
    answer = requests.get(url, headers={"Authorization": "Bearer sandbox-key"}, timeout=10)
    assert answer.json() == get("/lists")
    assert requests.get(url, headers={"Authorization": "Bearer wrong"}, timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("model", "inputs", "schema"),
    [
        (
            "notify-send",
            {"template_id": "your_template_id", "to": "+12025550142", "variables": {"message": "Hi"}},
            "Notification",
        ),
        ("verify-send", {"target": {"type": "phone_number", "value": "+12025550142"}}, "Verification"),
        ("verify-check", {"target": {"type": "phone_number", "value": "+12025550142"}, "code": "1"}, "Check"),
    ],
)
def test_hub_answers_as_the_provider_does(box, model, inputs, schema):
    answer = requests.post(
        f"{box.url}/v1/run",
        json={"model": f"prelude/{model}", "inputs": inputs},
        headers={"Authorization": "Bearer sandbox-key"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    validator(f"#/components/schemas/{schema}", "openapi-hub.yaml").validate(body.get("result", body))
