"""The only place where private methods of the Singer SDK are overridden, each for a reason it gives."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cached_property, partial
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from clicksend.client import Client
from clicksend.errors import ApiError, ClickSendError, SettingsError, UnexpectedAnswerError
from clicksend.meter import Traffic
from clicksend.plugin import ClickSendPlugin
from clicksend.settings import Settings
from clicksend.text import counted, escaped
from tap_clicksend.catalog import Columns, Selection, checked_catalog
from tap_clicksend.progress import Display, Progress, log_fields, run_summary, shown_on_stderr
from tap_clicksend.rows.batches import EXTRACTION, Batches, is_lake
from tap_clicksend.rows.columns import Column, Row, iso
from tap_clicksend.rows.conform import Conformer
from tap_clicksend.rows.encode import EncodedPage, Encoder, PlainRows, RecordLines
from tap_clicksend.rows.schema import Mask, RecordBatch, StreamSchema
from tap_clicksend.state import checked_state, seconds_of

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.encoding.simple import Message, RecordMessage, SchemaMessage


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


class ClickSendTap(ClickSendPlugin, Tap):
    """What the SDK's tap does otherwise: the catalog and being stopped."""

    @override
    def __init__(self, *, catalog: Any = None, **options: Any) -> None:
        # The SDK's own catalog forgets the keywords that it does not know.
        self._given_catalog = catalog
        super().__init__(catalog=catalog, **options)

    @override
    def setup_mapper(self) -> None:
        """Look at the catalog first: no row goes out under a schema that does not allow it.

        Raises:
            SettingsError: It asks for a type that a column cannot be converted to, or leaves out a key.
        """
        if self.input_catalog:
            given = self._given_catalog
            entries = given["streams"] if isinstance(given, dict) else self.input_catalog.to_dict()["streams"]
            for entry in entries:
                stream = cast("ClickSendStream | None", self.streams.get(entry["tap_stream_id"]))
                if stream and stream.selected:
                    schema = stream.select_columns(entry["schema"])
                    self.input_catalog[stream.tap_stream_id].schema = Schema.from_dict(schema)
        super().setup_mapper()

    @override
    @classmethod
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **options: Any) -> None:
        super().invoke(
            state=state and checked_state(state), catalog=catalog and checked_catalog(catalog), **options
        )

    @override  # type: ignore[misc]  # final, for all that it does must be done, as it is
    def sync_all(self) -> None:
        """Read all streams, and log at the end how much that was."""
        started = time.monotonic()
        self._selected = [cast("ClickSendStream", one) for one in self.streams.values() if one.selected]
        try:
            super().sync_all()
        except SystemExit:
            if self.report.error:
                self.logger.warning("%s", self.report.error)
            raise
        finally:
            self._fill_report()
        bookmarks = {
            name: state["replication_key_value"]
            for name, state in self.state.get("bookmarks", {}).items()
            if "replication_key_value" in state
        }
        read = [one.progress for one in self._selected]
        self.logger.info("%s.", run_summary(read, time.monotonic() - started, bookmarks))

    def _fill_report(self) -> None:
        for stream in self._selected:
            self.report.rows[stream.name, "read"] = stream.progress.rows
        self.report.re_reads = sum(stream.progress.re_reads for stream in self._selected)

    @property
    @override
    def traffic(self) -> Traffic:
        return self.client.traffic if "client" in vars(self) else Traffic()

    @cached_property
    def client(self) -> Client:
        """The connection that all streams share."""
        return Client(Settings.from_config(self.config))

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Write the state as the SDK does, but exit with 128 + signal instead of 0.

        Not with BATCH files: until the one in hand is announced, the state may be ahead of it.
        """
        self.report.error = f"Stopped by {signal.Signals(signum).name}: the next run goes on from the state."
        try:
            if "batch_config" not in self.config:
                super()._handle_termination(signum, frame)
        finally:
            raise SystemExit(128 + signum)


WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python raises where an answer is not what it should be."""


class ClickSendStream(Stream):
    """What all streams share: rows read from the API, typed, each key once."""

    path: ClassVar[str]
    columns: ClassVar[dict[str, Column]]
    marks_deleted: ClassVar[bool] = False
    """Whether rows that are missing from a complete read are gone."""
    unavailable: ClassVar[dict[type[ApiError], str]] = {}
    """Errors that mean the account has nothing here, with what to tell the user."""

    # The state moves only when a stream says so.
    STATE_MSG_FREQUENCY = sys.maxsize
    # The columns are typed already: the SDK's second look at every value halves the speed.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: ClickSendTap) -> None:
        self.tap = tap
        self.stream_schema = StreamSchema(self.columns, self.primary_keys)
        self.progress = Progress(self.name)
        self._batches: Batches | None = None
        self.complete = False
        """Whether every row that the API has was read in this run."""
        self._selection: Selection | None = None
        self._mask_personal = Mask(self.columns, tap.config["pii"], tap.config.get("pii_key", ""))
        super().__init__(tap, schema=self.stream_schema.json_schema)
        # A catalog may give others, but rows are read by these.
        self._needed = [*self.primary_keys, *filter(None, [self.replication_key])]

    @property
    @override
    def logger(self) -> logging.Logger:
        # From 0.55 on the SDK's drops what a line has as fields.
        return logging.getLogger(f"{self.tap_name}.{self.name}")

    def raw_pages(self) -> Iterator[list[Row]]:
        """Yield the API's rows as they are, page by page."""
        raise NotImplementedError

    def parse(self, raw_rows: list[Row]) -> RecordBatch:
        """Return the API's rows with all columns, personal data included."""
        return self.stream_schema.parse(raw_rows)

    def parse_masked(self, raw_rows: list[Row]) -> RecordBatch:
        """Return the API's rows with all columns, personal data kept, hashed or dropped as ``pii`` says."""
        return self._mask_personal(self.parse(raw_rows))

    def filter_rows(self, batch: RecordBatch) -> RecordBatch:
        """Return those rows that belong to this run."""
        return batch

    def encode(self, batch: RecordBatch, encoder: Encoder) -> EncodedPage:
        """Return rows as they go out, without those that have no key."""
        whole = self.stream_schema.with_keys(batch)
        if len(whole) < len(batch):
            self.complete = False
            self.logger.error("%s: a row without its %s was left out.", self.path, self.stream_schema.keys)
        selected = self._selection(whole) if self._selection else whole
        return EncodedPage(self.stream_schema.keys_of(whole), encoder, encoder.encode(selected))

    def select_columns(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let rows go out under a catalog's schema; return the schema that they then have.

        Raises:
            SettingsError: It asks for a type that a column cannot be converted to, or leaves out a key.
        """
        columns = Columns(self.name, self.schema, dict.fromkeys([*self._needed, *self.primary_keys]))
        selected = [name for name in self.schema["properties"] if self.mask["properties", name]]
        mapped = any(self.config.get(setting) for setting in ("stream_maps", "flattening_enabled"))
        self._selection = columns.select(given, selected, mapped=mapped)
        for name in columns.unknown(given):
            self.logger.warning(
                "The catalog has a column %s, which %s does not have.", escaped(name), self.name
            )
        return dict(self._selection.schema)

    def pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        """Yield the stream's rows page by page, each key once.

        Whoever asks for the next page has written the one before: what a stream does after its last page may
        rely on all being written.
        """
        seen: set[Any] = set()
        for raw_rows in self.raw_pages():
            batch = self.filter_rows(self.parse_masked(raw_rows))
            page = self.encode(batch, encoder).without(seen)
            seen.update(page.keys)
            yield page

    def read(
        self, encoder: Encoder, display: Callable[[str, logging.Logger], Display] = shown_on_stderr
    ) -> Iterator[EncodedPage]:
        """Yield the pages of this run, show the progress, and know at the end whether they are all there are.

        Args:
            encoder: Turns rows into the pages' content.
            display: Makes what shows the progress, of the stream's name and its logger.

        Raises:
            ClickSendError: A page could not be read; those before it were yielded.
        """
        self.complete = True
        self.progress = Progress(self.name)
        with contextlib.closing(display(self.name, self.logger)) as shown:
            for page in self._available_pages(encoder):
                yield page
                self.progress.rows += len(page.keys)
                self.progress.pages += 1
                shown.update(self.progress)
        self.logger.info("%s.", self.summary(), extra=log_fields(self.progress))

    def _available_pages(self, encoder: Encoder) -> Iterator[EncodedPage]:
        """Yield the pages up to an error that means the account has nothing here; explain all others."""
        try:
            yield from self.pages(encoder)
        except WRONG_SHAPE as error:
            raise UnexpectedAnswerError(
                f"GET {self.path}: the answer does not have the shape of ClickSend's. Check api_url, and any"
                " proxy in between; if they are right, look for a newer version of singer-clicksend."
            ) from error
        except tuple(self.unavailable) as error:
            self.complete = False
            advice = next(text for kind, text in self.unavailable.items() if isinstance(error, kind))
            self.logger.warning("%s Going on without %s: %s", error, self.name, advice)

    def summary(self) -> str:
        """Return how much was read, for the log."""
        done = self.progress
        rows, speed = counted(done.rows, "row"), counted(done.rows_per_second, "row")
        return f"{self.name}: {rows}, {counted(done.pages, 'page')} in {done.seconds:.1f} s, {speed}/s"

    @property
    def is_incremental(self) -> bool:
        """Whether the stream goes by its bookmark."""
        return self.replication_method == REPLICATION_INCREMENTAL

    @property
    def bookmark(self) -> int | None:
        """Up to where earlier runs have read, Unix seconds; None where there is none to go by.

        Raises:
            SettingsError: The state holds something else.
        """
        value = self.stream_state.get("replication_key_value")
        return seconds_of(value, self.name) if value and self.is_incremental else None

    def advance(self, to: int) -> int:
        """Move the bookmark forward, never back; return where it is then, Unix seconds."""
        reached = max(to, self.bookmark or to)
        if self.is_incremental:
            self.stream_state["replication_key"] = type(self).replication_key
            self.stream_state["replication_key_value"] = iso(reached)
        return reached

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        for page in self.read(PlainRows()):
            yield from page.content

    def write_state(self) -> None:
        """Write the state, after the rows that it stands for."""
        if self._batches:
            self._batches.then(partial(self.tap.state_writer.write_state, deepcopy(self.tap_state)))
        else:
            self.state_manager.is_flushed = False
            self._write_state_message()

    @property
    def shows_deleted(self) -> bool:
        """Whether a complete read shows what is gone, with these settings."""
        return self.marks_deleted

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        return self.shows_deleted and bool(self.config["emit_activate_version"])

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **options: Any) -> None:
        """Log, the SDK's "unhandled error" at DEBUG only: the error itself tells more."""
        is_noise = "unhandled error" in message
        super().log(message, *args, level=logging.DEBUG if is_noise else level, **options)

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Check the bookmark, by reading it, before the SDK logs it whatever it is."""
        _ = self.bookmark
        super()._write_starting_replication_value(context)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return nothing: a bookmark here never lies after the server's own clock."""

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Context | None = None) -> None:
        """Leave the bookmark to the stream, which moves it when all it covers has been written.

        The SDK takes the largest value of the run: a re-read of old rows alone would move it back.
        """

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Wait for the last row: sent first, a run that dies would leave all rows marked as deleted."""

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Row, Any, Any]:
        """Write whole pages where nothing asks for a look at single rows; then say what is gone."""
        if write_messages and self._writes_pages():
            self._sync_pages()
        else:
            yield from super()._sync_records(context, write_messages=write_messages)
        if write_messages and self._stream_version is not None and self.complete:
            super()._write_activate_version_message(self._stream_version)

    @override
    def _generate_schema_messages(self) -> Generator[SchemaMessage, None, None]:
        """Describe all columns of Parquet files."""
        for message in super()._generate_schema_messages():
            if is_lake(self.get_batch_config(self.config)):
                columns = message.schema["properties"] | EXTRACTION
                message.schema = {**message.schema, "properties": columns}
            yield message

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write files of rows that went through selection and maps, which the SDK's own way leaves out.

        No message says what is gone: no row of a file carries a version.
        """

        def announce(name: str, url: str) -> None:
            self.tap.write_message(SDKBatchMessage(name, batch_config.encoding, [url]))
            self.state_manager.is_flushed = False
            files.increment()

        with self.get_record_counter() as counter, self.get_batch_counter() as files, self.get_sync_timer():
            self._write_starting_replication_value(None)
            schemas = {one.stream_alias: one.transformed_schema for one in self.stream_maps}
            for rows in self.write_files(Batches(batch_config, schemas, announce, datetime.now(UTC))):
                counter.increment(rows)
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def write_files(
        self, batches: Batches, display: Callable[[str, logging.Logger], Display] = shown_on_stderr
    ) -> Iterator[int]:
        """Read the stream into files; yield after each page how many rows it had.

        Args:
            batches: What writes the files.
            display: Makes what shows the progress.

        Raises:
            ClickSendError: A page could not be read, or a file not written.
        """
        self._batches = batches
        is_unmapped = self._is_unmapped()
        for page in self.read(batches.encoder(self.name) if is_unmapped else PlainRows(), display):
            if is_unmapped:
                batches.add(self.name, len(page.keys), page.content)
            else:
                self._add_mapped(page.content, batches)
            yield len(page.keys)
        batches.flush()
        if self.shows_deleted and self.complete:
            batches.mark_complete()

    def _add_mapped(self, rows: list[Row], batches: Batches) -> None:
        """Add rows after maps, under each name that these give them."""
        for stream_map in self.stream_maps:
            name = stream_map.stream_alias
            with self._evaluating():
                mapped = [row for row in map(stream_map.transform, rows) if row is not None]
            if conform := self._conformers.get(name):
                mapped = list(map(conform, mapped))
            batches.add(name, len(mapped), batches.encoder(name).encode_rows(mapped))

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """Convert what a map's expressions made to its schema's types, which the SDK only guesses."""
        with self._evaluating():
            messages = list(super()._generate_record_messages(record))
        for message in messages:
            if conform := self._conformers.get(message.stream):
                conform(message.record)
            yield message

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Name the setting when an expression of a map fails.

        Raises:
            SettingsError: It does; the error itself could quote the row.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001, an expression of the user's can raise anything
            reason = type(error.__cause__ or error).__name__
            raise SettingsError(
                f"Setting stream_maps: an expression for stream {self.name} cannot be evaluated ({reason}):"
                " look for names that its rows do not have, and for columns that can be null."
            ) from None

    @cached_property
    def _conformers(self) -> dict[str, Conformer]:
        """What converts mapped rows to their schema's types, by the name that they go out under."""
        return {
            one.stream_alias: Conformer(one.stream_alias, one.transformed_schema)
            for one in self.stream_maps
            if isinstance(one, CustomStreamMap)
        }

    def _writes_pages(self) -> bool:
        is_whole_run = self.ABORT_AT_RECORD_COUNT is None
        return isinstance(self.tap.message_writer, PageWriter) and is_whole_run and self._is_unmapped()

    def _is_unmapped(self) -> bool:
        """Return whether rows go out as they are encoded: no map, no flattening."""
        (stream_map, *others) = self.stream_maps
        return type(stream_map) is SameRecordTransform and not (others or stream_map.flattening_enabled)

    def _sync_pages(self) -> None:
        """Do what the SDK's own method does for the rows of this stream, a page at a time."""
        writer = cast("PageWriter", self.tap.message_writer)
        with self.get_record_counter() as counter, self.get_sync_timer():
            self._write_starting_replication_value(None)
            for page in self.read(RecordLines(self.name, self._stream_version)):
                writer.write(page.content)
                self.state_manager.is_flushed = False
                counter.increment(len(page.keys))
        self._finalize_state(self.stream_state)
        self._write_state_message()
