"""Old messages into the warehouse, in windows that are loaded side by side and can each be tried again.

The hourly run goes on meanwhile: each window has a state of its own. These are deleted once the warehouse has
as many messages of the time as ClickSend.
"""

from __future__ import annotations

import json
from typing import Any

import clicksend_project as project
from airflow.sdk import Param, TaskGroup, dag, task

from clicksend.airflow.operator import ClickSendPipelineOperator
from clicksend.airflow.warehouse import HISTORIES

Window = dict[str, Any]


@task
def windows(account: str, params: dict[str, Any] | None = None) -> list[Window]:
    """Return what each window's pipeline is given; nothing for an account that was not asked for."""
    asked: dict[str, Any] = params or {}
    if account not in asked["accounts"]:
        return []
    return [
        {
            "state": project.backfill_state(account, (since, until)),
            "settings": {
                "TAP_CLICKSEND_START_DATE": f"{since:%Y-%m-%d}",
                "TAP_CLICKSEND_END_DATE": f"{until:%Y-%m-%d}",
                # The others have no time to cut them by: each window would read them whole
                "TAP_CLICKSEND__SELECT": json.dumps([f"{stream}.*" for stream in HISTORIES]),
                "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": project.schema(account),
            },
        }
        for since, until in project.spans(asked)
    ]


def verify(account: str, params: dict[str, Any] | None = None, outlet_events: Any = None) -> list[str]:
    """Compare the warehouse with ClickSend; delete the windows' states if nothing is missing.

    Raises:
        AirflowException: Messages are missing; the states stay.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowException  # noqa: PLC0415

    from clicksend.airflow.hook import ClickSendHook  # noqa: PLC0415
    from clicksend.airflow.meltano import clear_states  # noqa: PLC0415
    from clicksend.airflow.warehouse import compare  # noqa: PLC0415
    from clicksend.client import Client  # noqa: PLC0415

    spans = project.spans(params or {})
    client, database = Client(ClickSendHook(account).get_conn()), PostgresHook(project.WAREHOUSE).get_conn()
    try:
        counts = list(compare(client, database, project.schema(account), spans))
    finally:
        client.close()
        database.close()
    said = list(map(str, counts))
    print(*said, sep="\n")  # noqa: T201  it is the task's log
    if missing := [str(count) for count in counts if count.warehouse < count.api]:
        raise AirflowException(f"Messages are missing, so the states stay. {'; '.join(missing)}")
    outlet_events[project.asset(account)].extra = {"messages": sum(count.api for count in counts)}
    names = [project.backfill_state_id(account, span) for span in spans]
    clear_states(project.MELTANO, project.PROJECT, names)
    return said


@dag(
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2},
    params={
        "start": Param(type="string", format="date", description="First day"),
        "end": Param(type="string", format="date", description="Day after the last one"),
        "days": Param(7, type="integer", minimum=1, description="Days of a window"),
        "accounts": Param(project.ACCOUNTS, type="array", items={"type": "string", "enum": project.ACCOUNTS}),
    },
    tags=["clicksend"],
    doc_md=__doc__,
)
def clicksend_backfill() -> None:
    """Load the windows of each account, then compare."""
    for account in project.ACCOUNTS:
        with TaskGroup(account):
            load = ClickSendPipelineOperator.partial(
                task_id="load",
                tap=project.TAP,
                target=project.TARGET,
                clicksend_conn_id=account,
                pool=account,
                map_index_template="{{ task.state }}",
                **project.RUN,
            ).expand_kwargs(windows(account))
            load >> task(verify, outlets=[project.asset(account)], pool=account)(account)


clicksend_backfill()
