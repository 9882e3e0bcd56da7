"""The sandbox is asked anything that the contract allows, and much that it does not."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, settings

from clicksend.sandbox.world.seed_data import CUSTOMERS, LEADS, OPT_OUTS
from tests.contract.schemas import DOCUMENTS, HERE
from tests.sandbox.runner import EPOCH

pytestmark = pytest.mark.long

CONFIG = {
    "generation": {"with-security-parameters": False, "deterministic": True, "database": "none"},
    "phases": {"coverage": {"unexpected-methods": []}},
}
few = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@cache
def described(name):
    """Return a document as Schemathesis reads it; imported late: collecting would take seconds longer."""
    import schemathesis

    return schemathesis.openapi.from_path(HERE / name, config=schemathesis.Config.from_dict(CONFIG))


def operations(name):
    """Return method and path of each operation of a document."""
    paths = DOCUMENTS[name]["paths"]
    return [(verb.upper(), path) for path, item in paths.items() for verb in item if verb != "parameters"]


def ask_anything(name, verb, path, ask):
    """Call ``ask`` with each case that Schemathesis builds of an operation, and check the answers."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation.feedback import FeedbackSources
    from schemathesis.pytest._test_builder import build_operation_test
    from schemathesis.specs.openapi import checks

    known = (
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    )
    asked = []

    @few
    def each(case):
        asked.append(case)
        ask(case, [*known])

    schema = described(name)
    build_operation_test(
        config=schema.config,
        operation=schema[path][verb],
        test_func=each,
        given_kwargs={},
        feedback=FeedbackSources(),
    )()
    assert asked


@pytest.fixture(scope="module", params=["live", "legacy"])
def world(request):
    from clicksend.sandbox import Sandbox

    with Sandbox(
        seed=1, messages=150, contacts=60, epoch=EPOCH, types=request.param, dialect="documented"
    ) as sandbox:
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


@pytest.mark.parametrize(("verb", "path"), operations("openapi.yaml"))
def test_sandbox_answers_anything_as_described(verb, path, box, known):
    def ask(case, checks):
        for name, value in case.path_parameters.items():
            if name in known and isinstance(value, int) and value % 2:
                case.path_parameters[name] = known[name]
        auth = ("sandbox", "sandbox-key") if case.operation.definition.raw.get("security") != [] else None
        case.call_and_validate(base_url=box.api_url, auth=auth, checks=checks)

    ask_anything("openapi.yaml", verb, path, ask)


@pytest.mark.parametrize(("verb", "path"), operations("openapi-hub.yaml"))
def test_sandbox_hub_answers_anything_as_described(verb, path, box):
    def ask(case, checks):
        case.call_and_validate(
            base_url=box.url, headers={"Authorization": "Bearer sandbox-key"}, checks=checks
        )

    ask_anything("openapi-hub.yaml", verb, path, ask)
