"""What is known of ClickSend, held against the sandbox.

`openapi.yaml`, `openapi-hub.yaml` and the bodies in `recorded/` were written from documentation and observed
answers only. The sandbox has to agree with them, and they with each other.
"""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from recorded_server import ENDPOINTS, NOT_PAGED, RECORDED, RecordedServer, recorded
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

HERE = Path(__file__).parent
DOCUMENTS = {
    name: yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    for name in ("openapi.yaml", "openapi-hub.yaml")
}
KEYS = {
    "sms_history": "message_id",
    "sms_templates": "template_id",
    "mms_history": "message_id",
    "voice_history": "message_id",
    "lists": "list_id",
    "contacts": "contact_id",
    "email_addresses": "email_address_id",
    "sms_campaigns": "sms_campaign_id",
    "subaccounts": "subaccount_id",
    "transactions": "invoice_number",
    "delivery_issues": "issue_id",
    "sms_inbound_rules": "inbound_rule_id",
    "sms_receipt_rules": "receipt_rule_id",
    "voice_receipt_rules": "receipt_rule_id",
}
COLLECTIONS = sorted(ENDPOINTS.keys() - NOT_PAGED - {"contacts"})
ERRORS = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "NotFound",
    "405": "MethodNotAllowed",
    "429": "TooManyRequests",
}
HUB = {
    "notify": "Notification",
    "verify": "Verification",
    "check": "Check",
    "error": "Error",
}
FILES = sorted(path.stem for path in RECORDED.glob("*.json"))
ROWS = [name for name in FILES if name.split(".")[0] in ENDPOINTS and not name.endswith(".short")]


def relaxed(schema: Any) -> Any:
    """The same schema without required properties, for the excerpts that documentation shows."""
    if isinstance(schema, dict):
        return {key: relaxed(value) for key, value in schema.items() if key != "required"}
    return [relaxed(item) for item in schema] if isinstance(schema, list) else schema


@cache
def validator(pointer: str, document: str = "openapi.yaml", *, short: bool = False) -> Draft202012Validator:
    whole = DOCUMENTS[document]
    return Draft202012Validator((relaxed(whole) if short else whole) | {"$ref": pointer})


def response(name: str, *, short: bool = False) -> Draft202012Validator:
    return validator(f"#/components/responses/{name}/content/application~1json/schema", short=short)


def endpoint(name: str, status: int = 200, *, short: bool = False) -> Draft202012Validator:
    answer = DOCUMENTS["openapi.yaml"]["paths"][ENDPOINTS[name]]["get"]["responses"][str(status)]
    return response(answer["$ref"].rsplit("/", 1)[1], short=short)


def of_recorded(name: str) -> list[Draft202012Validator]:
    base, _, variant = name.partition(".")
    if base == "page":
        return [endpoint(page) for page in sorted(ENDPOINTS.keys() - NOT_PAGED)]
    if base.startswith("error_"):
        return [response(ERRORS[base.removeprefix("error_")])]
    if base.startswith("hub_"):
        kind = HUB[base.split("_")[1]]
        schema = kind if variant == "bare" or kind == "Error" else "Envelope"
        return [validator(f"#/components/schemas/{schema}", "openapi-hub.yaml")]
    return [endpoint(base, short=variant == "short")]


def test_documents_describe_every_endpoint():
    paths = DOCUMENTS["openapi.yaml"]["paths"]
    assert {name: path for path, item in paths.items() for name in [item["get"]["operationId"]]} == ENDPOINTS
    for document in DOCUMENTS.values():
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", FILES)
def test_recorded_body_fits_the_contract(name):
    for schema in of_recorded(name):
        schema.validate(recorded(name))


@pytest.mark.parametrize("name", ROWS)
def test_a_misspelt_column_does_not_fit(name):
    body = recorded(name)
    data = body["data"]
    for row in data if isinstance(data, list) else data.get("data", [data]):
        for column in list(row):
            row[f"{column}x"] = row.pop(column)
            assert not endpoint(name.split(".")[0]).is_valid(body), column
            row[column] = row.pop(f"{column}x")
    endpoint(name.split(".")[0]).validate(body)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("sms_history.live", ["data", "data", 0, "message_id"], ...),
        ("sms_history.live", ["data", "data", 0, "message_id"], "1f147915-84e0-6f63-a142-56b8e7ca430e"),
        ("sms_history.live", ["data", "data", 0, "date"], "2026-05-04T08:15:00Z"),
        ("sms_history.live", ["data", "data", 0, "date"], 1777882500.5),
        ("sms_history.live", ["data", "data", 0, "message_price"], 0.07),
        ("sms_history.live", ["data", "data", 0, "direction"], "outbound"),
        ("sms_history.live", ["data", "data"], None),
        ("sms_history.live", ["data", "data"], ...),
        ("sms_history.live", ["data", "last_page"], ...),
        ("sms_history.live", ["data", "total"], "5"),
        ("sms_history.live", ["data"], [{"message_id": "x"}]),
        ("sms_history.live", ["response_code"], "OK"),
        ("sms_history.live", ["http_code"], 201),
        ("sms_history.live", ["status"], "success"),
        ("sms_inbound.live", ["data", "data", 0, "timestamp"], ...),
        ("sms_receipts.live", ["data", "data", 0, "message_type"], "mms"),
        ("voice_history.live", ["data", "data", 0, "message_parts"], None),
        ("voice_lang", ["data", 0, "gender"], []),
        ("contacts.live", ["data", "data", 0, "contact_id"], "1411000001"),
        ("account.live", ["data", "balance"], 41.3),
        ("account_usage.live", ["data", "sms", 0, "total_count"], 29),
        ("account_usage.live", ["data", "email", 0, "total_count"], "3992"),
        ("account_usage.live", ["data", "fax_total", "count"], ...),
        ("account_usage.live", ["data", "email", 0, "subaccount"], 880011),
        ("statistics_sms.live", ["data", "stats"], ...),
        ("statistics_sms.live", ["data", "stats", 0, "date"], 1777852801),
        ("statistics_sms.legacy", ["data", "currency"], ...),
        ("statistics_voice.live", ["data", "stats", 0, "inbound"], {"count": 1}),
        ("numbers.live", ["data", "data", 0, "price"], 18.59),
        ("numbers.empty", ["data", "total"], 1),
        ("transactions.live", ["data", "data", 0, "date"], "1777420196"),
        ("error_400.fields", ["data", "limit"], 15),
        ("error_401", ["http_code"], 403),
        ("error_404", ["data"], {}),
        ("error_429", ["response_code"], "SUCCESS"),
        ("hub_notify", ["status"], "ok"),
        ("hub_notify.bare", ["id"], ...),
        ("hub_error_402", ["error"], "insufficient_balance"),
    ],
)
def test_a_corrupt_body_does_not_fit(name, path, value):
    body = copy.deepcopy(recorded(name))
    *parents, last = path
    part = body
    for key in parents:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    assert not any(schema.is_valid(body) for schema in of_recorded(name))


OLD_NAMES = {"_message_type": "message_type", "stat": "stats", "currency": "_currency"}


def plain(value):
    """A value without the differences of age: old spellings, strings for numbers, ways to say nothing."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return number(value)
    old = OLD_NAMES | ({} if "timestamp" in value else {"timestamp_send": "timestamp"})
    said = {old.get(key, key): plain(part) for key, part in value.items()}
    return {key: part for key, part in said.items() if part not in (None, "", 0, [])}


def number(value):
    if isinstance(value, float) or (isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)):
        return Decimal(str(value))
    if isinstance(value, str) and re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", value):
        return datetime.fromisoformat(value).timestamp()
    return value


@pytest.mark.parametrize("name", [name.split(".")[0] for name in FILES if name.endswith(".legacy")])
def test_both_recordings_say_the_same(name):
    live, legacy = recorded(f"{name}.live")["data"], recorded(f"{name}.legacy")["data"]
    assert live != legacy
    if name in NOT_PAGED:
        live, legacy = {"data": [live]}, {"data": [legacy]}
    assert [plain(row) for row in live["data"]] == [plain(row) for row in legacy["data"]]


@pytest.mark.parametrize("variant", ["live", "legacy", "short", "empty", "nodata"])
@pytest.mark.parametrize("prefix", ["/v3", "/clicksend/v3"])
def test_recorded_server_replays(variant, prefix):
    ids = {"list_id": 4400123, "contact_id": 1411000001, "template_id": 660001, "year": 2026, "month": 5}
    with RecordedServer(variant, prefix) as server, requests.Session() as session:
        for name, path in ENDPOINTS.items():
            answer = session.get(server.api_url + path.format(**ids), params={"page": 1})
            assert (answer.status_code, answer.json()) == (200, server.body(name))
            if name not in NOT_PAGED:
                past = session.get(server.api_url + path.format(**ids), params={"page": 9}).json()
                assert not past["data"].get("data")
        assert ("GET", f"{prefix}/account/usage/2026/5/subaccount", {"page": "1"}) in server.requests
        assert session.get(f"{server.api_url}/lists/1/contacts").status_code == 404
        assert session.get(f"{server.api_url}/nowhere").json() == recorded("error_404")
        assert session.put(f"{server.api_url}/account", json={}).json() == recorded("error_405")


@pytest.fixture(scope="module", params=["live", "legacy"])
def types(request):
    return request.param


@pytest.fixture(scope="module")
def box(types):
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=1, messages=500, contacts=200, types=types) as sandbox:
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


CONFIG = {
    "generation": {"with-security-parameters": False, "deterministic": True, "database": "none"},
    "phases": {"coverage": {"unexpected-methods": []}},
}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
quick = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
api, hub = (
    schemathesis.openapi.from_path(HERE / name, config=schemathesis.Config.from_dict(CONFIG))
    for name in DOCUMENTS
)


@api.parametrize()
@quick
def test_sandbox_answers_anything_as_described(case, box):
    auth = ("sandbox", "sandbox-key") if case.operation.definition.raw.get("security") != [] else None
    case.call_and_validate(base_url=box.api_url, auth=auth, checks=CHECKS)


@hub.parametrize()
@quick
def test_sandbox_hub_answers_anything_as_described(case, box):
    case.call_and_validate(base_url=box.url, headers={"Authorization": "Bearer sandbox-key"}, checks=CHECKS)


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
