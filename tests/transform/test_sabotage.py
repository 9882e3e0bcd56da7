"""Mistakes that analysts make with this data: each, made in the models, must turn something red."""

from __future__ import annotations

import shutil

import pytest

from tests.transform.account import account
from tests.transform.comparison import differences
from tests.transform.engines import PROJECT, DuckDbWarehouse

pytestmark = pytest.mark.long

SABOTAGES = {
    "receipts joined undeduplicated": (
        "models/intermediate/int_messages.sql",
        "    group by channel, message_id\n",
        "    group by channel, message_id, reported_at, status_code\n",
    ),
    "status for status_code": (
        "macros/fates.sql",
        "when status_code = '201' or (channel = 'mms' and status_code = 'Completed') then 'delivered'",
        "when status in ('Completed', 'Sent') then 'delivered'",
    ),
    "inbound counted as out": (
        "models/marts/deliverability_daily.sql",
        "where direction = 'out'\n",
        "",
    ),
    "pending in the denominator": (
        "macros/fates.sql",
        "{{ fate }} in ('delivered', 'undelivered', 'unconfirmed'){% endmacro %}",
        "{{ fate }} in ('delivered', 'undelivered', 'unconfirmed', 'pending'){% endmacro %}",
    ),
    "date for due_at": (
        "models/intermediate/int_messages.sql",
        "case when schedule > sent_at then schedule else sent_at end as due_at",
        "sent_at as due_at",
    ),
    "cancelled in the cost": (
        "macros/fates.sql",
        "case when {{ clicksend.went_out(fate) }} then coalesce({{ price }}, 0) else 0 end",
        "coalesce({{ price }}, 0)",
    ),
    "custom_string as campaign": (
        "models/intermediate/int_campaigns.sql",
        "    having count(*) >= {{ var('campaign_min_messages') }}\n",
        "",
    ),
    "wall clock for as_of": (
        "models/intermediate/as_of.sql",
        "cast('{{ var(\"as_of\") }}' as {{ clicksend.type_time() }}) as as_of",
        "current_timestamp as as_of",
    ),
    "replies counted twice": (
        "models/marts/conversations.sql",
        "full outer join received on received.message_id = inbox.message_id",
        "full outer join received on false",
    ),
}


@pytest.fixture(scope="module")
def known_account(tmp_path_factory):
    """Return an account with its files, which all tests of the module read."""
    with account(tmp_path_factory.mktemp("account")) as one:
        yield one, one.files("batches")


def _is_red(dbt, known_account, project, folder):
    one, files = known_account
    warehouse = DuckDbWarehouse(folder / "warehouse.duckdb")
    warehouse.show(files, one.streams)
    built = warehouse.build(dbt, folder, project, as_of=one.as_of)
    return bool(built.code or built.wrong) or bool(differences(warehouse, one.known()))


def test_without_a_mistake_nothing_is_red(dbt, known_account, tmp_path):
    assert not _is_red(dbt, known_account, PROJECT, tmp_path)


@pytest.mark.parametrize("mistake", SABOTAGES)
def test_a_mistake_is_noticed(dbt, known_account, tmp_path, mistake):
    file, old, new = SABOTAGES[mistake]
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    text = (project / file).read_text()
    assert text.count(old) == 1
    (project / file).write_text(text.replace(old, new))
    assert _is_red(dbt, known_account, project, tmp_path)
