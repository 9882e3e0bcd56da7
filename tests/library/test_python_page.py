"""What docs/python.md says to type does what it says."""

from __future__ import annotations

import getpass
import itertools
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import clicksend
from clicksend import frames
from tests.tap.runner import CREDENTIALS

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_it_is_short_and_every_block_is_known():
    assert len(PAGE.splitlines()) < 150
    assert len(blocks("python")) == 4
    assert len(blocks("sql")) == 2


@pytest.fixture
def typed(sandbox, monkeypatch, tmp_path):
    """Run all Python of the page, one block after the other; return the names that are there then."""
    monkeypatch.chdir(tmp_path)
    names = {"CLICKSEND_USERNAME": "username", "CLICKSEND_API_KEY": "api_key"}
    for variable, name in names.items():
        monkeypatch.setenv(variable, CREDENTIALS[name])
    monkeypatch.setattr(clicksend, "read", partial(frames.read, api_url=sandbox.api_url), raising=False)
    start, seconds = datetime.fromtimestamp(sandbox.state()["now"], UTC), itertools.count()
    monkeypatch.setattr(frames, "_now", lambda: start + timedelta(seconds=next(seconds)))
    found = {}
    for code in blocks("python"):
        exec(compile(code, "python.md", "exec"), found)
    return found


def test_what_is_typed_reads_the_account(typed, sandbox):
    total = sandbox.state()["rows"]["sms_history"]
    prices = typed["sms"]["message_price"].dropna()
    assert 0 < len(typed["sms"]) < total
    assert sum(typed["cost"]) == sum(prices)
    assert isinstance(typed["cost"].iloc[0], Decimal)
    assert list(typed["chart"].index) == [0.5, 0.9]
    with closing(duckdb.connect("clicksend.duckdb")) as database:
        assert database.sql("select count(*) from sms_history").fetchall() == [(total,)]
    assert len(pd.read_parquet(typed["folder"])) == total


@pytest.mark.usefixtures("typed")
def test_the_views_show_what_was_written(sandbox):
    rows = sandbox.state()["rows"]
    with closing(duckdb.connect()) as database:
        for text in blocks("sql"):
            database.execute(text)
        for stream in ("sms_history", "contacts"):
            (found,) = database.sql(f"select count(*) from clicksend.{stream}").fetchall()
            assert found == (rows[stream],)


def test_the_cells_of_a_notebook(sandbox, monkeypatch):
    (cells,) = blocks("text")
    install, ask, show = cells.splitlines()
    assert install.startswith("%pip install 'singer-clicksend[arrow] @ git+")
    answers = dict(zip(("CLICKSEND_USERNAME", "CLICKSEND_API_KEY"), CREDENTIALS.values(), strict=True))
    for name in answers:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(getpass, "getpass", answers.__getitem__)
    exec(ask, {})
    monkeypatch.setattr(clicksend, "read", partial(frames.read, api_url=sandbox.api_url), raising=False)
    exec(show, found := {})
    assert len(found["clicksend"].read("account").to_pandas()) == 1


def test_what_a_price_does_in_pandas():
    prices = pd.Series([Decimal("0.1"), Decimal("0.2"), None])
    assert prices.sum() == Decimal("0.3")
    assert prices.groupby(["a", "a", "b"]).sum()["a"] == Decimal("0.3")
    assert (prices.min(), prices.max()) == (Decimal("0.1"), Decimal("0.2"))
    assert list(prices > Decimal("0.1")) == [False, True, False]
    assert all(isinstance(one, float) for one in (prices.mean(), prices.median(), prices.std()))
    assert (prices.dropna() * Decimal("1.1")).sum() == Decimal("0.33")
    assert prices.astype(float).quantile(0.5) == pytest.approx(0.15)
    for what in (
        lambda: prices * 1.1,
        lambda: prices.quantile(0.5),
        lambda: pd.cut(prices.dropna(), 5),
        prices.cumsum,
        lambda: prices.round(2),
    ):
        with pytest.raises(TypeError):
            what()
