"""An Airflow provider: a connection, its test button, and an operator that runs tap and target.

Airflow finds it by the entry point ``apache_airflow_provider``; nothing here is imported elsewhere.
"""

from __future__ import annotations

from typing import Any

CONNECTION_TYPE = "clicksend"
CONNECTION_ID = "clicksend_default"


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow wants to know of a provider, by its provider.yaml schema."""
    return {
        "package-name": "singer-clicksend",
        "name": "ClickSend",
        "description": "SMS, MMS and voice out of and into ClickSend, by Singer tap and target.",
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "clicksend.airflow.hook.ClickSendHook",
                "hook-name": "ClickSend",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema", "extra"],
                    "relabeling": {
                        "login": "Username (empty: SkillBoss hub)",
                        "password": "API key",
                        "host": "API URL (empty: ClickSend's, or the hub's)",
                    },
                    "placeholders": {"host": "https://rest.clicksend.com/v3"},
                },
                "conn-fields": {
                    "ledger_url": _field(
                        "Ledger URL",
                        "postgresql+psycopg://user:password@host:5432/database: what was sent, and what came"
                        " of every row. Sends need it where workers have no disk that stays.",
                        format="password",
                    ),
                    "pii_key": _field(
                        "Key of the ledger's hashes",
                        "The same wherever this ledger is written; a PostgreSQL ledger needs it.",
                        format="password",
                    ),
                    "requests_per_minute": _field(
                        "Requests per minute",
                        "The account's limit, shared out among the slots of its pool. Empty: ClickSend's"
                        " rate-limit headers decide.",
                        kind="integer",
                        minimum=1,
                    ),
                },
            }
        ],
    }


def _field(label: str, description: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **more}}
