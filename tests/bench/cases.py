"""What is measured: the bare loop, the tap in each way it can write, and ``clicksend.read``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench import bare_loop, bare_tap
from tests.bench.runs import ENVIRONMENT, ROOT, BenchError, Case

TAP = [sys.executable, "-m", "tap_clicksend"]
BARE_TAP = [sys.executable, bare_tap.__file__]
STREAM = "sms_history"
FIXED = (8, 16, 32, 64)
"""Requests at once that the level which the tap finds is compared with."""
RECORD = b'{"type":"RECORD"'
BATCH_ENCODINGS = {
    "jsonl.gz": {"format": "jsonl", "compression": "gzip"},
    "parquet": {"format": "parquet"},
}
COUNT_PARQUET = (
    "import sys; from pyarrow.parquet import read_metadata;"
    " print(sum(read_metadata(path).num_rows for path in sys.argv[1:]))"
)


def bare() -> Case:
    """Return the loop that all figures are compared with."""
    return Case("bare loop", _bare_command, _records)


def taps() -> Iterator[Case]:
    """Yield the tap in RECORD mode, and in each BATCH mode if it knows ``batch_config``."""
    catalog = _catalog()
    yield Case("tap, RECORD", _Tap(catalog), _records)
    if "batch_config" in _tap_json("--about", "--format=json")["settings"]["properties"]:
        for name, encoding in BATCH_ENCODINGS.items():
            yield Case(f"tap, BATCH {name}", _Tap(catalog, encoding), _batch_rows)


def levels() -> Iterator[Case]:
    """Yield the tap as it is, and with each fixed number of requests at once."""
    catalog = _catalog()
    yield Case("as it finds out", _Tap(catalog), _records)
    for level in FIXED:
        command = [sys.executable, str(Path(__file__).with_name("fixed_tap.py")), str(level)]
        yield Case(f"{level} at once", _Tap(catalog, command=command), _records)


def _catalog() -> dict[str, Any]:
    catalog = _tap_json("--discover")
    for entry in catalog["streams"]:
        root = next(part["metadata"] for part in entry["metadata"] if not part["breadcrumb"])
        root["selected"] = entry["stream"] == STREAM
    return catalog


def frames() -> Iterator[Case]:
    """Yield ``clicksend.read`` in each way that keeps memory bounded."""
    # By its path: a command runs in a folder of its own.
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.bench.frames import"
    for way in ("to_batches", "to_parquet"):
        code = f"{head} {way}; print({way}(*sys.argv[1:]))"
        yield Case(
            f"read, {way}",
            lambda api_url, folder, code=code: [
                sys.executable,
                "-c",
                code,
                api_url,
                str(folder),
            ],
            lambda output, _: int(output.read_text()),
        )


class _Tap:
    """The tap's command with config and catalog."""

    def __init__(
        self, catalog: dict[str, Any], encoding: dict[str, str] | None = None, command: Sequence[str] = TAP
    ) -> None:
        self._catalog = catalog
        self._encoding = encoding
        self._command = command

    def __call__(self, api_url: str, folder: Path) -> list[str]:
        config: dict[str, Any] = {
            "api_url": api_url,
            "username": bare_loop.CREDENTIALS[0],
            "api_key": bare_loop.CREDENTIALS[1],
        }
        if self._encoding:
            (batches := folder / "batches").mkdir()
            storage = {"root": batches.as_uri(), "prefix": ""}
            config["batch_config"] = {"encoding": self._encoding, "storage": storage}
        for name, content in (("config", config), ("catalog", self._catalog)):
            (folder / f"{name}.json").write_text(json.dumps(content))
        return [*self._command, "--config", f"{folder}/config.json", "--catalog", f"{folder}/catalog.json"]


def _bare_command(api_url: str, _folder: Path) -> list[str]:
    return [sys.executable, bare_loop.__file__, api_url, "/dev/stdout"]


def _records(output: Path, _folder: Path) -> int:
    with output.open("rb") as lines:
        return sum(line.startswith(RECORD) for line in lines)


def _batch_rows(output: Path, folder: Path) -> int:
    """Count the rows of the files that were announced."""
    messages = [json.loads(line) for line in output.read_bytes().splitlines()]
    if any(message["type"] == "RECORD" for message in messages):
        return -1
    announced = {Path(path).name for m in messages if m["type"] == "BATCH" for path in m["manifest"]}
    files = [path for path in (folder / "batches").rglob("*") if path.name in announced]
    if any(path.suffix == ".parquet" for path in files):
        return int(_output_of([sys.executable, "-c", COUNT_PARQUET, *map(str, files)]))
    return sum(sum(1 for _ in gzip.open(path)) for path in files)


def _tap_json(*options: str) -> dict[str, Any]:
    return dict(json.loads(_output_of([*TAP, *options])))


def _output_of(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        raise BenchError(f"{command} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return done.stdout
