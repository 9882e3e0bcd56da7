"""Every figure of the models by three paths: dbt on PostgreSQL, dbt on DuckDB over files, and pandas."""

from __future__ import annotations

import pytest

from tests.transform.account import STREAMS, account
from tests.transform.comparison import differences
from tests.transform.engines import DuckDbWarehouse, PostgresWarehouse

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("seed", "types"), [(1, "live"), (2, "legacy")])
def test_day_after_day(dbt, loader, postgres, tmp_path, seed, types):
    """What is late moves from pending to delivered, and what was settled stays."""
    streams = (*STREAMS, "sms_campaigns") if seed == 1 else STREAMS
    warehouse, state = PostgresWarehouse(postgres), b""
    with account(tmp_path, seed=seed, types=types, streams=streams) as one:
        for day in range(3):
            messages, state = one.extract(state)
            loader.load(messages, warehouse, tmp_path)
            built = warehouse.build(dbt, tmp_path, as_of=one.as_of)
            assert (built.code, built.wrong) == (0, {}), built.output
            assert differences(warehouse, one.known()) == [], f"day {day}"
            one.send(100 * (day + 1), 15)
            one.box.advance(86_400)


@pytest.mark.parametrize(("seed", "types"), [(1, "live"), (2, "legacy")])
def test_files(dbt, tmp_path, seed, types):
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    with account(tmp_path, seed=seed, types=types) as one:
        warehouse.show(one.files("batches"), one.streams)
        built = warehouse.build(dbt, tmp_path, as_of=one.as_of)
        assert (built.code, built.wrong) == (0, {}), built.output
        assert differences(warehouse, one.known()) == []
    silent = warehouse.query(
        "select count(*) as n from clicksend_analytics.int_opt_outs where number not in"
        " (select sender from clicksend_analytics.conversations where is_opt_out)"
    )
    assert silent[0]["n"], "no number is in the Opt-Out List only"
