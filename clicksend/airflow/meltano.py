"""`meltano run` as a task among others: with a folder of its own, and the exit codes that it hides."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from clicksend.airflow.processes import without_secrets
from clicksend.errors import ClickSendError

PLUGINS = ("extractors", "loaders", "utilities")


class Line(NamedTuple):
    """What Meltano says.

    Attributes:
        level: Of Python's logging.
        text: The message, behind the name of the plugin that it is from.
        codes: Exit codes of plugins that have failed.
    """

    level: int
    text: str
    codes: tuple[int, ...] = ()


def run_command(
    meltano: Sequence[str], environment: str, blocks: Sequence[str], state: str | None
) -> list[str]:
    """Return the command that runs blocks of a project, such as a tap and a target.

    By force: a run that was killed counts as running for minutes, and Airflow starts none twice. Nothing is
    installed, since tasks at the same time would do it over one another.
    """
    options = [f"--environment={environment}", "--log-format=json"]
    suffix = [f"--state-id-suffix={state}"] if state else []
    return [*meltano, *options, "run", "--force", "--no-install", *suffix, *blocks]


def state_id(environment: str, tap: str, target: str, suffix: str) -> str:
    """Return the name that Meltano gives to a state."""
    return f"{environment}:{tap}-to-{target}:{suffix}"


def variables(project: Path) -> dict[str, str]:
    """Return what Meltano finds in its environment, unless Airflow's says otherwise.

    So states are where they are for runs without Airflow.
    """
    return {
        "MELTANO_DATABASE_URI": f"sqlite:///{project / '.meltano' / 'meltano.db'}",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
    }


def own_folder(project: Path, folder: Path) -> dict[str, str]:
    """Make a folder for one run; return the variables that have Meltano and dbt write there.

    Two runs of a plugin in one folder overwrite each other's catalog and config (meltano#8763).
    """
    folder.mkdir(mode=0o700)
    for kind in PLUGINS:
        if (shared := project / ".meltano" / kind).is_dir():
            (folder / kind).symlink_to(shared)
    dbt = str(folder / "dbt")
    return {"MELTANO_SYS_DIR_ROOT": str(folder), "DBT_TARGET_PATH": dbt, "DBT_LOG_PATH": dbt}


def clear_states(meltano: Sequence[str], project: str, names: Iterable[str]) -> None:
    """Delete states.

    Args:
        meltano: What starts Meltano.
        project: Its folder.
        names: As ``state_id`` gives them.

    Raises:
        ClickSendError: Meltano could not.
    """
    env = variables(Path(project)) | without_secrets(os.environ)
    for name in names:
        done = subprocess.run(  # noqa: S603
            [*meltano, "state", "clear", "--force", name],
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            raise ClickSendError(f"meltano state clear {name} ended with {done.returncode}: {last}")


def read_line(line: str) -> Line:
    """Read a line of Meltano's log in its format json; what is none stays as it is."""
    try:
        entry = json.loads(line)
        text, level = str(entry["event"]), logging.getLevelNamesMapping()[str(entry["level"]).upper()]
    except (ValueError, LookupError, TypeError):
        return Line(logging.INFO, line)
    if isinstance(metric := entry.get("metric_info"), dict):
        stream = (metric.get("tags") or {}).get("stream")
        text = f"{metric.get('metric')} {metric.get('value')} ({stream})"
    plugin = entry.get("string_id")
    return Line(level, f"{plugin}: {text}" if plugin else text, tuple(_codes(entry.get("exit_codes"))))


def _codes(given: object) -> Iterator[int]:
    if isinstance(given, dict):
        yield from (code for code in given.values() if isinstance(code, int))
