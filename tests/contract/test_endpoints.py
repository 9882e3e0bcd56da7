"""The table of endpoints is complete and true."""

import importlib
import operator
import re
from pathlib import Path

import pytest
import requests
import yaml

from tests.tap.runner import CREDENTIALS

TESTS = Path(__file__).parents[1]
TABLE = re.findall(
    r"^\| `(\w+) ([^`]+)`.* \| `([\w.]+):([\w.]+)` \| `([\w./]+)::([\w:]+)` \|$",
    (TESTS.parent / "docs" / "endpoints.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_endpoint_of_the_contract_is_in_the_table():
    contract = yaml.safe_load((TESTS / "contract" / "openapi.yaml").read_text(encoding="utf-8"))
    known = {(method.upper(), path) for path, methods in contract["paths"].items() for method in methods}
    assert {(method, path) for method, path, *_ in TABLE} == known | {("POST", "/v1/run")}
    assert len(TABLE) == len(known) + 1


@pytest.mark.parametrize(
    "line", [line for line in TABLE if line[0] != "GET"], ids=lambda line: " ".join(line[:2])
)
def test_every_write_has_a_source(line):
    """A reader finds where its shape comes from."""
    page = (TESTS.parent / "docs" / "clicksend-api.md").read_text(encoding="utf-8")
    rows = [row for row in page.splitlines() if row.startswith("|") and f"`{line[0]} {line[1]}`" in row]
    assert len(rows) == 1
    source = rows[0].split("|")[2].strip()
    assert re.match(r"[SLHOI]\b|its documentation", source), source


@pytest.mark.parametrize("line", TABLE, ids=lambda line: " ".join(line[:2]))
def test_code_and_test_exist(line):
    _, path, module, name, test_file, test = line
    code = operator.attrgetter(name)(importlib.import_module(module))
    assert getattr(code, "path", path) == path
    source = (TESTS / test_file).read_text(encoding="utf-8")
    for part in test.split("::"):
        assert re.search(rf"^\s*(def|class) {part}\b", source, re.MULTILINE), part


def test_single_objects(sandbox, connect):
    client = connect(sandbox.api_url)
    (wanted, *_) = client.get("/sms/templates").data["data"]
    assert client.get(f"/sms/templates/{wanted['template_id']}").data == wanted
    (wanted, *_) = client.get("/email/addresses").data["data"]
    assert client.get(f"/email/addresses/{wanted['email_address_id']}").data == wanted
    (wanted, *_) = client.get("/automations/sms/inbound").data["data"]
    assert client.get(f"/automations/sms/inbound/{wanted['inbound_rule_id']}").data == wanted
    (wanted,) = (one for one in client.get("/lists").data["data"] if one["list_name"] == "Opt-Out List")
    list_id = wanted["list_id"]
    assert client.get(f"/lists/{list_id}").data == wanted
    (wanted, *_) = client.get(f"/lists/{list_id}/contacts").data["data"]
    assert client.get(f"/lists/{list_id}/contacts/{wanted['contact_id']}").data == wanted


def test_the_sandbox_serves_every_line(sandbox, connect):
    sandbox.control("POST", "switches", {"legacy_paths": "served"})
    client = connect(sandbox.api_url)
    ids = {"template_id": client.get("/sms/templates").data["data"][0]["template_id"]}
    ids["list_id"] = next(
        one["list_id"] for one in client.get("/lists").data["data"] if one["_contacts_count"]
    )
    ids["contact_id"] = client.get(f"/lists/{ids['list_id']}/contacts").data["data"][0]["contact_id"]
    texts = client.get("/sms/history", {"limit": 100}).data["data"]
    message = next(one for one in texts if "smsu.io/" in one["body"] and one["direction"] == "out")
    ids["source_id"] = message["message_id"].lower()
    links = client.get(f"/short-url/statistics/quick_sms/{ids['source_id']}").data["data"]
    ids["long_url_id"] = links[0]["long_url_id"]
    ids |= {"year": 2026, "month": 5, "email_address_id": 2101, "inbound_rule_id": 1}
    for method, path, *_ in TABLE:
        if method == "GET":
            answer = requests.get(
                sandbox.api_url + path.format(**ids), auth=tuple(CREDENTIALS.values()), timeout=5
            )
            assert answer.status_code == 200, path
        elif path != "/v1/run":
            answer = requests.request(
                method, sandbox.api_url + re.sub(r"{\w+}", "1", path), data=b"[", timeout=5
            )
            assert answer.status_code == 401, path  # known, and closed to strangers
