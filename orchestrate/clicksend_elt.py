"""Every hour: what is new in each account into the warehouse, then dbt's models over it."""

from __future__ import annotations

from datetime import UTC, datetime

import clicksend_project as project
from airflow.sdk import TaskGroup, dag

from clicksend.airflow.operator import ClickSendPipelineOperator


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # the tap reads from its bookmark on, whichever hours were missed
    max_active_runs=1,
    default_args={"retries": 2},
    tags=["clicksend"],
    doc_md=__doc__,
)
def clicksend_elt() -> None:
    """Load, then build."""
    for account in project.ACCOUNTS:
        with TaskGroup(account):
            load = ClickSendPipelineOperator(
                task_id="load",
                tap=project.TAP,
                target=project.TARGET,
                state=project.state(account),
                settings={"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": project.schema(account)},
                clicksend_conn_id=account,
                pool=account,
                outlets=[project.asset(account)],
                **project.RUN,
            )
            build = ClickSendPipelineOperator(
                task_id="build",
                tap="dbt-postgres:build",
                settings=project.models(account),
                clicksend_conn_id=account,
                **project.RUN,
            )
            load >> build


clicksend_elt()
