"""Runs the tap: in this process, or as the command that users run, but for the end of its process."""

from __future__ import annotations

import json
from functools import cache
from subprocess import CompletedProcess
from typing import Any

import msgspec

from clicksend.client import Client
from clicksend.limiter import Clock
from clicksend.settings import Settings
from tap_clicksend.sdk import PageWriter
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.command import run_command

CREDENTIALS = {"username": "sandbox", "api_key": "sandbox-key"}


class Output(PageWriter):
    """Keeps what a tap writes."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write(self, lines: bytes | bytearray) -> None:
        self.messages.extend(msgspec.json.decode(line) for line in bytes(lines).splitlines())

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return [m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream]

    def kinds(self, stream: str) -> list[str]:
        return [m["type"] for m in self.messages if m.get("stream") == stream]

    @property
    def state(self) -> dict[str, Any]:
        states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        return states[-1] if states else {}


@cache
def _catalog() -> bytes:
    """Return the entries of the tap's own catalog, by stream."""
    streams = TapClickSend(validate_config=False).catalog_dict["streams"]
    return msgspec.json.encode({entry["tap_stream_id"]: entry for entry in streams})


def catalog_of(*streams: str) -> dict[str, Any]:
    """Return a catalog in which only these streams are selected.

    Of the others it names no columns: the SDK would go through all of them, several times.
    """
    entries = msgspec.json.decode(_catalog(), type=dict[str, msgspec.Raw])
    selected = {name: msgspec.json.decode(entries[name]) for name in streams}
    for entry in selected.values():
        root = next(m["metadata"] for m in entry["metadata"] if not m["breadcrumb"])
        root["selected"] = True
    others = [
        {
            "tap_stream_id": name,
            "stream": name,
            "schema": {"type": "object", "properties": {}},
            "metadata": [{"breadcrumb": [], "metadata": {"selected": False}}],
        }
        for name in entries.keys() - selected
    ]
    return {"streams": [*selected.values(), *others]}


def run_tap(
    api_url: str,
    *streams: str,
    state: dict[str, Any] | None = None,
    output: Output | None = None,
    client: Client | None = None,
    clock: Clock | None = None,
    **config: Any,
) -> Output:
    """Run the tap in this process.

    Args:
        api_url: What it reads from.
        streams: The streams, all when none are named.
        state: The state that it begins with.
        output: What keeps its messages.
        client: What it reads with, instead of its own.
        clock: What its own client waits with.
        config: Settings.
    """
    output = output or Output()
    tap = TapClickSend(
        config={"api_url": api_url, "max_retries": 0, **CREDENTIALS, **config},
        catalog=catalog_of(*(streams or [stream.name for stream in ALL])),
        state=json.loads(json.dumps(state)) if state else None,
        message_writer=output,
    )
    if client or clock:
        tap.client = client or Client(Settings.from_config(tap.config, env={}), clock)
    try:
        tap.sync_all()
    finally:
        tap.client.close()
    return output


def tap_command(tmp_path: Any, config: dict[str, Any], *options: str, **env: str) -> CompletedProcess[str]:
    """Run ``tap-clicksend`` with a config file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    done = run_command("tap-clicksend", "--config", str(path), *options, env=env)
    return CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
