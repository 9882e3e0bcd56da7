"""What is known of ClickSend, as schemas: what the tests of the contract share.

`openapi.yaml`, `openapi-hub.yaml` and the bodies in `recorded/` were written from documentation and observed
answers only. The sandbox has to agree with them, and they with each other.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.contract.recorded_server import BARE, ENDPOINTS

HERE = Path(__file__).parent
DOCUMENTS = {
    name: yaml.load((HERE / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    for name in ("openapi.yaml", "openapi-hub.yaml")
}
SENDERS = {"own_numbers": "/own-numbers", "alpha_tags": "/alpha-tags"}
ONES = {
    "email_address": "/email/addresses/{email_address_id}",
    "inbound_rule": "/automations/sms/inbound/{inbound_rule_id}",
}
READS = ENDPOINTS | BARE | SENDERS | ONES
OPERATIONS = {
    operation["operationId"]: (method, path)
    for path, item in DOCUMENTS["openapi.yaml"]["paths"].items()
    for method, operation in item.items()
}


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
    method, path = OPERATIONS[name]
    answer = DOCUMENTS["openapi.yaml"]["paths"][path][method]["responses"][str(status)]
    return response(answer["$ref"].rsplit("/", 1)[1], short=short)
