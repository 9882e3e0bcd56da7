"""What the tests share of the commands that repair a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from clicksend.cli import command as main
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import CHANNELS, OTHER, TO, Box

SINKS = sorted(CHANNELS)
HUB = {"username": None, "api_key": "sandbox-key"}


def command_of(out: Box, folder: Path) -> Callable[..., str]:
    """Return a function that runs ``clicksend ledger`` with the settings of the target that ``out`` runs."""

    def command(*arguments: Any, code: int = 0, input: Any = None, **settings: Any) -> str:  # noqa: A002
        given = {"api_url": out.api_url, "ledger_url": out.ledger_url, "opt_out": "ignore", "max_retries": 0}
        path = folder / "target.json"
        config = given | CREDENTIALS | settings
        path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
        result = CliRunner().invoke(
            main, ["ledger", *map(str, arguments), "--config", str(path)], input=input
        )
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not [secret for secret in (TO, OTHER, "Hello", "sandbox-key") if secret in result.output]
        return result.output

    return command


def outcomes(out: Box) -> dict[str, int]:
    """Return how many rows of the ledger have each outcome."""
    return dict(out.query("select outcome, count(*) from outcomes group by outcome"))
