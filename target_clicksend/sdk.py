"""The only place where private methods of the Singer SDK are overridden, each for a reason it gives."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk import Target
from singer_sdk.exceptions import StreamMapConfigError
from singer_sdk.mapper import RemoveRecordTransform, StreamMap
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from typing_extensions import override

from clicksend.errors import ClickSendError, SettingsError
from clicksend.meter import Traffic
from clicksend.plugin import ClickSendPlugin
from clicksend.text import escaped
from target_clicksend.columns import Columns
from target_clicksend.keys import Keys
from target_clicksend.row import Rejected, Row
from target_clicksend.singer_input import (
    LONGEST_LINE,
    Message,
    NoSchemaError,
    check_schema,
    decoded,
    lines_of,
    rows_of,
)
from target_clicksend.sinks.base import Sink
from target_clicksend.summary import exit_code

if TYPE_CHECKING:
    from target_clicksend.run import Run


class Stopped(BaseException):
    """A signal came while the input was being waited for; no ``Exception``, so that nothing holds it up."""


class LineReader(GenericSingerReader[bytes]):
    """Reads messages; a line that is not one is rejected, and never shown."""

    target: ClickSendTarget
    waiting = False
    """Whether the next line is being waited for."""

    @property
    @override
    def default_input(self) -> IO[bytes]:
        return sys.stdin.buffer

    @override
    def deserialize_json(self, line: bytes) -> Message:
        """Return a line's message.

        Raises:
            ValueError: It is not one.
        """
        message = decoded(line)
        if not isinstance(message, dict) or "type" not in message:
            raise ValueError(type(message))
        return message

    @override
    def process_lines(
        self, file_input: IO[Any] | None, callbacks: dict[str, Callable[[Message], None]]
    ) -> Counter[str]:
        stats: Counter[str] = Counter()
        source = self.default_input if file_input is None else file_input
        # Bytes, whatever the file was opened as: text that is not UTF-8 costs its line only.
        lines = lines_of(getattr(source, "buffer", source))
        try:
            while (line := self._next(lines)) is not None:
                try:
                    message = self.deserialize_json(line)
                    callback = callbacks[message["type"]]
                except (ValueError, KeyError, TypeError):
                    if line.strip():
                        self.target.reject_line(line)
                    continue
                callback(message)
                stats[message["type"]] += 1
        except Exception as error:
            self.waiting = False
            self.target.end(error)
            raise
        return stats

    def _next(self, lines: Iterator[Any]) -> Any:
        """Return the next line, None at the end or when stopped."""
        if self.target.run.stopped:
            return None
        try:
            self.waiting = True
            line = next(lines, None)
            self.waiting = False
        except Stopped:
            return None
        return line


class StreamRouter:
    """The way of one stream's rows, or of what one of its maps makes of them, into the sink."""

    def __init__(self, stream: str, stream_map: StreamMap, sink: Sink, run: Run, *, is_first: bool) -> None:
        """Prepare.

        Args:
            stream: The stream's name upstream.
            stream_map: What is done to its rows before.
            sink: The sink.
            run: The run.
            is_first: Whether it is the stream's first map; further ones need a namespace of their own.
        """
        self._stream, self._map, self._sink, self._run = stream, stream_map, sink, run
        namespace = stream if is_first else f"{stream}:{stream_map.stream_alias}"
        names = list(stream_map.transformed_key_properties or [])
        self._columns = Columns(
            sink.columns,
            stream=stream,
            settings=sink.known - sink.columns,
            keys=names,
            ignored=run.config["ignored_columns"],
            sends=sink.sends,
        )
        self._columns.check(stream_map.transformed_schema.get("properties") or {})
        self._keys = Keys(
            sink=sink.name,
            namespace=run.config.get("key_namespace") or namespace,
            properties={name: self._columns.named(name) for name in names},
            personal=sink.personal,
            hashed=run.hashed,
            clear=run.clear_keys,
            own=sink.own_key,
            needed=sink.needs_key,
        )
        if sink.needs_key:
            run.key_owners.add(stream, self._keys)
        sink.begin(stream, self._keys)

    def keys_of(self, record: dict[str, Any]) -> Iterator[str]:
        """Yield the key that a record has here, then those of earlier versions; none where a map drops it.

        Raises:
            Rejected: It has none.
        """
        mapped = self._map.transform(record)
        if mapped is not None:
            values = self._columns.read(mapped)
            yield self._keys.for_row(values)[0]
            if (known := self._run.ledger.privacy.older_keys) is not None:
                yield from self._keys.older(values, known)

    def route(self, record: Any) -> None:
        """Hand a record over as a row; whatever is wrong with it, the others go on."""
        if not isinstance(record, dict) or not record:
            self._reject(record, "it is not an object, or has no columns")
            return
        try:
            mapped = self._map.transform(record)
        except Exception as error:  # noqa: BLE001, an expression of the user's can raise anything
            self._reject(record, f"a stream map or the flattening failed on it ({type(error).__name__})")
            return
        if mapped is None:
            return
        try:
            values = self._columns.read(mapped)
            key, source_key = self._keys.for_row(values)
        except Rejected as reason:
            self._reject({self._columns.named(name): value for name, value in mapped.items()}, str(reason))
            return
        number = self._run.open_row()
        known = self._run.ledger.privacy.older_keys
        older = () if known is None else self._keys.older(values, known)
        self._sink.warn_unknown_columns(values, self._columns)
        self._sink.process_record(Row(number, self._stream, key, source_key, values, older))

    def _reject(self, record: Any, reason: str) -> None:
        """Reject a row that has no key: all of it is its key."""
        row = Row(self._run.open_row(), self._stream, self._keys.for_record(record), "{}", {})
        self._sink.reject(record)
        self._run.record_outcome(row, self._sink.name, "rejected", reason)


class ClickSendTarget(ClickSendPlugin, Target):
    """What the SDK's target does otherwise: validation, single bad rows, state, and being stopped."""

    message_reader_class = LineReader
    run: Run

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._routers: dict[str, list[StreamRouter]] = {}
        self._schemas: dict[str, Message] = {}
        cast("LineReader", self.message_reader).target = self

    @property
    @override
    def traffic(self) -> Traffic:
        run = getattr(self, "run", None)
        return Traffic() if run is None else run.traffic

    def sink_of(self, stream: str) -> Sink:
        """Return the sink that writes a stream."""
        raise NotImplementedError

    def keys_of(self, stream: str, record: dict[str, Any]) -> list[str]:
        """Return the keys of a record of which nothing is known but its key properties.

        Raises:
            SettingsError: No sink writes the stream.
            Rejected: It has none.
        """
        schema = {"type": "object", "properties": {name: {} for name in record}}
        self._process_schema_message(
            {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": list(record)}
        )
        return [key for router in self._routers[stream] for key in router.keys_of(record)]

    def reject_line(self, line: bytes) -> None:
        """Reject a line that is not a Singer message, or the beginning of one that is too long."""
        said = (
            f"is longer than {LONGEST_LINE // 2**20} MiB"
            if len(line) >= LONGEST_LINE
            else "is not a Singer message"
        )
        self.run.reject_line(line, f"a line of the input {said}")

    def finish(self) -> None:
        """Write what waits, after the last line."""
        raise NotImplementedError

    def end(self, error: Exception | None = None) -> None:
        """End the run; a signal explains the exit code better than the errors that it led to.

        Raises:
            Exception: The error that ended it.
            SystemExit: With what the run came to, unless that is 0.
        """
        self.run.end(error)
        if error is not None and not (self.run.stopped and isinstance(error, ClickSendError)):
            raise error
        if code := exit_code(self.run):
            raise SystemExit(code)

    @override
    def process_endofpipe(self) -> None:
        """Write what waits, unless the run was stopped."""
        try:
            if not self.run.stopped:
                self.finish()
        except Exception as error:  # noqa: BLE001, it is raised again
            self.end(error)
        else:
            self.end()

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Leave out the SDK's settings for tables."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    @override
    def setup_mapper(self) -> None:
        try:
            super().setup_mapper()
        except StreamMapConfigError as error:
            raise SettingsError(f"Setting stream_maps is wrong: {error}") from None

    @override
    def _process_schema_message(self, message_dict: Message) -> None:
        """Find the sinks of a stream's rows; the SDK's own are not used, they hold rows for batches."""
        check_schema(message_dict)
        stream, keys = message_dict["stream"], message_dict.get("key_properties")
        # The mapper changes what it is given, and the SDK would see a new schema in each repetition.
        if self._schemas.get(stream) == message_dict:
            return
        try:
            self.mapper.register_raw_stream_schema(stream, message_dict["schema"], keys)
        except Exception as error:  # noqa: BLE001, many kinds
            said = f": {error}" if isinstance(error, StreamMapConfigError) else f" ({type(error).__name__})."
            raise SettingsError(
                f"The schema of stream {escaped(stream)} does not go with stream_maps or the flattening{said}"
            ) from None
        self._schemas[stream] = message_dict
        self._routers[stream] = [
            StreamRouter(stream, one, self.sink_of(one.stream_alias), self.run, is_first=not number)
            for number, one in enumerate(self.mapper.stream_maps[stream])
            if not isinstance(one, RemoveRecordTransform)
        ]

    @override
    def _process_record_message(self, message_dict: Message) -> None:
        """Hand a row over; the SDK would validate it, and end the run where it is wrong."""
        self._route(message_dict, [message_dict.get("record")])

    @override
    def _process_batch_message(self, message_dict: Message) -> None:
        """Let the rows of files take the way of records."""
        self._route(message_dict, rows_of(message_dict, Path(self.config["batch_root"])))

    def _route(self, message: Message, records: Iterable[Any]) -> None:
        stream = message.get("stream")
        if not isinstance(stream, str) or stream not in self._routers:
            raise NoSchemaError
        for record in records:
            if self.run.stopped:
                return
            for router in self._routers[stream]:
                router.route(record)

    @override
    def _process_state_message(self, message_dict: Message) -> None:
        """Keep the state until its rows have an outcome; the SDK would write it at the end only."""
        if isinstance(message_dict.get("value"), dict):
            self.run.add_state(message_dict["value"])
        else:
            self.reject_line(repr(message_dict).encode(errors="replace"))

    @override
    def _process_activate_version_message(self, message_dict: Message) -> None:
        """Do nothing: here only ``_sdc_deleted_at`` and the mode ``mirror`` delete."""

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Stop means stop: what is under way ends, nothing new starts. The SDK would write all that waits."""
        run = getattr(self, "run", None)
        if run is None:
            raise SystemExit(128 + signum)
        run.stop(signum)
        reader = cast("LineReader", self.message_reader)
        if reader.waiting:
            reader.waiting = False
            raise Stopped
