"""The Singer SDK's own suite for targets: the setting ``streams`` maps the streams of its inputs to a sink.

Its rows know nothing of ClickSend, so they are rejected or become templates; it passes on a target that does
nothing at all. The other tests of the target carry the load.
"""

import json
from importlib.resources import files

import pytest
from singer_sdk.testing import get_target_test_class, target_test_streams
from singer_sdk.testing.suites import SingerTestSuite, target_tests
from singer_sdk.testing.target_tests import (
    TargetRecordMissingKeyProperty,
    TargetRecordMissingRequiredProperty,
)

from clicksend.sandbox import Sandbox
from target_clicksend.target import TargetClickSend
from tests.tap.runner import CREDENTIALS
from tests.target.runner import run_target

EXCLUDED = {
    # It wants the run to end with MissingKeyPropertiesError: here such a row is rejected, the others go on.
    TargetRecordMissingKeyProperty,
}
ADDED = [TargetRecordMissingRequiredProperty]
"""The SDK has it, and does not run it."""
TESTS = [test for test in target_tests.tests if test not in EXCLUDED] + ADDED
INPUTS = {path.name: path for path in files(target_test_streams).iterdir() if path.name.endswith(".singer")}


def messages(name):
    return [json.loads(line) for line in INPUTS[name].read_text("utf-8").splitlines() if line.strip()]


STREAMS = sorted({one["stream"] for name in INPUTS for one in messages(name) if "stream" in one})

# The suite wants its config when the class is made, so the server starts with the module.
BOX = Sandbox(seed=2, messages=20, contacts=20).__enter__()
BOX.control("POST", "limits", {"GET /account": [1_000_000, 60]})


@pytest.fixture(scope="module", autouse=True)
def _ledger(tmp_path_factory):
    CONFIG["ledger_url"] = f"sqlite:///{tmp_path_factory.mktemp('suite')}/l.db"
    yield
    BOX.__exit__(None, None, None)


CONFIG = {
    "api_url": BOX.api_url,
    "ledger_url": "",
    "streams": dict.fromkeys(STREAMS, "sms_templates"),
    "stream_maps": {"*": {"template_name": "str(_)", "body": "'x'"}},
    **CREDENTIALS,
}

TestTargetClickSend = get_target_test_class(
    TargetClickSend,
    config=CONFIG,
    custom_suites=[SingerTestSuite(kind="target", tests=TESTS)],
    include_target_tests=False,
)

ENDS = {"invalid_schema.singer", "record_before_schema.singer"}
"""Inputs that end the run."""


@pytest.mark.parametrize("name", sorted(INPUTS.keys() - ENDS))
def test_every_row_of_the_suites_inputs_has_an_outcome(name):
    """The suite itself looks at nothing but exceptions."""
    ran = run_target(messages=messages(name), client=False, **CONFIG)
    rows = [one for one in messages(name) if one["type"] == "RECORD"]
    assert (ran.code, ran.report["rows_unfinished"]) == (0, 0)
    assert sum(ran.rows("sms_templates").values()) == ran.report["rows_read"] == len(rows)
    states = [one["value"] for one in messages(name) if one["type"] == "STATE"]
    assert ran.states == states[-1:]
