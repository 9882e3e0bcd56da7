"""Warehouses that lack something, and what must not depend on the day of the build."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.transform.account import NEVER_MIND, STREAMS, account
from tests.transform.dbt import installed
from tests.transform.engines import DuckDbWarehouse, PostgresWarehouse

pytestmark = pytest.mark.long
TABLES = (
    *("messages_enhanced", "conversations", "deliverability_daily", "deliverability_rates", "opt_outs"),
    *("time_to_deliver", "campaign_cost", "wasted_characters", "sends_after_opt_out", "contact_health"),
    *("list_health", "send_outcomes"),
)


@pytest.fixture
def duck(tmp_path):
    return DuckDbWarehouse(tmp_path / "warehouse.duckdb")


@pytest.mark.parametrize("engine", ["postgres", "duckdb"])
def test_nothing_is_there(request, dbt, duck, tmp_path, engine):
    """Not even the loader's schema."""
    warehouse = duck
    if engine == "postgres":
        warehouse = PostgresWarehouse(request.getfixturevalue("postgres"))
    built = warehouse.build(dbt, tmp_path)
    assert (built.code, built.wrong) == (0, {}), built.output
    assert {table: warehouse.rows(table) for table in TABLES} == {table: [] for table in TABLES}


@pytest.mark.parametrize("pii", ["hash", "drop"])
def test_personal_data_and_optional_tables_are_missing(dbt, duck, tmp_path, pii):
    """No ledger, no voice; texts say nothing, and numbers still join where they are hashed."""
    streams = tuple(name for name in STREAMS if name not in ("outcomes", *NEVER_MIND))
    key = {"pii_key": "a key that nobody guesses"} if pii == "hash" else {}
    with account(tmp_path, streams=streams, pii=pii, **key) as one:
        duck.show(one.files("batches"), streams)
        built = duck.build(dbt, tmp_path, as_of=one.as_of)
        assert (built.code, built.wrong) == (0, {}), built.output
        known = one.known()
    known.has_texts, known.has_numbers = False, pii == "hash"
    messages = known.messages()
    found = {row["message_id"]: row for row in duck.rows("messages_enhanced")}
    for name in ("fate", "cost", "replies" if pii == "hash" else "receipts", "campaign", "parts_wasted"):
        expected = dict(zip(messages.message_id, messages[name], strict=True))
        assert {key: row[name] for key, row in found.items() if row[name] is not None} == {
            key: value
            for key, value in expected.items()
            if value == value and value is not None  # noqa: PLR0124
        }, name
    assert {row["parts_wasted"] for row in found.values()} == {None}
    assert not any(row["is_opt_out"] for row in duck.rows("conversations"))
    contacts = duck.rows("contact_health")
    assert {row["has_number"] for row in contacts} == {pii == "hash"}
    assert any(row["times_sent"] for row in contacts) is (pii == "hash")
    assert any(row["is_reachable"] for row in contacts) is (pii == "hash")
    assert duck.rows("send_outcomes") == []


def test_the_next_version_of_dbt_builds_the_same(dbt, tmp_path):
    """What is deprecated there is said here."""
    rows = {}
    with account(tmp_path) as one:
        files = one.files("batches")
        for name, command in {"today": dbt, "next": installed("dbt-next")}.items():
            folder = tmp_path / name
            folder.mkdir()
            warehouse = DuckDbWarehouse(folder / "warehouse.duckdb")
            warehouse.show(files, one.streams)
            built = warehouse.build(command, folder, as_of=one.as_of)
            assert (built.code, built.wrong) == (0, {}), built.output
            assert "eprecat" not in built.output
            rows[name] = {table: sorted(map(repr, warehouse.rows(table))) for table in TABLES}
    assert rows["today"] == rows["next"]


def test_another_currency_and_another_zone(dbt, duck, tmp_path):
    """A message belongs to the day of its due time where the analyst is."""
    with account(tmp_path) as one:
        duck.show(one.files("batches"), one.streams)
        duck.query("alter view clicksend.account rename to account_in_dollars")
        duck.query(
            "create view clicksend.account as"
            " select * replace (replace(_currency, 'USD', 'AUD') as _currency)"
            " from clicksend.account_in_dollars"
        )
        built = duck.build(dbt, tmp_path, as_of=one.as_of, time_zone="Pacific/Auckland")
        assert (built.code, built.wrong) == (0, {}), built.output
        messages = one.known().messages()
    assert {row["currency"] for row in duck.rows("messages_enhanced")} == {"AUD"}
    sent = messages[messages.direction == "out"]
    expected = sent.due_at.dt.tz_convert("Pacific/Auckland").dt.date.value_counts().to_dict()
    found: dict[object, int] = {}
    for row in duck.rows("deliverability_daily"):
        found[row["day"]] = found.get(row["day"], 0) + row["messages"]
    assert found == expected


def test_as_of_is_when_the_newest_row_was_read_and_builds_repeat(dbt, loader, postgres, tmp_path):
    """The clock of ClickSend may be ahead of ours, as the sandbox's is once it was turned."""
    warehouse = PostgresWarehouse(postgres)
    with account(tmp_path) as one:
        loader.load(one.extract()[0], warehouse, tmp_path)
        newest = one.known().messages().sent_at.max()
    query = "select max(_sdc_extracted_at) as at from clicksend.{}"
    tables = ("sms_history", "mms_history", "voice_history")
    read = max(warehouse.query(query.format(table))[0]["at"] for table in tables).replace(tzinfo=UTC)
    rows = []
    for _ in range(2):
        built = warehouse.build(dbt, tmp_path)
        assert (built.code, built.wrong) == (0, {}), built.output
        assert warehouse.rows("as_of") == [{"as_of": max(read, newest)}]
        rows.append({table: sorted(map(repr, warehouse.rows(table))) for table in TABLES})
    assert rows[0] == rows[1]
    warehouse.query("update clicksend.sms_history set date = '2999-01-01' where direction = 'in'")
    warehouse.build(dbt, tmp_path, models="as_of")
    assert warehouse.rows("as_of") == [{"as_of": datetime(2999, 1, 1, tzinfo=UTC)}]
