"""An account with a history, and messages of ours in it, as tap and target see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clicksend.ledger.ledger import Ledger
from clicksend.sandbox import Sandbox
from tests.command import run_command
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS, catalog_of
from tests.transform.figures import Known

STREAMS = (
    *("sms_history", "mms_history", "voice_history", "sms_receipts", "mms_receipts", "voice_receipts"),
    *("sms_inbound", "contacts", "lists", "countries", "account", "outcomes"),
)
NEVER_MIND = ["voice_history", "voice_receipts"]
OFFERS = ("Spring sale: 20 % off until Sunday", "Spring sale: 20 % off until Sunday ☀️ " + "and more " * 5)


@dataclass
class Account:
    """A sandbox, and what was sent into it.

    Attributes:
        box: The sandbox.
        folder: For the ledger and for files; it has spaces in its name.
        streams: What the tap reads.
        config: More of its settings.
    """

    box: Sandbox
    folder: Path
    streams: tuple[str, ...] = STREAMS
    config: dict[str, Any] | None = None

    @property
    def now(self) -> int:
        """The sandbox's clock, Unix seconds."""
        return int(self.box.state()["now"])

    @property
    def as_of(self) -> str:
        """The same for dbt."""
        return f"{datetime.fromtimestamp(self.now, UTC):%Y-%m-%d %H:%M:%S}+00"

    @property
    def _ledger(self) -> str:
        return f"sqlite:///{self.folder}/ledger.db"

    def send(self, first: int, count: int) -> None:
        """Send messages, some of which must not go out: no number, opted out, a key twice."""
        rows = [
            {
                "id": number,
                "to": "12" if number % 10 == 3 else f"+6141200{number:04}",
                "body": f"{OFFERS[number % 2]} (no. {number})",
                "campaign": f"spring-{number % 2}",
                "opted_out": number % 10 == 5,
            }
            for number in (*range(first, first + count), first)
        ]
        properties: dict[str, Any] = {name: {} for name in rows[0]}
        schema = {"type": "SCHEMA", "stream": "sms_messages", "schema": {"properties": properties}}
        lines = [schema | {"key_properties": ["id"]}]
        lines += [{"type": "RECORD", "stream": "sms_messages", "record": row} for row in rows]
        config = {"clear_keys": ["campaign", "id"], "ledger_url": self._ledger}
        done = self._run("target-clicksend", config, stdin="\n".join(map(json.dumps, lines)).encode())
        assert done.returncode == 0, done.stderr.decode()[-2000:]

    def extract(self, state: bytes = b"", **config: Any) -> tuple[bytes, bytes]:
        """Run the tap; return what it wrote, and its last state."""
        given = {"ledger_url": self._ledger} if "outcomes" in self.streams else {}
        catalog = self.folder / "catalog.json"
        catalog.write_text(json.dumps(self._catalog()))
        options = ["--catalog", str(catalog)]
        if state:
            (self.folder / "state.json").write_bytes(state)
            options += ["--state", str(self.folder / "state.json")]
        done = self._run("tap-clicksend", given | (self.config or {}) | config, *options)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        states = [line for line in done.stdout.splitlines() if b'"type":"STATE"' in line]
        return done.stdout, json.dumps(json.loads(states[-1])["value"]).encode()

    def files(self, name: str) -> Path:
        """Run the tap into Parquet files; return their folder."""
        root = self.folder / name
        root.mkdir()
        self.extract(batch_config={"encoding": {"format": "parquet"}, "storage": {"root": f"file://{root}"}})
        return root

    def known(self) -> Known:
        """Return what there is to know, but for the ledger by way of the sandbox's objects."""
        outcomes = []
        if "outcomes" in self.streams:
            with Ledger.existing(self._ledger) as ledger:
                outcomes = [row for page in ledger.outcomes.changed_since() for row in page]
        return Known(
            self.box._service.sim.store,
            self.now,
            outcomes,
            has_voice="voice_history" in self.streams,
            has_mms_receipts=self.box._service.sim.switches.legacy_paths == "served",
            has_campaigns="sms_campaigns" in self.streams,
        )

    def _catalog(self) -> dict[str, Any]:
        catalog = catalog_of(*(name for name in self.streams if name != "outcomes"))
        if "outcomes" in self.streams:
            # Not in the catalog of a tap without a ledger.
            from tap_clicksend.tap import TapClickSend

            tap = TapClickSend(validate_config=False, config={"ledger_url": self._ledger})
            catalog["streams"] += [one for one in tap.catalog_dict["streams"] if one["stream"] == "outcomes"]
        return catalog

    def _run(self, command: str, config: dict[str, Any], *options: str, stdin: bytes = b"") -> Any:
        path = self.folder / f"{command}.json"
        path.write_text(json.dumps({"api_url": self.box.api_url, **CREDENTIALS, **config}))
        return run_command(command, "--config", str(path), *options, stdin=stdin, folder=self.folder)


@contextmanager
def account(
    folder: Path, *, seed: int = 1, types: str = "live", streams: tuple[str, ...] = STREAMS, **config: Any
) -> Iterator[Account]:
    """Make one that sent messages a day ago; in the older spelling it has receipts of MMS, too."""
    place = folder / "an account"
    place.mkdir()
    world: dict[str, Any] = {"types": types, "dialect": "official" if types == "live" else "documented"}
    with Sandbox(seed=seed, messages=1000, contacts=200, epoch=EPOCH, **world) as box:
        found = Account(box, place, streams, config)
        found.send(1, 40)
        box.advance(86_400)
        yield found
