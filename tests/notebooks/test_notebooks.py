"""The notebooks say what the sandbox knows, and their charts have something in them."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
from decimal import Decimal
from functools import partial

import pytest

from tests.command import environment
from tests.e2e.checkout import ROOT
from tests.e2e.kept import environment_of
from tests.e2e.meltano_project import plugins  # noqa: F401, fixture
from tests.transform.account import account
from tests.transform.conftest import dbt, loader  # noqa: F401, fixtures
from tests.transform.engines import PostgresWarehouse

NOTEBOOKS = ROOT / "notebooks"
GALLERY = runpy.run_path(str(NOTEBOOKS / "gallery.py"))
CHARTS = {"quickstart": 2, "deliverability": 6, "cost": 3, "replies_and_optouts": 5, "send_outcomes": 3}
"""Of the fourteen; a campaign's table and the reasons are tables."""


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_committed_without_what_it_puts_out(name):
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert {(len(cell["outputs"]), cell["execution_count"]) for cell in code} == {(0, None)}
    assert code[0]["metadata"] == {"tags": ["parameters"]}


@pytest.mark.parametrize("name", CHARTS)
def test_its_page_in_the_gallery_is_of_today(name):
    page = (ROOT / "docs" / "gallery" / f"{name}.html").read_text()
    assert f'name="source" content="{GALLERY["source"](name)}"' in page, "run: make demo gallery"
    assert set(re.findall(r"https?://[^\"' )<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert page.count("data:image/svg+xml;base64,") == CHARTS[name]
    assert "Traceback" not in page
    assert "Warning" not in page


@pytest.fixture(scope="module")
def executed(dbt, loader, postgres, tmp_path_factory):  # noqa: F811
    """Return a function that runs a notebook, and what is known of its data."""
    python = environment_of(ROOT / "requirements-notebooks.txt", editable=ROOT) / "python"
    folder = tmp_path_factory.mktemp("notebooks")
    warehouse = PostgresWarehouse(postgres)
    with account(folder) as one:
        loader.load(one.extract()[0], warehouse, folder)
        assert warehouse.build(dbt, folder, as_of=one.as_of).wrong == {}
        known = one.known()
        found = {"CLICKSEND_WAREHOUSE_URL": warehouse.url, "CLICKSEND_API_URL": one.box.api_url}

        def executed(name):
            done = subprocess.run(
                [python, ROOT / "tests" / "notebooks" / "execute.py", NOTEBOOKS / f"{name}.ipynb"],
                env=environment(**found, HOME=os.environ.get("HOME", "/")),
                capture_output=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr.decode()[-2000:]
            return json.loads(done.stdout)

        yield partial(_checked, executed), known, known.messages()


def _checked(executed, name):
    """Run a notebook; see that each chart has marks, and that nothing was complained about."""
    ran = executed(name)
    assert len(ran["charts"]) == CHARTS[name]
    for chart in ran["charts"]:
        assert len(chart) > 2000
        assert re.search(r'<path aria-label="[^"]+"|<path[^>]+aria-roledescription="[^"]+"', chart)
    assert ran["streams"] == []
    assert all(sentence.endswith(".") for sentence in ran["sentences"])
    return ran["figures"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["quickstart", "deliverability"])
def test_deliveries(executed, name):
    run, _, messages = executed
    figures = run(name)
    sent = messages[(messages.direction == "out") & (messages.channel == "sms")]
    settled = sent[sent.fate.isin(["delivered", "undelivered", "unconfirmed"])]
    assert figures["delivery_rate"] == pytest.approx(float((settled.fate == "delivered").mean()), rel=1e-9)
    assert figures["median_seconds"] == sent.seconds_to_receipt.dropna().astype(float).median()
    if name == "quickstart":
        assert figures["fates"] == sent.fate.value_counts().to_dict()
        assert Decimal(figures["cost"]) == sum(sent.cost, Decimal(0))
    else:
        assert (figures["messages"], figures["settled"]) == (len(sent), len(settled))
        lost = sent[sent.fate == "undelivered"]
        assert figures["lost"] == lost.error_group.value_counts().to_dict()
        within = (settled.seconds_to_receipt.dropna().astype(float) <= 60).sum() / len(settled)
        assert figures["within_60s"] == pytest.approx(float(within), rel=1e-9)


@pytest.mark.long
def test_cost(executed):
    run, known, messages = executed
    figures = run("cost")
    out = messages[(messages.direction == "out") & messages.went_out]
    assert (figures["messages"], figures["currency"]) == (len(out), "USD")
    assert Decimal(figures["cost"]) == sum(out.cost, Decimal(0))
    assert figures["parts_wasted"] == int(out.parts_wasted.dropna().sum())
    expected = {
        name: row["cost"] for (name, channel, _), row in known.campaigns(messages).items() if channel == "sms"
    }
    assert {name: Decimal(cost) for name, cost in figures["campaigns"].items()} == expected


@pytest.mark.long
def test_replies_and_opt_outs(executed):
    run, known, messages = executed
    figures = run("replies_and_optouts")
    delivered = messages[(messages.channel == "sms") & (messages.fate == "delivered")]
    replies = known.conversations(messages)
    assert figures["delivered"] == len(delivered)
    assert figures["replies"] == (replies.channel == "sms").sum()
    assert figures["answered"] == (delivered.replies > 0).sum()
    assert figures["opt_outs"] == replies[replies.is_opt_out].sender.nunique()
    contacts = known.contacts(messages)
    assert (figures["contacts"], figures["added"], figures["reachable"]) == (
        len(contacts),
        len(contacts),
        sum(one["is_reachable"] for one in contacts),
    )
    assert figures["sends_after_opt_out_ours"] == 0


@pytest.mark.long
def test_send_outcomes(executed):
    run, known, messages = executed
    figures = run("send_outcomes")
    sends = known.sends(messages).values()
    assert (figures["rows"], figures["unaccounted"]) == (len(sends), 0)
    became = [one["what_became"] for one in sends]
    assert figures["what_became"] == {one: became.count(one) for one in set(became)}
    for name in ("estimated", "billed"):
        assert Decimal(figures[name]) == sum(
            (one[name] for one in sends if one[name] is not None), Decimal(0)
        )
