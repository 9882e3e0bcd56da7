"""The stand-in as an object: a server in a thread of its own, for tests and notebooks."""

from __future__ import annotations

import asyncio
import time
from threading import Thread
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from clicksend.sandbox import switches
from clicksend.sandbox.server import control
from clicksend.sandbox.server.application import DIRECT, HUB, application
from clicksend.sandbox.server.service import Service
from clicksend.sandbox.simulation import Simulation, Types
from clicksend.sandbox.world.stream import Plan

_LOOPBACK = "127.0.0.1"
_PATIENCE = 60  # seconds for a control call; building a large world again takes a few


class Sandbox:
    """A ClickSend of your own: ``with Sandbox(seed=1) as box: requests.get(box.api_url + "/account", ...)``.

    Args:
        seed: Which world; the same seed and epoch give the same bytes.
        messages: Rows of SMS history at the epoch, about.
        contacts: Contacts at the epoch, about.
        types: ``live`` (integers and names as recorded lately) or ``legacy`` (numeric strings, older names).
        epoch: Unix seconds at which the clock starts; default: now.
        dialect: How it behaves where the real behaviour is unknown: ``official``, ``documented``,
            ``recorded``, or the path of a file that ``clicksend probe`` wrote.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        seed: int = 1,
        messages: int = 500,
        contacts: int = 200,
        types: Types = "live",
        epoch: int | None = None,
        dialect: str = "official",
    ) -> None:
        plan = Plan(seed, int(time.time()) if epoch is None else epoch, messages, contacts)
        self._service = Service(Simulation(plan, types, switches.dialect(dialect)))
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="clicksend-sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(
            serve(self._service, _LOOPBACK, 0), self._loop
        ).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(_end(self._runner), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Base of the hub's own calls."""
        return address(self._runner)

    @property
    def api_url(self) -> str:
        """Base of the v3 API with HTTP Basic."""
        return self.url + DIRECT

    @property
    def hub_api_url(self) -> str:
        """Base of the v3 API through the hub, with Bearer."""
        return self.url + HUB

    def control(
        self, method: str, name: str, body: Any = None, *, wait: float = 0.0, **query: str | int
    ) -> Any:
        """Run a control, such as ``control("POST", "faults", {"kind": "html", "path": "/lists"})``.

        Args:
            method: Of the request.
            name: Of the control.
            body: To send as JSON.
            wait: Seconds that the stand-in may take its time for, if the control can wait.
            query: What else it is asked.

        Raises:
            ValueError: The stand-in's own sentence about wrong input.
        """
        asked = {key: str(value) for key, value in (query | ({"wait": wait} if wait else {})).items()}
        data = b"" if body is None else msgspec.json.encode(body)
        answer = asyncio.run_coroutine_threadsafe(_run(self._service, method, name, asked, data), self._loop)
        return msgspec.json.decode(answer.result(_PATIENCE + wait))

    def state(self) -> Any:
        """Describe the world and count its rows."""
        return self.control("GET", "state")

    def requests(self) -> Any:
        """List the requests so far."""
        return self.control("GET", "requests")

    def arrivals(self, to: str = "", *, wait: float = 0.0, at_least: int = 1) -> list[dict[str, Any]]:
        """List what was sent, or what was sent to one number, in the order of arrival.

        Args:
            to: The number; "" is any.
            wait: Seconds to wait at most, until there are enough.
            at_least: How many are enough.
        """
        found = self.control("GET", "arrivals", wait=wait, to=to, at_least=at_least)
        return list(found)

    def reply(self, sender: str, body: str) -> Any:
        """Let somebody answer; STOP puts their contact on the Opt-Out List."""
        return self.control("POST", "reply", {"from": sender, "body": body})

    def advance(self, seconds: int) -> None:
        """Turn the clock."""
        self.control("POST", "clock", {"advance": seconds})


async def serve(service: Service, host: str, port: int) -> web.AppRunner:
    """Start to listen; the caller cleans the runner up.

    Raises:
        OSError: The port is taken.
    """
    runner = web.AppRunner(application(service), access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


async def _run(service: Service, method: str, name: str, query: dict[str, str], body: bytes) -> bytes:
    try:
        return msgspec.json.encode(await control.run(service, method, name, query, body))
    except msgspec.MsgspecError as wrong:
        raise ValueError(str(wrong)) from None


async def _end(runner: web.AppRunner) -> None:
    """Stop listening, and give up answers that a fault still delays."""
    await runner.cleanup()
    late = asyncio.all_tasks() - {asyncio.current_task()}
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def address(runner: web.AppRunner) -> str:
    """Return the URL that a runner listens at."""
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


__all__ = ["Sandbox", "Service", "address", "serve"]
