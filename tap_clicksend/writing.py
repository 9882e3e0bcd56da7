"""Messages onto stdout: one by one, or a whole page of rows at once."""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from typing_extensions import override

from clicksend.errors import ClickSendError
from tap_clicksend.block import Block
from tap_clicksend.columns import Row
from tap_clicksend.packed import choose_lines

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message


class PageWriter(MsgSpecWriter):
    """Writes messages, and whole pages at once."""

    @override
    def write_message(self, message: Message) -> None:
        self.write(self.format_message(message))

    def write(self, lines: bytes | bytearray) -> None:
        """Write lines to stdout.

        Raises:
            ClickSendError: Nobody reads them any more.
        """
        try:
            sys.stdout.buffer.write(lines)
            sys.stdout.flush()
        except BrokenPipeError:
            # Left to the SDK's command line, it would end the run without a word.
            raise ClickSendError(
                "The program that reads the tap's output has gone: its own messages say why; the state"
                " was not moved past what that program has confirmed, so run again."
            ) from None


class RecordLines:
    """Rows as RECORD messages: lines as the SDK's writer writes them."""

    def __init__(self, stream: str, version: int | None) -> None:
        self._head = encoder.encode({"type": "RECORD", "stream": stream})[:-1] + b',"record":'
        self._fields: Row = {} if version is None else {"version": version}

    def pack(self, block: Block) -> bytes:
        """Return a line for each row."""
        if not len(block):
            return b""
        tail = b"," + encoder.encode({**self._fields, "time_extracted": datetime.now(UTC)})[1:] + b"\n"
        # No line of JSON has a line break in it: one replacement puts a message around each row.
        return self._head + block.lines()[:-1].replace(b"\n", tail + self._head) + tail

    def choose(self, content: bytes, indices: Collection[int]) -> bytes:
        """Return those lines."""
        return choose_lines(content, indices)
