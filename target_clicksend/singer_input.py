"""Singer messages out of lines, rows out of the files that BATCH messages name, and what both look like."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from singer_sdk.contrib.msgspec import decoder
from singer_sdk.exceptions import RecordsWithoutSchemaException
from upath import UPath

from clicksend.errors import ClickSendError
from clicksend.extras import PACKAGE, to_install
from clicksend.text import escaped

ROWS_AT_ONCE = 10_000
LONGEST_LINE = 64 * 2**20
"""Bytes; what is behind them is skipped, so that one line cannot take all memory."""

CLOUDS = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
"""Where else than on this machine files may lie, and the package that reads them there."""

Message = dict[str, Any]


class InputError(ClickSendError):
    """The input breaks the Singer protocol in a way that makes the rest of it meaningless."""


class NoSchemaError(InputError, RecordsWithoutSchemaException):
    """Rows came of which nobody knows the stream."""

    def __init__(self) -> None:
        super().__init__(
            "A RECORD or BATCH came before the SCHEMA of its stream, or names no stream: check the tap."
        )


def decoded(line: str | bytes) -> Any:
    """Return the JSON value of a line.

    The standard library reads what the fast decoder refuses (lone surrogates, NaN, endless numbers), so that
    a row can be rejected by name.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        try:
            return json.loads(line)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def check_schema(message: Message) -> None:
    """Check a SCHEMA message; the SDK's own errors quote it.

    Raises:
        InputError: A part is missing or wrong.
    """
    stream, schema = message.get("stream"), message.get("schema")
    if not isinstance(stream, str) or not isinstance(schema, dict):
        raise InputError("A SCHEMA message names no stream or has no schema: check the tap.")
    properties, keys = schema.get("properties"), message.get("key_properties")
    if not isinstance(properties, dict):
        raise InputError(f"The schema of stream {escaped(stream)} has no properties: check the tap.")
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise InputError(
            f"The key_properties of stream {escaped(stream)} are not a list of names: check the tap."
        )


def lines_of(file: Any) -> Iterator[Any]:
    """Yield the lines of a file, of each at most ``LONGEST_LINE`` bytes: what is cut off is not JSON then."""
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and line[-1:] not in (b"\n", "\n"):
            line = file.readline(LONGEST_LINE)


def rows_of(message: Message, root: Path) -> Iterator[Any]:
    """Yield the rows of a BATCH message, file by file; a line that is not JSON comes as None.

    Args:
        message: The message.
        root: Folder in which files of this machine must lie.

    Raises:
        InputError: A file is missing or broken, or its format is not one of ours.
    """
    encoding, manifest = message.get("encoding"), message.get("manifest")
    if not isinstance(encoding, dict) or not isinstance(manifest, list):
        raise InputError("A BATCH message has no encoding or no manifest: check the tap.")
    kind, compression = str(encoding.get("format")), str(encoding.get("compression") or "none")
    reader = {("jsonl", "gzip"): _jsonl_gz, ("jsonl", "none"): _jsonl}.get((kind, compression))
    if kind == "parquet":
        reader = _parquet
        if not find_spec("pyarrow"):
            raise InputError(f"BATCH files in parquet need pyarrow: {to_install('arrow')}.")
    if reader is None:
        raise InputError(
            "A BATCH message has files that are neither jsonl (with gzip or none) nor parquet: change the"
            " tap's batch_config."
        )
    for number, url in enumerate(manifest, 1):
        path = _path(number, url, root)
        try:
            yield from reader(path)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise InputError(
                f"File {number} of a BATCH message is cut off or not gzip: let the tap write it again, or"
                " correct the compression in the tap's batch_config."
            ) from None
        except Exception as error:  # noqa: BLE001, file systems and formats have many of their own
            raise InputError(
                f"File {number} of a BATCH message cannot be read ({type(error).__name__}): is the tap's"
                " folder there, on this machine?"
            ) from None


def _path(number: int, url: Any, root: Path) -> UPath | Path:
    """Return where a file of a manifest lies.

    Whoever writes the input names files that this process may read, and could have it ask any host.

    Raises:
        InputError: It may not lie there.
    """
    text = url if isinstance(url, str) else "?:"
    scheme = text.partition(":")[0] if re.match(r"[^/]*:", text) else "file"
    if scheme in CLOUDS and "::" not in text:
        if find_spec(CLOUDS[scheme]):
            return UPath(text)
        how = to_install("s3") if scheme == "s3" else f"install it beside {PACKAGE}"
        raise InputError(f"BATCH files at {scheme}:// need {CLOUDS[scheme]}: {how}.")
    if scheme == "file" and "\0" not in text:
        path = Path(text.removeprefix("file://").removeprefix("file:"))
        try:
            # Links are followed first: where they lead counts.
            if (found := path.resolve()).is_relative_to(root.resolve()) and (
                found.is_file() or not found.exists()
            ):
                return found
        except (OSError, RuntimeError):
            pass
        raise InputError(
            f"File {number} of a BATCH message is not a file in the folder of the setting batch_root: set it"
            " to the folder in which the tap writes its files."
        )
    raise InputError(
        f"File {number} of a BATCH message is neither a file of this machine (file://) nor in one of the"
        f" clouds {', '.join(CLOUDS)}: change storage.root in the tap's batch_config."
    )


def _jsonl_gz(path: UPath | Path) -> Iterator[Any]:
    with path.open("rb") as file, gzip.GzipFile(fileobj=file) as lines:
        yield from _rows(lines)


def _jsonl(path: UPath | Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from _rows(file)


def _rows(lines: Any) -> Iterator[Any]:
    for line in lines_of(lines):
        try:
            yield decoded(line)
        except ValueError:
            if line.strip():
                yield None


def _parquet(path: UPath | Path) -> Iterator[Any]:
    from pyarrow import parquet  # type: ignore[import-untyped]  # noqa: PLC0415, heavy

    with path.open("rb") as file:
        for batch in parquet.ParquetFile(file).iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()
