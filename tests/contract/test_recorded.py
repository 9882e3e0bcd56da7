"""The bodies in `recorded/` and the server that replays them, held against the contract."""

from __future__ import annotations

import copy
import re
from datetime import datetime
from decimal import Decimal

import pytest
import requests
from jsonschema import Draft202012Validator

from tests.contract.recorded_server import ENDPOINTS, NOT_PAGED, RECORDED, RecordedServer, recorded
from tests.contract.schemas import DOCUMENTS, OPERATIONS, READS, endpoint, response, validator

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
    read = {name: path for name, (method, path) in OPERATIONS.items() if method == "get"}
    assert read == READS
    for document in DOCUMENTS.values():
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", FILES)
def test_recorded_body_fits_the_contract(name):
    for schema in of_recorded(name):
        schema.validate(recorded(name))


@pytest.mark.long
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


@pytest.mark.long
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
