"""Rows as files that BATCH messages name, instead of RECORD messages."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from singer_sdk.contrib.msgspec import encoder

from tap_clicksend.columns import Row

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig

FASTEST = 1
"""gzip's level; its default takes several times as long for files a tenth smaller."""

PART = 1 << 20
"""Bytes of lines that are converted at once."""


class Format(Protocol):
    """A kind of file. Its parts are made in a thread of their own, beside those that read."""

    suffix: str

    def lines(self, rows: list[Row]) -> bytes:
        """Return rows as a line of JSON each."""

    def part(self, lines: bytes) -> Any:
        """Make a part of a file of lines."""

    def write(self, file: IO[bytes], parts: list[Any]) -> None:
        """Write a file."""


class JsonLines:
    """A line of JSON for each row, compressed or not."""

    def __init__(self, *, zipped: bool) -> None:
        self.suffix = "jsonl.gz" if zipped else "jsonl"
        self._zipped = zipped

    def lines(self, rows: list[Row]) -> bytes:
        """Return rows as a line of JSON each."""
        return encoder.encode_lines(rows)

    def part(self, lines: bytes) -> bytes:
        """Return lines as they go into the file; gzip files may be joined."""
        return gzip.compress(lines, FASTEST) if self._zipped else lines

    def write(self, file: IO[bytes], parts: list[bytes]) -> None:
        """Write a file."""
        file.writelines(parts)


class _File:
    """What goes into the next file of one name."""

    def __init__(self, form: Format, thread: ThreadPoolExecutor) -> None:
        self.rows = 0
        self._format = form
        self._thread = thread
        self._lines: list[bytes] = []
        self._size = 0
        self._parts: list[Future[Any]] = []

    def add(self, rows: int, lines: bytes) -> None:
        """Take so many rows."""
        self.rows += rows
        self._lines.append(lines)
        self._size += len(lines)
        if self._size >= PART:
            self._end_part()

    def _end_part(self) -> None:
        self._parts.append(self._thread.submit(self._format.part, b"".join(self._lines)))
        self._lines, self._size = [], 0

    def write(self, file: IO[bytes]) -> None:
        """Write the file."""
        self._end_part()
        self._format.write(file, [part.result() for part in self._parts])


class Batches:
    """Collects the rows of one stream, under each name that its maps give them, and writes them as files."""

    def __init__(
        self, config: BatchConfig, schemas: Mapping[str, Row], announce: Callable[[str, str], None]
    ) -> None:
        """Prepare.

        Args:
            config: Format, folder and size of the files.
            schemas: JSON schema of the rows, by the name they go out under.
            announce: Called with the name and the URL of every file that is complete.
        """
        self._config = config
        self._announce = announce
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._formats = {name: _format(config.encoding, schema) for name, schema in schemas.items()}
        self._files: dict[str, _File] = {}

    def lines(self, name: str) -> Callable[[list[Row]], bytes]:
        """Return what makes the lines that ``add`` takes."""
        return self._formats[name].lines

    def add(self, name: str, rows: int, lines: bytes) -> None:
        """Take so many rows."""
        if rows:
            file = self._files.setdefault(name, _File(self._formats[name], self._thread))
            file.add(rows, lines)
            if file.rows >= self._config.batch_size:
                self._write(name)

    def flush(self) -> None:
        """Write what was taken and is in no file yet."""
        for name in list(self._files):
            self._write(name)

    def _write(self, name: str) -> None:
        storage = self._config.storage
        file_name = f"{storage.prefix or ''}{name}-{uuid4()}.{self._formats[name].suffix}"
        with storage.open(file_name, "wb") as file:
            self._files.pop(name).write(file)
        self._announce(name, storage.get_url(file_name))


def _format(encoding: BaseBatchFileEncoding, schema: Row) -> Format:
    zipped = encoding.compression == "gzip"
    if encoding.format != "parquet":
        return JsonLines(zipped=zipped)
    from tap_clicksend.arrow import Parquet  # noqa: PLC0415

    return Parquet(schema, zipped=zipped)
