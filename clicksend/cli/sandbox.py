"""The command ``clicksend sandbox``."""

from __future__ import annotations

import asyncio
import errno
import re
import signal
import sys
import textwrap
import time
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec
from click.core import ParameterSource

from clicksend.extras import to_install
from clicksend.phone import mask
from clicksend.sandbox import switches
from clicksend.sandbox.api.access import API_KEY
from clicksend.sandbox.server.state import State, StateFile
from clicksend.sandbox.simulation import Simulation, Types
from clicksend.sandbox.switches import DIALECTS, Switches
from clicksend.sandbox.world.rows import USERNAME, Message

PORT = 8640
"""Where it listens unless told otherwise."""
_NUMBER = re.compile(r"\+[0-9]{7,15}").fullmatch
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


def _list_switches(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    """Say what each switch decides, and end."""
    if wanted:
        kinds, usual = get_type_hints(Switches), DIALECTS["official"]
        for name, meaning in switches.meanings().items():
            default = getattr(usual, name)
            others = [one for one in get_args(kinds[name]) if isinstance(one, str) and one != default]
            shown = msgspec.json.encode(default).decode()
            click.echo(f"{name} = {shown}" + f" (or {', '.join(others)})" * bool(others))
            click.echo(textwrap.fill(meaning, 100, initial_indent="    ", subsequent_indent="    "))
        context.exit()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, callback=_loopback, help="Loopback address.")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
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
@click.option(
    "--clock",
    default="live",
    show_default=True,
    type=click.Choice(["live", "still"]),
    help="Runs on with this machine's clock, or moves only when it is turned: POST /_sandbox/clock does so"
    " with either, the switch `drift` at each request.",
)
@click.option("--epoch", callback=_moment, help="ISO time at which the clock starts.  [default: now]")
@click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file that keeps the world and its clock; when it exists, it decides instead of the options. A"
    " second one beside it keeps what was written.",
)
@click.option(
    "--switches",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_switches,
    help="List the switches with their defaults and what they decide, and end.",
)
@click.pass_context
def command(  # noqa: PLR0913, PLR0917
    context: click.Context,
    /,
    host: str,
    port: int,
    state_path: Path | None,
    dialect: Switches,
    clock: str,
    **world: Any,
) -> None:
    """Serve a local stand-in of ClickSend, and of the hub, until stopped.

    It shows what was sent on a page at its address, and logs each message on stderr, its number masked.
    """
    file = StateFile(state_path) if state_path else None
    sim = _simulation(context, file, world, dialect)
    try:
        asyncio.run(_serve(sim, host, port, file, is_live=clock == "live"))
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


def _log(told: list[tuple[Message, str]]) -> None:
    """Write a line for each message: people's own numbers get into a stand-in, so they are masked."""
    with suppress(OSError):  # nobody reads them any more; what was sent is sent
        print("\n".join([_line(*one) for one in told]), file=sys.stderr, flush=True)  # noqa: T201


def _line(message: Message, status: str) -> str:
    """Make a line; a call has up to 20,000 of them."""
    channel, parts = type(message).__name__.lower(), message.parts
    length = f"{parts} part{'s' * (parts != 1)}"
    if message.direction == "in":
        return f"{channel} from {_masked(message.sender)}: {length}"
    return f"{channel} to {_masked(message.to)}: {status}, {length}, {message.price}, {message.message_id}"


def _masked(number: str) -> str:
    """Hide the end of a number; what is none is not shown at all, since nobody knows what it is."""
    return mask(number) if _NUMBER(number) else "something that is no number"


async def _serve(sim: Simulation, host: str, port: int, file: StateFile | None, *, is_live: bool) -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        from clicksend.sandbox.server import sandbox  # noqa: PLC0415 - aiohttp is an extra
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"{missing.name} is missing: {to_install('sandbox')}") from missing
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = await sandbox.serve(sandbox.Service(sim, file, time.time if is_live else None, _log), host, port)
    try:
        url = sandbox.address(runner)
        credentials = f"username {USERNAME}, API key {API_KEY}"
        print(f"ClickSend sandbox ready: {url}/v3 ({credentials}), page {url}, hub {url}", flush=True)  # noqa: T201
        await stopped.wait()
    finally:
        await runner.cleanup()
