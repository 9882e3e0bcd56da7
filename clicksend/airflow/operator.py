"""The operator that runs a tap and a target."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import BaseHook, BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from clicksend.airflow import CONNECTION_ID, ending, meltano, warehouse
from clicksend.airflow.hook import ClickSendHook
from clicksend.airflow.processes import Pipe, without_secrets
from clicksend.errors import SettingsError
from clicksend.private_files import opened, replace

REPORTS = ("TAP_CLICKSEND_REPORT_PATH", "TARGET_CLICKSEND_REPORT_PATH")


class ClickSendPipelineOperator(BaseOperator):
    """Runs ``tap | target``, fails as their exit codes ask for, and returns what they counted.

    The task fails, and is tried again, after an error (1) and when it was stopped (130, 143). It fails for
    good after wrong settings (2), and where sends are left of which nobody knows whether they went out (3):
    another try would end in the same way.

    Connections reach the children in their environment, and are nowhere else: not in a command, a rendered
    field, an XCom or the log.
    """

    template_fields: Sequence[str] = ("tap", "target", "state", "settings", "clicksend_conn_id")
    template_fields_renderers = {"settings": "json"}  # noqa: RUF012
    ui_color = "#e6f4ea"

    def __init__(  # noqa: PLR0913
        self,
        *,
        tap: str | Sequence[str],
        target: str | Sequence[str] | None = None,
        state: str | None = None,
        settings: Mapping[str, str] | None = None,
        clicksend_conn_id: str = CONNECTION_ID,
        warehouse_conn_id: str | None = None,
        slots: int = 1,
        project: str | None = None,
        environment: str = "prod",
        meltano_command: Sequence[str] = ("meltano",),
        **kwargs: Any,
    ) -> None:
        """Describe the run.

        Args:
            tap: A Singer tap as a command, ``tap-clicksend --config=ENV --catalog catalog.json``. With
                ``project`` the name of a plugin, or of another block such as ``dbt-postgres:build``.
            target: A Singer target in the same way.
            state: A file that the tap's state is read from and the target's written to. With ``project`` a
                suffix of the state's name; unset, the state is the one of `meltano run` without a suffix.
            settings: Environment variables of tap and target that are no secrets:
                ``{"TAP_CLICKSEND_END_DATE": "2026-11-01"}``.
            clicksend_conn_id: The account.
            warehouse_conn_id: A connection of type postgres, for tap-postgres, target-postgres and dbt.
            slots: Tasks that may run for the account at once, as many as its pool has slots.
            project: Folder of a Meltano project whose plugins are installed. Its `meltano run` is used.
            environment: Which of its environments.
            meltano_command: What starts Meltano.
            kwargs: Of every operator.
        """
        super().__init__(**kwargs)
        self.tap = tap
        self.target = target
        self.state = state
        self.settings = settings
        self.clicksend_conn_id = clicksend_conn_id
        self.warehouse_conn_id = warehouse_conn_id
        self.slots = slots
        self.project = project
        self.environment = environment
        self.meltano_command = meltano_command
        self._pipe: Pipe | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run it; return the counts of both reports, None for one that wrote none.

        Raises:
            AirflowException: It failed, or was stopped; another try may succeed.
            AirflowFailException: Another try would not.
        """
        del context
        with tempfile.TemporaryDirectory(prefix="clicksend-") as name:
            folder = Path(name)
            paths = [folder / "tap.json", folder / "target.json"]
            try:
                env = self._environment() | dict(zip(REPORTS, map(str, paths), strict=True))
            except SettingsError as error:
                self._fail_for_good(f"Connection {self.clicksend_conn_id}: {error}")
            codes = self._run_meltano(folder, env) if self.project else self._run_pipe(folder, env)
            reports = [ending.read_report(path) for path in paths]
        ended = ending.judge(codes, reports)
        counted = dict(zip(("tap", "target"), map(ending.counts, reports), strict=True))
        self.log.info("Counted: %s", counted)
        if ended.is_final:
            self._fail_for_good(ended.sentence)
        if ended.code != ending.DONE:
            raise AirflowException(ended.sentence)
        return counted

    def on_kill(self) -> None:
        """Ask tap and target to stop, and wait for them: they finish the request that is under way."""
        if self._pipe:
            self._pipe.stop()

    def _environment(self) -> dict[str, str]:
        env = without_secrets(os.environ)
        if self.warehouse_conn_id:
            env |= warehouse.variables(BaseHook.get_connection(self.warehouse_conn_id))
        env |= ClickSendHook(self.clicksend_conn_id).variables(self.slots)
        return env | {name: str(value) for name, value in (self.settings or {}).items()}

    def _run_meltano(self, folder: Path, env: dict[str, str]) -> list[int]:
        project = Path(str(self.project))
        env = meltano.variables(project) | env | meltano.own_folder(project, folder / "meltano")
        blocks = [str(block) for block in (self.tap, self.target) if block]
        command = meltano.run_command(self.meltano_command, self.environment, blocks, self.state)
        failed: list[int] = []
        with self._started([command], env, project) as pipe:
            for line in map(meltano.read_line, pipe.lines()):
                self.log.log(line.level, "%s", line.text)
                failed += line.codes
            return [*pipe.codes(), *failed]

    def _run_pipe(self, folder: Path, env: dict[str, str]) -> list[int]:
        state = Path(self.state) if self.state else None
        tap, target = (_words(command) for command in (self.tap, self.target or ()))
        if state and state.exists():
            tap += ["--state", str(state)]
        commands = [tap, *([target] if target else [])]
        output = folder / "states.jsonl"
        with (
            opened(output, "wb") as states,
            self._started(commands, env, None, states if target else None) as pipe,
        ):
            for line in pipe.lines():
                self.log.info("%s", line)
            codes = pipe.codes()
        if state and (last := output.read_bytes().rstrip().rpartition(b"\n")[2]):
            replace(state, last + b"\n")
        return codes

    def _started(
        self, commands: list[list[str]], env: dict[str, str], folder: Path | None, output: Any = None
    ) -> Pipe:
        try:
            self._pipe = Pipe(commands, env=env, folder=folder, output=output)
        except OSError as error:
            self._fail_for_good(f"{error.filename} cannot be started ({error.strerror}).")
        return self._pipe

    def _fail_for_good(self, sentence: str) -> NoReturn:
        raise AirflowFailException(sentence)


def _words(command: str | Sequence[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else list(command)
