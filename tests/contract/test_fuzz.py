"""The sandbox is asked anything that the contract allows, and much that it does not."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from clicksend.sandbox.world.seed_data import CUSTOMERS, LEADS, OPT_OUTS
from tests.contract.schemas import DOCUMENTS, HERE

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


@pytest.fixture(scope="module", params=["live", "legacy"])
def world(request):
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=1, messages=150, contacts=60, types=request.param, dialect="documented") as sandbox:
        yield sandbox


@pytest.fixture
def box(world):
    """Return the sandbox in its first state, whatever the operation before has deleted."""
    world.control("POST", "reset")
    world.control("POST", "limits", {"GET /account": [1_000_000, 60], "POST /sms/send": [1_000_000, 60]})
    return world


@pytest.fixture
def known(box, session):
    """Return ids that exist, for the placeholders of paths."""
    found = session.get(f"{box.api_url}/lists/{CUSTOMERS}/contacts", timeout=10).json()["data"]["data"]
    lists = {"list_id": CUSTOMERS, "to_list_id": LEADS, "opt_out_list_id": OPT_OUTS}
    return lists | {
        "contact_id": found[0]["contact_id"],
        "template_id": 632497,
        "email_address_id": 2101,
    }


@api.parametrize()
@quick
def test_sandbox_answers_anything_as_described(case, box, known):
    for name, value in case.path_parameters.items():
        if name in known and isinstance(value, int) and value % 2:
            case.path_parameters[name] = known[name]
    auth = ("sandbox", "sandbox-key") if case.operation.definition.raw.get("security") != [] else None
    case.call_and_validate(base_url=box.api_url, auth=auth, checks=CHECKS)


@hub.parametrize()
@quick
def test_sandbox_hub_answers_anything_as_described(case, box):
    case.call_and_validate(base_url=box.url, headers={"Authorization": "Bearer sandbox-key"}, checks=CHECKS)
