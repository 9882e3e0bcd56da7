"""The settings and the ledger of ``clicksend ledger``; what is wrong there ends a command with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from clicksend.config import Schema, load_config
from clicksend.errors import ClickSendError, SettingsError
from clicksend.ledger.ledger import Ledger
from clicksend.settings import COUNTRY
from clicksend.validation import check

PROPERTIES: dict[str, Schema] = {
    "ledger_url": {"type": "string", "default": "sqlite:///clicksend_ledger.db", "secret": True},
    "pii_key": {"type": "string", "minLength": 16, "secret": True},
    "pii_key_file": {"type": "string"},
    "clear_keys": {"type": "array", "items": {"type": "string"}, "default": []},
    "default_country": COUNTRY,
}
"""Those of the target's settings that the ledger itself needs."""

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
"""A time that an option takes, without a zone: UTC."""

F = TypeVar("F", bound=Callable[..., Any])


def options(function: F) -> F:
    """Give a command the options that say which ledger is meant."""
    for option in (
        click.option(
            "--ledger-url",
            help="The ledger, instead of the config's ledger_url; one with a password rather in"
            " TARGET_CLICKSEND_LEDGER_URL.",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="JSON file with the target's settings.",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def sentences() -> Iterator[None]:
    """Turn errors of ours into click's: exit code 2 where settings are wrong, else 1."""
    try:
        yield
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except ClickSendError as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def opened(config_file: Path | None, ledger_url: str | None) -> Iterator[tuple[Ledger, Mapping[str, Any]]]:
    """Open the ledger; yield it and the settings that it needs itself.

    Raises:
        UsageError: A setting is not valid (exit code 2).
        ClickException: The ledger cannot be used (exit code 1).
    """
    with sentences():
        config = config_of(config_file, ledger_url)
        with Ledger.existing(
            config["ledger_url"],
            pii_key=config.get("pii_key"),
            pii_key_file=config.get("pii_key_file"),
            clear=config["clear_keys"],
        ) as ledger:
            yield ledger, config


def config_of(config_file: Path | None, ledger_url: str | None) -> dict[str, Any]:
    """Return the settings that the ledger itself needs.

    Raises:
        SettingsError: One is not valid.
    """
    given = whole_config(config_file, ledger_url)
    config = {name: given[name] for name in PROPERTIES if name in given}
    check(config, PROPERTIES)
    return config


def whole_config(
    config_file: Path | None, ledger_url: str | None, properties: Mapping[str, Schema] = PROPERTIES
) -> dict[str, Any]:
    """Return all settings in the file, without one those in the environment; and the URL of the ledger.

    Raises:
        SettingsError: The file cannot be read, or does not hold settings.
    """
    # So it comes from Meltano: meltano invoke target-clicksend:ledger.
    config = load_config(config_file, {**properties, **PROPERTIES}, "TARGET_CLICKSEND_")
    return config | ({"ledger_url": ledger_url} if ledger_url else {})
