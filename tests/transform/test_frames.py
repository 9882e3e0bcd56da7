"""A frame from the warehouse is the frame that ``clicksend.read`` gives."""

from __future__ import annotations

import json
from decimal import Decimal

import pandas as pd
import pytest

import clicksend
from clicksend.errors import SettingsError
from clicksend.warehouse import CATEGORIES, read_sql
from tests.tap.runner import CREDENTIALS
from tests.transform.account import account
from tests.transform.engines import PostgresWarehouse

STREAMS = {
    "sms_history": "message_id",
    "contacts": "list_id, contact_id",
    "sms_receipts": "receipt_id",
    "account": "user_id",
    "voice_history": "message_id",
}


@pytest.mark.long
def test_both_doors_give_equal_frames(loader, postgres, tmp_path):
    warehouse = PostgresWarehouse(postgres)
    with account(tmp_path, streams=tuple(STREAMS)) as one:
        loader.load(one.extract()[0], warehouse, tmp_path)
        rows = {name: clicksend.read(name, api_url=one.box.api_url, **CREDENTIALS) for name in STREAMS}
        api = {name: found.to_pandas() for name, found in rows.items()}
        options = {"categories": True, "money": "float"}
        history = rows["sms_history"].to_pandas(**options)
    found = read_sql("select * from clicksend.sms_history", warehouse.url, **options)[list(history)]
    pd.testing.assert_frame_equal(
        *(_sorted(frame.drop(columns="extra"), "message_id") for frame in (history, found))
    )
    assert history.dtypes.astype(str)["message_price"] == "float64"
    for name, keys in STREAMS.items():
        columns = ", ".join(f'"{column}"' for column in api[name].columns)
        query = f"select {columns} from clicksend.{name} where _sdc_deleted_at is null"
        found = read_sql(query, warehouse.url, categories=False)
        frames = [_sorted(_with_plain_objects(frame), keys) for frame in (api[name], found)]
        pd.testing.assert_frame_equal(*frames)


def _sorted(frame, keys):
    return frame.sort_values(keys.split(", ")).reset_index(drop=True)


def _with_plain_objects(frame):
    """PostgreSQL orders the fields of objects anew, and writes a missing object as JSON's null."""
    for name in ("extra", "_currency", "_subaccount", "_referrer_chosen"):
        if name in frame:
            values = [None if pd.isna(one) else json.loads(one) for one in frame[name]]
            frame = frame.assign(**{name: [one and json.dumps(one, sort_keys=True) for one in values]})
    return frame


@pytest.fixture
def table(postgres):
    warehouse = PostgresWarehouse(postgres)
    warehouse.query(
        """
        create table facts as
        select *
        from (values
            (1::int, 'delivered', 1.25::numeric,
             timestamp '2026-11-30 12:00', timestamptz '2026-11-30 12:00+02',
             date '2026-11-30', true, array['a', null], '{"a": [1]}'::jsonb, 0.5::float8),
            (null, null, null, null, null, null, null, null, null, null)
        ) as rows (n, status, price, naive, aware, day, flag, words, object, share)
        """
    )
    return warehouse.url


def test_types_come_from_columns_and_not_from_rows(table):
    for where in ("true", "n is null", "false"):
        frame = read_sql(f"select * from facts where {where}", table)
        assert frame.dtypes.astype(str).to_dict() == {
            "n": "Int64",
            "status": "category",
            "price": "object",
            "naive": "datetime64[us, UTC]",
            "aware": "datetime64[us, UTC]",
            "day": "datetime64[us]",
            "flag": "boolean",
            "words": "object",
            "object": "str",
            "share": "float64",
        }
    first = read_sql("select * from facts where n = %(n)s", table, {"n": 1}).iloc[0]
    assert (first.price, first.object, list(first.words)) == (Decimal("1.25"), '{"a":[1]}', ["a", None])
    assert first.naive == pd.Timestamp("2026-11-30 12:00", tz="UTC")
    assert first.aware == pd.Timestamp("2026-11-30 10:00", tz="UTC")


def test_money_is_exact_or_float_on_request(table):
    query = "select 0.1::numeric as cost union all select 0.2"
    assert read_sql(query, table).cost.sum() == Decimal("0.3")
    assert read_sql(query, table, money="float").cost.dtype == "float64"
    with pytest.raises(SettingsError, match="money must be exact or float, not 'cents'"):
        read_sql(query, table, money="cents")


def test_categories_are_those_words_that_repeat(table):
    query = "select " + ", ".join(f"'x' as {name}" for name in sorted(CATEGORIES)) + ", 'x' as body"
    assert set(read_sql(query, table).select_dtypes("category")) == CATEGORIES
    assert read_sql(query, table, categories=False).select_dtypes("category").empty
