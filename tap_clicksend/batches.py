"""Rows as files that BATCH messages name, instead of RECORD messages."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from singer_sdk.contrib.msgspec import encoder

from tap_clicksend.columns import Row

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BatchConfig

FASTEST = 1
"""gzip's level; its default takes several times as long for files a tenth smaller."""


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
        self._schemas = schemas
        self._announce = announce
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, name: str, rows: list[Row]) -> None:
        """Take rows."""
        self._rows[name] += rows
        if len(self._rows[name]) >= self._config.batch_size:
            self._write(name)

    def flush(self) -> None:
        """Write what was taken and is in no file yet."""
        for name in list(self._rows):
            self._write(name)

    def _write(self, name: str) -> None:
        rows = self._rows.pop(name)
        storage, encoding = self._config.storage, self._config.encoding
        zipped = ".gz" if encoding.format == "jsonl" and encoding.compression == "gzip" else ""
        file_name = f"{storage.prefix or ''}{name}-{uuid4()}.{encoding.format}{zipped}"
        with storage.open(file_name, "wb") as file:
            if encoding.format == "parquet":
                self._write_parquet(file, name, rows)
            elif zipped:
                file.write(gzip.compress(encoder.encode_lines(rows), FASTEST))
            else:
                file.write(encoder.encode_lines(rows))
        self._announce(name, storage.get_url(file_name))

    def _write_parquet(self, file: IO[bytes], name: str, rows: list[Row]) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

        from tap_clicksend.arrow import ArrowColumns  # noqa: PLC0415

        compression = "gzip" if self._config.encoding.compression == "gzip" else "snappy"
        pq.write_table(ArrowColumns(self._schemas[name]).table(rows), file, compression=compression)
