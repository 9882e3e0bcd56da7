"""The connection to a ClickSend account as Airflow keeps it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from clicksend.airflow import CONNECTION_ID, CONNECTION_TYPE
from clicksend.airflow.processes import without_secrets
from clicksend.errors import SettingsError
from clicksend.settings import Settings

DOCTOR = [sys.executable, "-c", "from clicksend.cli import main; main()", "doctor"]
PATIENCE = 120.0
"""Seconds that doctor may take."""
LEDGER = ("ledger_url", "pii_key")
WRONG = ("✗", "x")
"""How doctor's lines begin that say what is wrong."""


class ClickSendHook(BaseHook):
    """An account: ``login`` its username (empty for the hub), ``password`` its key, ``host`` the API's URL.

    Extra: ``ledger_url``, ``pii_key``, ``requests_per_minute``.
    """

    conn_name_attr = "clicksend_conn_id"
    default_conn_name = CONNECTION_ID
    conn_type = CONNECTION_TYPE
    hook_name = "ClickSend"

    def __init__(self, clicksend_conn_id: str = CONNECTION_ID) -> None:
        """Remember which connection it is; nothing is asked yet."""
        super().__init__()
        self.clicksend_conn_id = clicksend_conn_id

    def get_conn(self) -> Settings:
        """Return the checked connection, which ``clicksend.client.Client`` takes.

        Raises:
            SettingsError: Something is missing or wrong; the sentence says what.
        """
        return Settings.from_config(self._config(), env={})

    def variables(self, slots: int = 1) -> dict[str, str]:
        """Return the settings as environment variables of tap and target; they hold the key.

        Args:
            slots: Tasks that may run for the account at once; each gets its share of ``requests_per_minute``.

        Raises:
            SettingsError: Something is missing or wrong.
        """
        settings = self.get_conn()
        given = {"api_key": settings.api_key, "api_url": settings.api_url}
        if settings.username:
            given["username"] = settings.username
        if settings.requests_per_minute:
            given["requests_per_minute"] = str(max(settings.requests_per_minute // slots, 1))
        for name in LEDGER:
            if secret := self._extra().get(name):
                mask_secret(secret)
                given[name] = str(secret)
        target = {f"TARGET_CLICKSEND_{name.upper()}": value for name, value in given.items()}
        # The tap's pii_key is another one, of what it hashes itself
        tap = {f"TAP_CLICKSEND_{name.upper()}": given[name] for name in given.keys() - {"pii_key"}}
        return tap | target

    def test_connection(self) -> tuple[bool, str]:
        """Ask ``clicksend doctor``, for the button Test; return whether all is well, and what it found."""
        try:
            self.get_conn()
        except SettingsError as error:
            return False, str(error)
        config = self._config()
        keys = {"CLICKSEND_API_KEY" if "username" in config else "SKILLBOSS_API_KEY": config.pop("api_key")}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run(  # noqa: S603
                [*DOCTOR, "--config", file.name],
                env={**without_secrets(os.environ), **keys, "PYTHONIOENCODING": "utf-8"},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        lines = done.stdout.splitlines()
        wrong = [line.lstrip("✗x ") for line in lines if line.startswith(WRONG)]
        if done.returncode == 0:
            return True, " ".join(line[2:] for line in lines if line[2:].startswith(("access:", "account:")))
        unsaid = f"clicksend doctor ended with {done.returncode}: {done.stderr[-300:]}"
        return False, " ".join(wrong) or unsaid

    def _config(self) -> dict[str, Any]:
        connection = self.get_connection(self.clicksend_conn_id)
        given = {
            "api_key": connection.password,
            "username": connection.login,
            "api_url": connection.host,
            "requests_per_minute": self._extra().get("requests_per_minute"),
        }
        return {name: value for name, value in given.items() if value}

    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = self.get_connection(self.clicksend_conn_id).extra_dejson
        return extra
