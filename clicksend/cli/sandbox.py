"""The command ``clicksend sandbox``."""

from __future__ import annotations

import asyncio
import errno
import signal
import time
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from clicksend.sandbox import switches
from clicksend.sandbox.api.access import API_KEY
from clicksend.sandbox.server.state import State, StateFile
from clicksend.sandbox.simulation import Simulation, Types
from clicksend.sandbox.switches import DIALECTS, Switches
from clicksend.sandbox.world.rows import USERNAME

_WORLD = ("seed", "messages", "contacts", "types", "epoch")


def _loopback(_: click.Context, __: click.Parameter, host: str) -> str:
    """Refuse to serve the network: there is one published key, and the control endpoints have none."""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise click.BadParameter("the sandbox serves this machine only: 127.0.0.1, ::1 or localhost")
    return host


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> int:
    """Read an ISO time; one without an offset is UTC."""
    if text is None:
        return int(time.time())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("give an ISO 8601 time, such as 2026-11-01T09:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _dialect(_: click.Context, __: click.Parameter, name: str) -> Switches:
    """Read the name of a dialect, or its file."""
    try:
        return switches.dialect(name)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, callback=_loopback, help="Loopback address.")
@click.option(
    "--port", default=8025, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--seed", default=1, show_default=True, help="Which world.")
@click.option(
    "--messages", default=10_000, show_default=True, type=click.IntRange(0), help="Rows of SMS history."
)
@click.option(
    "--contacts", default=2_000, show_default=True, type=click.IntRange(0), help="Contacts in all lists."
)
@click.option(
    "--types",
    default="live",
    show_default=True,
    type=click.Choice(get_args(Types)),
    help="How values of rows are written.",
)
@click.option(
    "--dialect",
    default="official",
    show_default=True,
    callback=_dialect,
    metavar=f"[{'|'.join(DIALECTS)}|FILE]",
    help="How it behaves where the real behaviour is unknown: as the current official specification, read to"
    " the disadvantage of whoever writes; as the older documentation; as recordings of others; or as a file"
    " of `clicksend probe --json` says.",
)
@click.option("--epoch", callback=_moment, help="ISO time at which the clock starts.  [default: now]")
@click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file that keeps the world and its clock; when it exists, it decides instead of the options. A"
    " second one beside it keeps what was written.",
)
@click.pass_context
def command(
    context: click.Context, /, host: str, port: int, state_path: Path | None, dialect: Switches, **world: Any
) -> None:
    """Serve a local stand-in of ClickSend, and of the hub, until stopped."""
    file = StateFile(state_path) if state_path else None
    sim = _simulation(context, file, world, dialect)
    try:
        asyncio.run(_serve(sim, host, port, file))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise click.ClickException(f"cannot listen at {host}, port {port}: {error.strerror}") from error
        message = f"port {port} of {host} is taken; choose another with --port, or any free one with --port 0"
        raise click.ClickException(message) from error


def _simulation(
    context: click.Context, file: StateFile | None, world: dict[str, Any], dialect: Switches
) -> Simulation:
    """Build the world from the state file or the options; the options first chosen go into the file."""
    try:
        state = file.load() if file else None
        if state and file:
            _name_ignored(context, state, file.path, world)
            return state.simulation(dialect, file.writes())
        sim = State(**world, now=world["epoch"]).simulation(dialect)
        if file:
            file.restart(sim)
    except (ValueError, OSError) as wrong:
        raise click.ClickException(str(wrong)) from wrong
    return sim


def _name_ignored(context: click.Context, state: State, path: Path, world: dict[str, Any]) -> None:
    """Say which options the state file overrules."""
    given = [name for name in _WORLD if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    ignored = [f"--{name}" for name in given if getattr(state, name) != world[name]]
    if ignored:
        click.echo(
            f"{', '.join(ignored)} ignored: {path} says otherwise; delete it for a new world", err=True
        )


async def _serve(sim: Simulation, host: str, port: int, file: StateFile | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        from clicksend.sandbox.server import sandbox  # noqa: PLC0415 - aiohttp is an extra
    except ModuleNotFoundError as missing:
        raise click.ClickException("the sandbox needs: pip install 'singer-clicksend[sandbox]'") from missing
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = await sandbox.serve(sandbox.Service(sim, file), host, port)
    try:
        url = sandbox.address(runner)
        credentials = f"username {USERNAME}, API key {API_KEY}"
        print(f"ClickSend sandbox ready: {url}/v3 ({credentials}), hub {url}", flush=True)  # noqa: T201
        await stopped.wait()
    finally:
        await runner.cleanup()
