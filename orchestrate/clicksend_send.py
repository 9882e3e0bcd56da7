"""Rows of a table into messages: counted, capped, approved by a person, then sent.

Nothing goes out but what was approved: have more rows come in the meantime, none is sent, and the next run
counts anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import clicksend_project as project
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException

from clicksend.airflow.operator import ClickSendPipelineOperator

MESSAGES = "{{ ti.xcom_pull(task_ids='cap', key='messages') }}"
COST = "{{ ti.xcom_pull(task_ids='cap', key='cost') }}"


@task.short_circuit
def cap(counted: dict[str, Any], params: dict[str, Any] | None = None, ti: Any = None) -> bool:
    """Return whether there is something to send.

    Raises:
        AirflowFailException: It is more than ``max_messages``, or the dry run did not say how much it is.
    """
    target, most = counted["target"], (params or {})["max_messages"]
    if target is None:
        raise AirflowFailException("The dry run wrote no report: declare report_path for target-clicksend.")
    messages = sum(outcomes.get("dry_run", 0) for outcomes in target["rows"].values())
    if messages > most:
        raise AirflowFailException(
            f"{messages:,} messages would be sent, more than max_messages ({most:,}): nothing was sent."
        )
    spend = target.get("spend") or {}
    amount = spend.get("amount") or " + ".join((target.get("prices") or {}).values()) or "an unknown amount"
    ti.xcom_push("messages", messages)
    ti.xcom_push("cost", f"{amount} {spend.get('currency') or target.get('currency') or ''}".strip())
    return messages > 0


@dag(
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2},
    params={
        "account": Param(project.ACCOUNTS[0], type="string", enum=project.ACCOUNTS),
        "tap": Param("tap-postgres-messages", type="string", description="Extractor of the rows"),
        "max_messages": Param(500, type="integer", minimum=1),
    },
    tags=["clicksend"],
    doc_md=__doc__,
)
def clicksend_send() -> None:
    """Count, ask, send."""
    pipeline = {
        "tap": "{{ params.tap }}",
        "target": "target-clicksend",
        "state": f"{{{{ '' if params.account == '{project.DEFAULT}' else params.account }}}}",
        "clicksend_conn_id": "{{ params.account }}",
        **project.RUN,
    }
    dry_run = ClickSendPipelineOperator(
        task_id="dry_run", settings={"TARGET_CLICKSEND_DRY_RUN": "true"}, **pipeline
    )
    approve = ApprovalOperator(
        task_id="approve",
        subject=f"Send {MESSAGES} messages by {{{{ params.account }}}}?",
        body=f"{MESSAGES} messages of {{{{ params.tap }}}} for {COST}. "
        "The log of `dry_run` says which rows are not sent, and why.",
        defaults=ApprovalOperator.REJECT,  # after so long without an answer
        response_timeout=timedelta(days=1),
    )
    send = ClickSendPipelineOperator(
        task_id="send", settings={"TARGET_CLICKSEND_MAX_MESSAGES_PER_RUN": MESSAGES}, **pipeline
    )
    cap(dry_run.output) >> approve >> send


clicksend_send()
