"""Pages of rows as they go out, encoded by the thread that read them.

Most of the time of a run goes into rows. In the thread that made them they are still in the processor's
cache, and what is handed on of them is a few large objects instead of thousands of small ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Any, Protocol

from isal import igzip
from singer_sdk.contrib.msgspec import encoder

from tap_clicksend.rows.columns import Row
from tap_clicksend.rows.schema import RecordBatch

FASTEST = 1
"""Level of ISA-L, which here needs a fifth of zlib's time for files of the same size."""


class Encoder(Protocol):
    """Turns rows into what goes out."""

    def encode(self, batch: RecordBatch) -> Any:
        """Return rows, encoded."""

    def select(self, content: Any, indices: Collection[int]) -> Any:
        """Return the rows at these indices of what ``encode`` returned."""


@dataclass(frozen=True)
class EncodedPage:
    """A page of a stream.

    Attributes:
        keys: The keys of its rows, in order.
        encoder: What encoded them.
        content: The rows, encoded.
        pending: Date and schedule (Unix seconds, 0: none) of the messages that may still change, by key; see
            ``Finality``.
    """

    keys: list[Any]
    encoder: Encoder
    content: Any
    pending: Mapping[Any, tuple[int, int]] = field(default_factory=dict)

    def without(self, known: AbstractSet[Any]) -> EncodedPage:
        """Return the rows whose keys are not known yet, each key once."""
        if known.isdisjoint(self.keys) and len(set(self.keys)) == len(self.keys):
            return self
        new = {key: index for index, key in enumerate(self.keys) if key not in known}
        pending = {key: times for key, times in self.pending.items() if key in new}
        content = self.encoder.select(self.content, new.values())
        return replace(self, keys=list(new), content=content, pending=pending)


class PlainRows:
    """Rows as dictionaries, for maps, for ``clicksend.read`` and for streams that look at them again."""

    def encode(self, batch: RecordBatch) -> list[Row]:
        """Return each row as a dictionary."""
        return batch.rows()

    def select(self, content: list[Row], indices: Collection[int]) -> list[Row]:
        """Return the rows at these indices."""
        return [content[index] for index in indices]


class RecordLines:
    """Rows as RECORD messages: lines as the SDK's writer writes them."""

    def __init__(self, stream: str, version: int | None) -> None:
        self._head = encoder.encode({"type": "RECORD", "stream": stream})[:-1] + b',"record":'
        self._fields: Row = {} if version is None else {"version": version}

    def encode(self, batch: RecordBatch) -> bytes:
        """Return a line for each row."""
        if not len(batch):
            return b""
        tail = b"," + encoder.encode({**self._fields, "time_extracted": datetime.now(UTC)})[1:] + b"\n"
        # No line of JSON has a line break in it: one replacement puts a message around each row.
        return self._head + batch.json_lines()[:-1].replace(b"\n", tail + self._head) + tail

    def select(self, content: bytes, indices: Collection[int]) -> bytes:
        """Return the lines at these indices."""
        return _select_lines(content, indices)


class JsonLines:
    """A file with a line of JSON for each row, compressed or not."""

    def __init__(self, *, zipped: bool) -> None:
        self.suffix = "jsonl.gz" if zipped else "jsonl"
        self._zipped = zipped

    def encode(self, batch: RecordBatch) -> bytes:
        """Return a line for each row."""
        return batch.json_lines()

    def encode_rows(self, rows: list[Row]) -> bytes:
        """Return a line for each row."""
        return encoder.encode_lines(rows)

    def select(self, content: bytes, indices: Collection[int]) -> bytes:
        """Return the lines at these indices."""
        return _select_lines(content, indices)

    def part(self, content: bytes) -> bytes:
        """Return lines as they go into the file; gzip files may be joined."""
        return igzip.compress(content, FASTEST) if self._zipped else content

    def write(self, file: IO[bytes], parts: list[bytes]) -> None:
        """Write a file."""
        file.writelines(parts)


def _select_lines(content: bytes, indices: Collection[int]) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([lines[index] for index in indices])


def plain_number(value: Any) -> str:
    """Return a number in digits, without exponent."""
    return format(value, "f")


def json_text(value: Any) -> str:
    """Return a value as JSON."""
    return encoder.encode(value).decode()
