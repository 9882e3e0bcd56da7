"""The DAG files load in a scheduler without network and database, and are what docs/airflow.md says."""

from __future__ import annotations

import runpy
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.e2e.checkout import ROOT
from tests.orchestrate.conftest import ACCOUNTS

SECONDS = 30
"""That a scheduler gives a file by default."""


def test_they_load_without_network_and_database(inside):
    assert inside["errors"] == {}
    assert set(inside["dags"]) == {"clicksend_elt", "clicksend_backfill", "clicksend_send"}
    assert inside["seconds"] < SECONDS


def tasks(inside, dag):
    return inside["dags"][dag]["tasks"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_each_account_is_read_through_its_own_pool(inside, account):
    elt, backfill = tasks(inside, "clicksend_elt"), tasks(inside, "clicksend_backfill")
    reading = [elt[f"{account}.load"], backfill[f"{account}.load"], backfill[f"{account}.verify"]]
    assert {task["pool"] for task in reading} == {account}
    assert elt[f"{account}.build"]["after"] == [f"{account}.load"]
    assert backfill[f"{account}.load"]["after"] == [f"{account}.windows"]
    assert backfill[f"{account}.verify"]["after"] == [f"{account}.load"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_others_can_be_scheduled_on_what_is_loaded(inside, account):
    uri = f"clicksend://{account}/messages"
    assert tasks(inside, "clicksend_elt")[f"{account}.load"]["outlets"] == [uri]
    backfill = tasks(inside, "clicksend_backfill")
    assert {
        name: task["outlets"] for name, task in backfill.items() if account in name and task["outlets"]
    } == {f"{account}.verify": [uri]}


def test_nothing_is_sent_before_a_person_has_agreed(inside):
    send = tasks(inside, "clicksend_send")
    assert {name: task["after"] for name, task in send.items()} == {
        "dry_run": [],
        "cap": ["dry_run"],
        "approve": ["cap"],
        "send": ["approve"],
    }


def test_one_run_of_each_at_a_time_and_errors_are_tried_again(inside):
    assert {dag["max_active_runs"] for dag in inside["dags"].values()} == {1}
    for dag in inside["dags"].values():
        assert {task["retries"] for task in dag["tasks"].values()} == {2}
    assert [name for name, dag in inside["dags"].items() if dag["schedule"] != "None"] == ["clicksend_elt"]


@pytest.fixture
def project(monkeypatch):
    """Return what the DAGs share, with an Airflow that has nothing but assets."""
    monkeypatch.setitem(sys.modules, "airflow", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "airflow.sdk", SimpleNamespace(Asset=dict))
    return SimpleNamespace(**runpy.run_path(str(ROOT / "orchestrate" / "clicksend_project.py")))


def test_windows_cover_the_time_without_gap_and_depend_on_nothing_else(project):
    asked = {"start": "2026-08-01", "end": "2026-08-31", "days": 7}
    spans = project.spans(asked)
    assert spans == project.spans(dict(asked))
    assert spans[0][0] == datetime(2026, 8, 1, tzinfo=UTC)
    assert spans[-1][1] == datetime(2026, 8, 31, tzinfo=UTC)
    assert [one for _, one in spans[:-1]] == [one for one, _ in spans[1:]]
    assert [(until - since).days for since, until in spans] == [7, 7, 7, 7, 2]


@pytest.mark.parametrize(("start", "end"), [("2026-08-01", "2026-08-01"), ("2026-08-02", "2026-08-01")])
def test_a_time_that_ends_before_it_begins_is_refused(project, start, end):
    with pytest.raises(ValueError, match=r"end \(2026-08-01\) must be later than start"):
        project.spans({"start": start, "end": end, "days": 7})


def test_accounts_and_windows_have_states_of_their_own_and_the_live_one_is_none_of_them(project):
    span = project.spans({"start": "2026-08-01", "end": "2026-08-08", "days": 7})[0]
    assert project.state("clicksend_default") is None
    assert project.state("clicksend_nz") == "clicksend_nz"
    assert project.backfill_state("clicksend_default", span) == "backfill-2026-08-01-2026-08-08"
    assert project.backfill_state("clicksend_nz", span) == "clicksend_nz-backfill-2026-08-01-2026-08-08"
    assert project.backfill_state_id("clicksend_default", span) == (
        "prod:tap-clicksend-to-target-postgres:backfill-2026-08-01-2026-08-08"
    )
    assert project.schema("clicksend_default") == "clicksend"
    assert project.schema("clicksend_nz") == "clicksend_nz"
