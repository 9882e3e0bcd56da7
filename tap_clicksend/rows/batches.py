"""Rows as files that BATCH messages name, instead of RECORD messages.

Parquet files make a lake: a folder for each stream, in it one for each time that it was read. Two columns
beside those of the rows tell which of two versions is newer; a mark tells that nothing is missing.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from upath import UPath

from clicksend.errors import ClickSendError
from clicksend.private_files import opened
from tap_clicksend.rows.columns import Row
from tap_clicksend.rows.encode import Encoder, JsonLines
from tap_clicksend.settings import S3

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget

PART = 1 << 20
"""Bytes of encoded rows that are converted at once; the last of them while nothing is read any more."""

EXTRACTION: dict[str, Row] = {
    "_sdc_extracted_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "When the run that wrote this began to read the stream.",
    },
    "_sdc_sequence": {
        "type": ["integer", "null"],
        "description": "The same in milliseconds since 1970: of two versions of a row the larger is newer.",
    },
}
"""JSON schemas of the columns that Parquet files have beside those of the rows."""

COMPLETE = "_SUCCESS"
"""Name of the empty file in a folder where all is that the stream had; readers of Parquet skip it."""

LOCAL = ("", "file", "local")
"""What fsspec calls folders of this machine."""

AWS = (
    "S3 goes by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and by AWS_DEFAULT_REGION and"
    " AWS_ENDPOINT_URL"
)
REFUSALS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no such bucket",
    PermissionError: "access is denied",
}
"""What S3's refusals mean when a file is written there."""

WAITING = 1
"""How many full files may be on their way to the disk while the next rows are read."""


class Format(Encoder, Protocol):
    """A kind of file, made of parts."""

    suffix: str

    def encode_rows(self, rows: list[Row]) -> bytes:
        """Return rows that maps have made as ``encode`` returns others; they may lack columns."""

    def part(self, content: bytes) -> Any:
        """Make a part of a file of what ``encode`` returned, any number of times, joined."""

    def write(self, file: IO[bytes], parts: list[Any]) -> None:
        """Write a file."""


class _File:
    """What goes into the next file of one name."""

    def __init__(self, format_: Format) -> None:
        self.rows = 0
        self._format = format_
        self._pages: list[bytes] = []
        self._size = 0
        self._parts: list[Any] = []

    def add(self, rows: int, content: bytes) -> None:
        """Add a page of so many rows."""
        self.rows += rows
        self._pages.append(content)
        self._size += len(content)
        if self._size >= PART:
            self.end_part()

    def end_part(self) -> None:
        """Convert the pages since the last part; the threads that read go on meanwhile."""
        if self._pages:
            self._parts.append(self._format.part(b"".join(self._pages)))
            self._pages, self._size = [], 0

    def write(self, file: IO[bytes]) -> None:
        """Write all ended parts."""
        self._format.write(file, self._parts)


class Batches:
    """Collects the rows of one stream, under each name that its maps give them, and writes them as files."""

    def __init__(
        self,
        config: BatchConfig,
        schemas: Mapping[str, Mapping[str, Any]],
        announce: Callable[[str, str], None],
        began: datetime,
    ) -> None:
        """Prepare.

        Args:
            config: Format, folder and size of the files.
            schemas: JSON schema of the rows, by the name they go out under.
            announce: Called with the name and the URL of every file that is complete.
            began: When the stream begins to be read, UTC.

        All methods but ``encoder`` and ``begin`` raise ``ClickSendError`` when a file could not be written.
        """
        self._config = config
        self._announce = announce
        self._began = began
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._formats = {name: _format(config.encoding, schema, began) for name, schema in schemas.items()}
        self._files: dict[str, _File] = {}
        self._afterwards: list[Callable[[], None]] = []
        self._waiting: deque[tuple[dict[str, Future[str]], list[Callable[[], None]]]] = deque()

    def encoder(self, name: str) -> Format:
        """Return what encodes rows for ``add``."""
        return self._formats[name]

    def begin(self, name: str) -> _File:
        """Begin a file that is written even if no row comes; return the one in hand."""
        return self._files.setdefault(name, _File(self._formats[name]))

    def add(self, name: str, rows: int, content: bytes) -> None:
        """Add a page of so many rows."""
        if rows:
            file = self.begin(name)
            file.add(rows, content)
            if file.rows >= self._config.batch_size:
                self._end_files()

    def then(self, action: Callable[[], None]) -> None:
        """Do something once the files with the rows so far are announced: when one is full, or at the end."""
        self._afterwards.append(action)
        if not self._files:
            self._end_files()

    def flush(self) -> None:
        """Announce all files, and do what waits for them."""
        self._end_files()
        self._go_on(most=0)

    def mark_complete(self) -> None:
        """Say in the folders of Parquet files that all rows are there: what a folder lacks is gone."""
        if is_lake(self._config):
            for name in self._formats:
                with self._new_file(name, f"{extraction_folder(name, self._began)}/{COMPLETE}"):
                    pass

    def _end_files(self) -> None:
        """Write the files, beside what goes on here."""
        for file in self._files.values():
            file.end_part()
        written = {name: self._thread.submit(self._write, name, file) for name, file in self._files.items()}
        self._waiting.append((written, self._afterwards))
        self._files, self._afterwards = {}, []
        self._go_on(most=WAITING)

    def _go_on(self, *, most: int) -> None:
        """Announce what is written, in order; wait for the oldest files while more than so many sets wait."""
        while self._waiting:
            written, afterwards = self._waiting[0]
            if len(self._waiting) <= most and not all(url.done() for url in written.values()):
                return
            self._waiting.popleft()
            for name, url in written.items():
                self._announce(name, url.result())
            for action in afterwards:
                action()

    def _write(self, name: str, rows: _File) -> str:
        prefix, suffix = self._config.storage.prefix or "", self._formats[name].suffix
        if is_lake(self._config):
            file_name = f"{extraction_folder(name, self._began)}/{prefix}part-{uuid4()}.{suffix}"
        else:
            file_name = f"{prefix}{name}-{uuid4()}.{suffix}"
        with self._new_file(name, file_name) as file:
            rows.write(file)
        return self._config.storage.get_url(file_name)

    @contextmanager
    def _new_file(self, name: str, file_name: str) -> Iterator[IO[bytes]]:
        try:
            with _opened(self._config.storage, file_name) as file:
                yield file
        except _failures() as error:
            raise ClickSendError(
                f"A file of {name} cannot be written ({_reason(error)}): check its folder (storage.root in"
                " batch_config), and that there is room. Run again: the state stays behind the rows of that"
                " file."
            ) from None


def is_lake(config: BatchConfig | None) -> bool:
    """Return whether rows go into Parquet files."""
    return config is not None and config.encoding.format == "parquet"


def extraction_folder(name: str, began: datetime) -> str:
    """Return the folder for the Parquet files of a stream, beneath that of all files, by when it was read.

    By name they are in order of time; the form is a partition of Hive's, without what file systems refuse.
    """
    return f"{name}/extracted={began:%Y-%m-%dT%H-%M-%S}-{began.microsecond // 1000:03}Z"


@contextmanager
def _opened(storage: StorageTarget, file_name: str) -> Iterator[IO[bytes]]:
    """Open a new file; in a folder of this machine it is its owner's only, as fsspec would not have it.

    It gets its name when it is whole: half a Parquet file would be in the way of whoever reads all. Before,
    readers of folders skip it for its dot.
    """
    root = UPath(storage.root, **storage.params)
    if root.protocol not in LOCAL:
        # Sent when it is whole: fsspec gives a file its name even where an error ends it halfway.
        content = BytesIO()
        yield content
        path = root.joinpath(file_name)
        if root.protocol not in S3:  # which has no folders; fsspec would make a bucket that is misspelt
            path.parent.mkdir(parents=True, exist_ok=True)
        root.fs.pipe_file(path.path, content.getvalue())
        return
    path = Path(root.path) / file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with opened(unfinished, "wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _failures() -> tuple[type[Exception], ...]:
    """Return what is raised where a file cannot be written."""
    client: Any = sys.modules.get("botocore.exceptions")
    return (OSError, ImportError, *([client.BotoCoreError] if client else []))


def _reason(error: Exception) -> str:
    """Return why a file cannot be written, without what a server may quote of a request."""
    if isinstance(error, ImportError):
        return "what its URL needs is not installed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{REFUSALS.get(type(error), type(error).__name__)}; {AWS}"


def _format(encoding: BaseBatchFileEncoding, schema: Mapping[str, Any], began: datetime) -> Format:
    zipped = encoding.compression == "gzip"
    if encoding.format != "parquet":
        return JsonLines(zipped=zipped)
    from tap_clicksend.rows.arrow import Parquet  # noqa: PLC0415

    return Parquet(schema, zipped=zipped, began=began)
