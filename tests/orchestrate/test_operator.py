"""What the operator makes of a run: codes, reports, secrets. Airflow has run it already (`inside.py`)."""

from __future__ import annotations

import json

import pytest

from tests.orchestrate.conftest import KEY, SECRETS

RETRIED, FINAL = "AirflowException", "AirflowFailException"


@pytest.mark.parametrize("who", ["tap", "target"])
@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (0, None, ""),
        (1, RETRIED, "The run failed (exit code 1)"),
        (2, FINAL, "A setting is wrong (exit code 2)"),
        (3, FINAL, "messages are unknown (exit code 3)"),
        (9, RETRIED, "The run failed (exit code 9)"),
        (130, RETRIED, "The run was stopped (exit code 130)"),
        (143, RETRIED, "The run was stopped (exit code 143)"),
    ],
)
def test_each_exit_code_has_its_meaning(inside, who, code, error, said):
    case = inside["cases"][f"{who} {code}"]
    assert case["error"] == error
    assert said in case["message"]
    assert (case["returned"] is None) == bool(code)


def test_a_process_that_a_signal_ended_was_stopped(inside):
    case = inside["cases"]["killed"]
    assert (case["error"], "exit code 143" in case["message"]) == (RETRIED, True)


@pytest.mark.parametrize("name", ["told unknown", "hidden unknown"])
def test_unknown_sends_are_counted_and_the_next_step_is_named(inside, name):
    """Also where the process itself ended with 1, as `meltano run` does: the report says 3."""
    case = inside["cases"][name]
    assert case["error"] == FINAL
    assert case["message"].startswith("20 messages are unknown (exit code 3)")
    assert "Next: clicksend ledger reconcile" in case["message"]


def test_what_the_target_says_of_an_error_is_in_the_message(inside):
    case = inside["cases"]["told error"]
    assert case["error"] == RETRIED
    assert "the account's balance is used up" in case["message"]


def test_counts_are_returned_and_samples_are_not(inside):
    case = inside["cases"]["counted"]
    assert case["returned"]["tap"]["rows"] == {"sms_history": {"read": 5}}
    assert case["returned"]["target"] == {
        "exit_code": 0,
        "rows": {"sms_messages": {"sent": 2}},
        "requests": 3,
        "unknown_open": 0,
    }
    assert "canary" not in json.dumps([case["returned"], case["message"], case["lines"]])


def variables(case):
    return dict(text.split("=", 1) for _, text in case["lines"] if "=" in text)


def test_the_connection_reaches_the_children_in_their_environment(inside):
    found = variables(inside["cases"]["environment"])
    for plugin in ("TAP_CLICKSEND", "TARGET_CLICKSEND"):
        assert found[f"{plugin}_API_KEY"] == KEY
        assert found[f"{plugin}_USERNAME"] == "me"
        assert found[f"{plugin}_API_URL"] == "https://rest.clicksend.com/v3"
        assert found[f"{plugin}_LEDGER_URL"] == "sqlite:///canary-ledger.db"
        assert found[f"{plugin}_REQUESTS_PER_MINUTE"] == "22"  # 90, shared out among four
    assert found["TARGET_CLICKSEND_PII_KEY"] == "canary-pii-key"
    assert "TAP_CLICKSEND_PII_KEY" not in found  # it is another key there
    assert found["TAP_CLICKSEND_END_DATE"] == "2026-11-01"


def test_without_a_login_the_hub_is_used(inside):
    found = variables(inside["cases"]["hub"])
    for plugin in ("TAP_CLICKSEND", "TARGET_CLICKSEND"):
        assert found[f"{plugin}_API_KEY"] == "sk-of-the-hub-0123456789"
        assert found[f"{plugin}_API_URL"] == "https://api.skillboss.com/clicksend/v3"
        assert f"{plugin}_USERNAME" not in found


def test_the_warehouse_reaches_tap_loader_and_dbt(inside):
    found = variables(inside["cases"]["warehouse"])
    url = "me%40here:canary%2Fpassword@localhost/shop?host=%2Fa%20folder%2Fof%20sockets&port=5432"
    assert found["TAP_POSTGRES_SQLALCHEMY_URL"] == f"postgresql://{url}"
    assert found["TARGET_POSTGRES_SQLALCHEMY_URL"] == f"postgresql+psycopg://{url}"
    assert found["DBT_POSTGRES_HOST"] == "/a folder/of sockets"
    assert (found["DBT_POSTGRES_USER"], found["DBT_POSTGRES_PASSWORD"]) == ("me@here", "canary/password")


def test_children_see_neither_airflows_secrets_nor_other_accounts(inside):
    for name in ("environment", "hub", "warehouse"):
        found = variables(inside["cases"][name])
        assert [one for one in found if one.startswith(("AIRFLOW", "SKILLBOSS_", "CLICKSEND_"))] == []


def test_secrets_are_in_no_field_message_or_result(inside):
    for case in inside["cases"].values():
        shown = json.dumps([case["fields"], case["message"], case["returned"]])
        assert not [one for one in SECRETS if one in shown]


def test_a_program_that_is_not_there_fails_for_good(inside):
    case = inside["cases"]["missing program"]
    assert case["error"] == FINAL
    assert case["message"] == "no-such-program-here cannot be started (No such file or directory)."


def test_a_connection_without_a_key_fails_for_good_with_a_sentence(inside):
    case = inside["cases"]["no key"]
    assert case["error"] == FINAL
    assert case["message"].startswith("Connection clicksend_wrong: Setting username asks for direct access")


def test_the_state_goes_to_the_tap_and_the_targets_last_one_is_kept_also_after_an_error(inside):
    case = inside["cases"]["state"]
    assert case["error"] == RETRIED
    assert case["state"] == '{"bookmarks": "after"}\n'


def test_meltano_runs_in_a_folder_of_its_own_and_its_hidden_code_counts(inside):
    case = inside["cases"]["meltano"]
    arguments, root, content, mode = (json.loads(text) for _, text in case["lines"][:4])
    assert arguments == [
        *("--environment=sandbox", "--log-format=json", "run", "--force", "--no-install"),
        *("--state-id-suffix=backfill-1", "tap-clicksend", "target-clicksend"),
    ]
    assert (content, mode) == (["extractors"], "0o40700")
    assert root.endswith("/meltano")
    assert case["lines"][4] == [40, "target-clicksend: Setting a is wrong."]
    assert (case["error"], "exit code 2" in case["message"]) == (FINAL, True)
