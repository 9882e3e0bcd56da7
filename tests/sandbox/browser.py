"""A headless Chromium that a test drives: keys, what the page shows, pictures of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Any, Self

import aiohttp

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--no-proxy-server", "--remote-debugging-port=0"),
)
PATIENCE = 30
"""Seconds until a test gives up; the machine may be busy."""
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "ArrowUp": 38}
SHIFT = 8


class Page:
    """A page: ``with Page() as page: page.open(url)``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._number = 0
        self.said: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._loop.run_until_complete(self._connect())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_session"):
            self._loop.run_until_complete(self._close())
        self._process.kill()
        self._process.wait()
        self._loop.close()
        self._folder.cleanup()

    async def _connect(self) -> None:
        where = Path(self._folder.name) / "DevToolsActivePort"
        until = time.monotonic() + PATIENCE
        while not (where.exists() and len(lines := where.read_text().split()) == 2):
            assert time.monotonic() < until, "Chromium did not start"
            await asyncio.sleep(0.02)
        self._session = aiohttp.ClientSession(trust_env=False)
        self._socket = await self._session.ws_connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}", max_msg_size=0)
        self._target = ""
        target = await self._ask("Target.createTarget", url="about:blank")
        attached = await self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._target = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self._ask(f"{domain}.enable")

    async def _close(self) -> None:
        await self._socket.close()
        await self._session.close()
        await asyncio.sleep(0)  # so that its connection is gone before the loop is

    async def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters}
        await self._socket.send_json(call | ({"sessionId": self._target} if self._target else {}))
        while True:
            told = json.loads((await self._socket.receive(PATIENCE)).data)
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]
            self.said.append(told)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Call a method of the DevTools protocol."""
        return self._loop.run_until_complete(self._ask(method, **parameters))

    def open(self, url: str, width: int = 1200, height: int = 800, *, dark: bool = False) -> None:
        """Open a page in a window of a size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, a promise's when it has come."""
        done = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait(self, script: str) -> Any:
        """Wait until an expression is true; return its value."""
        until = time.monotonic() + PATIENCE
        while not (value := self.run(f"({script}) || false")):
            assert time.monotonic() < until, f"{script}: {self.text()}"
            time.sleep(0.02)
        return value

    def text(self) -> str:
        """Return what the page says."""
        return str(self.run("document.body.innerText"))

    def key(self, name: str, modifiers: int = 0) -> None:
        """Press and release a key."""
        about = {"key": name, "code": name, "windowsVirtualKeyCode": KEYS[name], "modifiers": modifiers}
        text = {"text": {"Enter": "\r", " ": " "}[name]} if name in {"Enter", " "} else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.ask("Input.insertText", text=text)

    def focused(self) -> str:
        """Name what has the focus, by its id or else by what it says."""
        return str(self.run("document.activeElement.id || document.activeElement.textContent"))

    def tab_to(self, script: str, *, back: bool = False) -> None:
        """Press Tab until an expression about ``it``, what has the focus, is true."""
        for _ in range(100):
            self.key("Tab", SHIFT if back else 0)
            if self.run(f"!!(it => {script})(document.activeElement)"):
                return
        raise AssertionError(f"Tab does not lead to {script}")

    def picture(self, path: Path) -> None:
        """Keep a picture of the window."""
        path.write_bytes(b64decode(self.ask("Page.captureScreenshot")["data"]))

    def complaints(self) -> list[str]:
        """Return what the browser has complained about, such as violations of the page's policy."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown")
        return [json.dumps(one["params"]) for one in self.said if one.get("method") in kinds]
