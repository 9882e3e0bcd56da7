"""The tap against a server that only replays recorded bodies: nothing here knows the sandbox."""

import json
from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from tap_clicksend.streams import ALL
from tests.contract.recorded_server import REPORTS, RecordedServer, recorded
from tests.tap.runner import Output, run_tap

BODY = {stream.name: stream.name for stream in ALL} | {"voice_languages": "voice_lang"}


def rows_of(server, stream):
    data = server.body(BODY[stream])["data"]
    return (
        data["data"]
        if isinstance(data, dict) and "data" in data
        else data
        if isinstance(data, list)
        else [data]
    )


def test_every_recorded_row_comes_out_once_and_fits_its_schema(recorded):
    output = run_tap(recorded.api_url)
    schemas = {m["stream"]: m for m in output.messages if m["type"] == "SCHEMA"}
    assert set(schemas) == {stream.name for stream in ALL}
    for stream in ALL:
        rows = output.rows(stream.name)
        keys = [tuple(row[key] for key in stream.primary_keys) for row in rows]
        assert len(rows) == len(set(keys)), stream.name
        derived = {"contacts", "sms_receipts", "mms_receipts", "voice_receipts", "link_clicks"}
        if stream.name not in REPORTS | derived:
            sent = {str(row[key]) for row in rows_of(recorded, stream.name) for key in stream.primary_keys}
            assert {str(part) for key in keys for part in key} == sent
        assert rows, stream.name
        for row in rows:
            Draft202012Validator(schemas[stream.name]["schema"]).validate(row)
            assert list(row) == list(schemas[stream.name]["schema"]["properties"])
            assert row["extra"] is None, stream.name


def test_live_and_legacy_answers_give_the_same_rows():
    outputs = []
    for variant in ("live", "legacy"):
        with RecordedServer(variant) as server:
            outputs.append(run_tap(server.api_url))
    live, legacy = outputs
    for stream in ALL:
        if stream.name != "account":
            assert live.rows(stream.name) == legacy.rows(stream.name), stream.name
    # Older accounts answers lack fields; what both have is the same.
    (new,), (old,) = live.rows("account"), legacy.rows("account")
    assert {
        name: value for name, value in old.items() if value is not None
    }.items() <= new.items() or old == new


def test_the_account_comes_without_its_api_key(recorded):
    secret = recorded.body("account")["data"]["_subaccount"]["api_key"]
    assert secret
    output = run_tap(recorded.api_url, "account")
    assert secret not in json.dumps(output.messages)
    assert output.rows("account")[0]["_subaccount"]["api_username"]


def test_receipts_repeated_by_several_rules_come_once():
    with RecordedServer("repeated") as server:
        output = run_tap(server.api_url, "sms_receipts", "sms_inbound")
        assert len(rows_of(server, "sms_inbound")) > len(output.rows("sms_inbound")) > 0
        assert len(rows_of(server, "sms_receipts")) > len(output.rows("sms_receipts")) > 0
        assert len({row["message_id"] for row in output.rows("sms_inbound")}) == len(
            output.rows("sms_inbound")
        )


@pytest.mark.parametrize("variant", ["empty", "nodata"])
def test_empty_collections_in_every_recorded_form(variant):
    with RecordedServer(variant) as server:
        output = run_tap(server.api_url, "sms_inbound", "sms_receipts", "email_addresses")
        assert not [m for m in output.messages if m["type"] == "RECORD"]
        assert len(server.requests) == 3


def test_no_request_carries_a_key_or_follows_a_link(recorded):
    run_tap(recorded.api_url)
    assert {method for method, _, _ in recorded.requests} == {"GET"}
    assert all(path.startswith("/v3/") for _, path, _ in recorded.requests)
    assert "sandbox-key" not in json.dumps(recorded.requests)


def test_receipt_ids_are_stable():
    """Whoever joins on receipt_id must find the same ids after an upgrade."""
    with RecordedServer("live") as server:
        (first, *_) = run_tap(server.api_url, "voice_receipts").rows("voice_receipts")
    body = recorded("voice_receipts.live")["data"]["data"][0]
    assert first["message_id"] == body["message_id"]
    assert first["receipt_id"] == "28f36ed6-cf2a-5025-ac90-d73cf89f6b50"


class ExactOutput(Output):
    """Keeps numbers as they are written."""

    def write(self, lines):
        self.messages.extend(json.loads(line, parse_float=Decimal) for line in bytes(lines).splitlines())


def test_prices_are_exact_decimals_in_the_output(recorded):
    output = ExactOutput()
    run_tap(recorded.api_url, "sms_history", output=output)
    given = rows_of(recorded, "sms_history")
    expected = {
        row["message_id"]: Decimal(str(row["message_price"])) for row in given if row["message_price"]
    }
    assert expected
    found = {row["message_id"]: row["message_price"] for row in output.rows("sms_history")}
    assert {one: found[one] for one in expected} == expected
