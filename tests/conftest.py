"""Fixtures that the tests share: a sandbox, a clock that never sleeps, and the tap in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from recorded_server import RecordedServer
from tap_runner import CREDENTIALS

from clicksend.client import Client
from clicksend.settings import Settings


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CLICKSEND_", "SKILLBOSS_", "TAP_CLICKSEND_", "MELTANO_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _shared_sandbox():
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=1, messages=450, contacts=260) as box:
        yield box


@pytest.fixture
def sandbox(_shared_sandbox):
    """Return a sandbox in its first state; it holds more than two pages of messages and contacts."""
    _shared_sandbox.control("POST", "reset")
    return _shared_sandbox


@pytest.fixture(params=["live", "legacy"])
def recorded(request):
    """Return a server that replays recorded bodies."""
    with RecordedServer(request.param) as server:
        yield server


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def connect(clock):
    """Return a function that connects a client to an api_url; its waits are in ``clock.slept``."""
    clients = []

    def connect(api_url: str, **config: Any) -> Client:
        settings = Settings.from_config({"api_url": api_url, **CREDENTIALS, **config}, env={})
        clients.append(client := Client(settings, clock))
        return client

    yield connect
    for client in clients:
        client.close()
