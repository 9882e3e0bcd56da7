"""The DAGs in a real scheduler: windows side by side, a task that is killed, sends that a person approves."""

from __future__ import annotations

import os
import re
import signal
from itertools import combinations
from pathlib import Path

import psutil
import pytest

from clicksend.sandbox import API_KEY, USERNAME
from tests.e2e.meltano_project import link_plugins, plugins, query  # noqa: F401, fixtures
from tests.orchestrate.deployment import BODY, PII_KEY, Deployment, deployed

pytestmark = pytest.mark.long
LIVE = "prod:tap-clicksend-to-target-postgres"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, airflow_python, link_plugins):  # noqa: F811
    with deployed(tmp_path_factory.mktemp("deployment"), airflow_python, link_plugins) as one:
        yield one


@pytest.fixture(scope="module")
def sent(deployment):
    """Send ten messages: the first run is over its cap, the second is approved."""
    texts = deployment.add(1, 10)
    over = deployment.trigger("clicksend_send", max_messages=5)
    assert deployment.wait(over) == "failed"
    assert deployment.arrived() == []
    run = deployment.trigger("clicksend_send", max_messages=50)
    deployment.until(lambda: True if deployment.task(run, "approve")["state"] == "awaiting_input" else None)
    assert deployment.arrived() == []
    deployment.answer(run, "Approve")
    assert deployment.wait(run) == "success", deployment.story(run)
    assert deployment.arrived() == texts
    return over, run


@pytest.fixture(scope="module")
def live(deployment: Deployment, sent):
    """Let the hourly run read what is new, and dbt build its models; return Meltano's states after it.

    Something was sent before it: the tap reads a ledger that is there.
    """
    run = deployment.run("clicksend_elt")
    deployment.airflow.call("PATCH", "dags/clicksend_elt", {"is_paused": True})
    assert {one["state"] for one in deployment.tasks(run)} == {"success"}
    deployment.until(lambda: True if not running(deployment, "clicksend_elt") else None)
    return deployment.meltano_states()


def running(deployment, dag):
    runs = deployment.airflow.call("GET", f"dags/{dag}/dagRuns")["dag_runs"]
    return [run for run in runs if run["state"] in ("queued", "running")]


@pytest.fixture(scope="module")
def backfilled(deployment, live):
    """Return the run that has loaded what is older."""
    assert 0 < deployment.count() < deployment.box.state()["rows"]["sms_history"]
    return deployment.run("clicksend_backfill", **deployment.history())


def test_the_hourly_run_loads_and_builds(deployment, live):
    assert LIVE in live
    built = query(deployment.warehouse, "select count(*) from clicksend_analytics.messages_enhanced")
    assert built[0][0] >= deployment.count() > 0


def test_windows_are_loaded_side_by_side_each_at_its_first_try(deployment, backfilled):
    loads = deployment.tasks(backfilled, "load")
    assert [(one["state"], one["try_number"]) for one in loads] == [("success", 1)] * 4
    names = sorted(one["rendered_map_index"] for one in loads)
    assert len(set(names)) == 4
    assert all(name.startswith("backfill-20") for name in names)
    spans = [(one["start_date"], one["end_date"]) for one in loads]
    assert any(a[0] < b[1] and b[0] < a[1] for a, b in combinations(spans, 2))


def test_the_warehouse_then_has_what_clicksend_has(deployment, backfilled):
    assert deployment.count() == deployment.box.state()["rows"]["sms_history"]
    assert "in ClickSend" in deployment.log(backfilled, "verify")


def test_its_states_are_gone_and_the_live_one_is_untouched(deployment, live, backfilled):
    assert deployment.meltano_states() == live


def test_verified_messages_are_an_event_that_others_can_wait_for(deployment, backfilled):
    events = deployment.airflow.call("GET", "assets/events")["asset_events"]
    run = backfilled.rpartition("/")[2]
    (event,) = [one for one in events if one["source_run_id"] == run]
    assert event["source_task_id"] == "clicksend_default.verify"
    assert event["extra"]["messages"] >= deployment.box.state()["rows"]["sms_history"]


def test_a_task_that_is_killed_is_tried_again_and_nothing_is_missing(deployment, live, backfilled):
    old = "delete from clicksend.sms_history where date < now() - interval '12 days' returning 1"
    assert query(deployment.warehouse, old)
    run = deployment.trigger("clicksend_backfill", **deployment.history())
    window = deployment.until(lambda: meltano_of(deployment))
    task = window.parent()
    children = [window, *window.children(recursive=True)]
    os.kill(task.pid, signal.SIGKILL)
    assert deployment.wait(run) == "success", deployment.story(run)
    assert sorted(one["try_number"] for one in deployment.tasks(run, "load")) == [1, 1, 1, 2]
    assert not any(map(is_at_work, children))
    assert deployment.count() == deployment.box.state()["rows"]["sms_history"]
    assert deployment.meltano_states() == live


def test_a_task_that_a_person_ends_stops_what_it_started(deployment, live, backfilled):
    run = deployment.trigger("clicksend_backfill", **deployment.history())
    window = deployment.until(lambda: meltano_of(deployment))
    children = [window, *window.children(recursive=True)]
    suffix = next(word for word in window.cmdline() if "suffix=" in word).partition("=")[2]
    (task,) = [one for one in deployment.tasks(run, "load") if one["rendered_map_index"] == suffix]
    path = f"{run}/taskInstances/{task['task_id']}/{task['map_index']}"
    deployment.airflow.call("PATCH", path, {"new_state": "failed"})
    deployment.until(lambda: True if not any(map(is_at_work, children)) else None)
    assert deployment.wait(run) == "failed"
    assert deployment.task(run, "verify")["state"] == "upstream_failed"


def is_at_work(process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def meltano_of(deployment):
    """Return the Meltano of a window, once its tap runs."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        is_ours = process.info["cwd"] == str(deployment.project)
        is_window = any("suffix=backfill-" in word for word in process.info["cmdline"] or ())
        if is_ours and is_window and process.children():
            return process
    return None


def test_a_run_over_its_cap_sends_nothing_and_is_not_tried_again(deployment, sent):
    cap = deployment.task(sent[0], "cap")
    assert (cap["state"], cap["try_number"]) == ("failed", 1)
    assert "10 messages would be sent, more than max_messages (5)" in deployment.log(sent[0], "cap")


def test_who_approves_is_told_how_many_messages_at_what_cost(deployment, sent):
    (asked,) = deployment.airflow.call("GET", f"{sent[1]}/hitlDetails")["hitl_details"]
    assert asked["subject"] == "Send 10 messages by clicksend_default?"
    assert asked["body"].startswith("10 messages of tap-postgres-messages for ")
    assert "USD" in asked["body"]
    assert asked["responded_by_user"]["name"] == "admin"


def test_counts_are_the_result_of_the_task(deployment, sent):
    result = deployment.airflow.call("GET", f"{sent[1]}/taskInstances/send/xcomEntries/return_value")["value"]
    assert result["target"]["rows"] == {"sms_messages": {"sent": 10}}


def test_nothing_to_send_asks_nobody(deployment, sent):
    run = deployment.run("clicksend_send", max_messages=50)
    assert {one["task_id"]: one["state"] for one in deployment.tasks(run)} == {
        "dry_run": "success",
        "cap": "success",
        "approve": "skipped",
        "send": "skipped",
    }


def test_who_rejects_stops_it(deployment, sent):
    before = deployment.arrived()
    deployment.add(11, 12)
    run = deployment.trigger("clicksend_send", max_messages=50)
    deployment.answer(run, "Reject")
    assert deployment.wait(run) == "success"
    assert deployment.task(run, "send")["state"] == "skipped"
    assert deployment.arrived() == before


def test_more_rows_than_were_approved_are_not_sent(deployment, sent):
    before = deployment.arrived()
    run = deployment.trigger("clicksend_send", max_messages=50)
    deployment.until(lambda: True if deployment.task(run, "approve")["state"] == "awaiting_input" else None)
    deployment.add(13, 13)
    deployment.answer(run, "Approve")
    assert deployment.wait(run) == "failed"
    assert "3 held" in deployment.log(run, "send")
    assert deployment.arrived() == before


def test_what_was_certainly_not_sent_is_tried_again(deployment, sent):
    before = deployment.arrived()
    texts = [f"{BODY} {number:03}" for number in (11, 12, 13)]
    fault = {"kind": "status", "status": 402, "method": "POST", "path": "/sms/send", "times": 1}
    deployment.box.control("POST", "faults", fault)
    run = deployment.trigger("clicksend_send", max_messages=50)
    deployment.answer(run, "Approve")
    assert deployment.wait(run) == "success", deployment.story(run)
    assert deployment.task(run, "send")["try_number"] == 2
    assert "3 failed" in deployment.log(run, "send")
    assert deployment.arrived() == sorted(before + texts)


def test_a_lost_answer_is_left_to_a_person_and_sent_once(deployment, sent):
    before = deployment.arrived()
    texts = deployment.add(14, 16)
    deployment.box.control("POST", "switches", {"history_lag": 10_000_000})
    deployment.box.control("POST", "faults", {"kind": "reset_after", "method": "POST", "path": "/sms/send"})
    run = deployment.trigger("clicksend_send", max_messages=50)
    deployment.answer(run, "Approve")
    assert deployment.wait(run) == "failed"
    send = deployment.task(run, "send")
    assert (send["state"], send["try_number"]) == ("failed", 1)
    log = deployment.log(run, "send")
    assert "AirflowFailException: 3 messages are unknown (exit code 3)" in log
    assert "Next: clicksend ledger reconcile" in log
    assert deployment.arrived() == sorted(before + texts)
    deployment.clear(run, "send")
    deployment.until(lambda: True if deployment.task(run, "send")["try_number"] == 2 else None)
    assert deployment.wait(run) == "failed"
    assert deployment.arrived() == sorted(before + texts)
    deployment.box.control("POST", "switches", {"history_lag": 0})
    deployment.clear(run, "send")
    deployment.until(lambda: True if deployment.task(run, "send")["try_number"] == 3 else None)
    assert deployment.wait(run) == "success", deployment.story(run)
    assert deployment.arrived() == sorted(before + texts)


def test_the_test_button_says_what_the_account_is(deployment):
    fields = {
        "conn_type": "clicksend",
        "login": USERNAME,
        "password": API_KEY,
        "host": deployment.box.api_url,
    }
    found = deployment.airflow.call("POST", "connections/test", {"connection_id": "new", **fields})
    assert found["status"] is True
    assert re.search(r"access: direct .* account: active, balance [\d.]+ USD", found["message"])


def test_no_secret_number_or_text_is_in_logs_or_in_airflows_database(deployment, live, backfilled, sent):
    secrets = [API_KEY, PII_KEY, BODY, "1312555"]
    files = [path for path in Path(deployment.home).rglob("*") if path.is_file() and path.suffix == ".log"]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert not [one for one in secrets if one.encode() in content], path
    database = deployment.warehouse.replace("@/warehouse?", "@/airflow?")
    for table in ("xcom", "rendered_task_instance_fields", "hitl_detail", "serialized_dag", "log"):
        rows = str(query(database, f"select * from {table}"))
        assert len(rows) > 2, table
        assert not [one for one in secrets if one in rows], table
