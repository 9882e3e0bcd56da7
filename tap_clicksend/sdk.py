"""The only place where private methods of the Singer SDK are overridden, each for a reason it gives."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from functools import cached_property, partial
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream, Tap
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from clicksend.errors import ApiError, UnexpectedAnswerError
from clicksend.plugin import ClickSendPlugin
from clicksend.text import counted, escaped
from tap_clicksend.batches import Batches
from tap_clicksend.block import Block
from tap_clicksend.catalog import Columns, Outgoing
from tap_clicksend.columns import Column, Row
from tap_clicksend.fitting import Fit
from tap_clicksend.inputs import checked_catalog, checked_state
from tap_clicksend.packed import AsRows, Form, Packed
from tap_clicksend.pii import Mask
from tap_clicksend.progress import Display, Progress, closing, display, fields
from tap_clicksend.table import Table
from tap_clicksend.times import seconds_of
from tap_clicksend.writing import PageWriter, RecordLines

if TYPE_CHECKING:
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.encoding.simple import RecordMessage

    from tap_clicksend.tap import TapClickSend


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
            SettingsError: It asks for columns that there are not.
        """
        if self.input_catalog:
            given = self._given_catalog
            entries = given["streams"] if isinstance(given, dict) else self.input_catalog.to_dict()["streams"]
            for entry in entries:
                stream = cast("ClickSendStream | None", self.streams.get(entry["tap_stream_id"]))
                if stream and stream.selected:
                    schema = stream.go_by(entry["schema"])
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
        """Read all streams, and say at the end what came of it."""
        started = time.monotonic()
        super().sync_all()
        bookmarks = {
            name: state["replication_key_value"]
            for name, state in self.state.get("bookmarks", {}).items()
            if "replication_key_value" in state
        }
        read = [cast("ClickSendStream", one).progress for one in self.streams.values() if one.selected]
        self.logger.info("%s.", closing(read, time.monotonic() - started, bookmarks))

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Write the state as the SDK does, but exit with 128 + signal instead of 0.

        Not with BATCH files: until the one in hand is announced, the state may be ahead of it.
        """
        try:
            if "batch_config" not in self.config:
                super()._handle_termination(signum, frame)
        finally:
            raise SystemExit(128 + signum)


class ClickSendStream(Stream):
    """What all streams share: rows read from the API, typed, each key once."""

    path: ClassVar[str]
    columns: ClassVar[dict[str, Column]]
    marks_deleted: ClassVar[bool] = False
    """Whether rows that are missing from a complete read are gone (ACTIVATE_VERSION)."""
    unavailable: ClassVar[dict[type[ApiError], str]] = {}
    """Errors that mean the account has nothing here, with what to tell the user."""

    # The state moves only when a stream says so.
    STATE_MSG_FREQUENCY = sys.maxsize
    # The columns are typed already: the SDK's second look at every value halves the speed.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: TapClickSend) -> None:
        self.tap = tap
        self.table = Table(self.columns, self.primary_keys)
        self.form: Form = AsRows()
        self.display: Callable[[str, logging.Logger], Display] = display
        self.progress = Progress(self.name)
        self._batches: Batches | None = None
        self.complete = False
        """Whether every row that the API has was read in this run."""
        self._outgoing: Outgoing | None = None
        self._mask_personal = Mask(self.columns, tap.config["pii"], tap.config.get("pii_key", ""))
        super().__init__(tap, schema=self.table.schema)
        # A catalog may give others, but rows are read by these.
        self._needed = [*self.primary_keys, *filter(None, [self.replication_key])]

    def read(self) -> Iterator[list[Row]]:
        """Yield the API's rows as they are, page by page."""
        raise NotImplementedError

    def typed(self, raw_rows: list[Row]) -> Block:
        """Return the API's rows as rows of this stream, personal data as the settings want it."""
        return self._mask_personal(self.block(raw_rows))

    def block(self, raw_rows: list[Row]) -> Block:
        """Return the API's rows with all columns, personal data included."""
        return self.table.block(raw_rows)

    def wanted(self, block: Block) -> Block:
        """Return those typed rows that belong to this run."""
        return block

    def pack(self, block: Block) -> Packed:
        """Return typed rows in the form in which they go out, without those that have no key."""
        whole = self.table.whole(block)
        if len(whole) < len(block):
            self.complete = False
            self.logger.error("%s: a row without its %s was left out.", self.path, self.table.keys)
        going = self._outgoing(whole) if self._outgoing else whole
        return Packed(self.table.keys_of(whole), self.form, self.form.pack(going))

    def go_by(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let rows go out as a catalog's schema wants them; return the schema that they then have.

        Raises:
            SettingsError: It wants what the columns cannot be.
        """
        columns = Columns(self.name, self.schema, dict.fromkeys([*self._needed, *self.primary_keys]))
        selected = [name for name in self.schema["properties"] if self.mask["properties", name]]
        mapped = any(self.config.get(setting) for setting in ("stream_maps", "flattening_enabled"))
        self._outgoing = columns.outgoing(given, selected, mapped=mapped)
        for name in columns.strangers(given):
            self.logger.warning("The catalog has a column %s, which %s has not.", escaped(name), self.name)
        return dict(self._outgoing.schema)

    def pages(self) -> Iterator[Packed]:
        """Yield typed rows page by page, each key once."""
        seen: set[Any] = set()
        for raw_rows in self.read():
            page = self.pack(self.wanted(self.typed(raw_rows))).without(seen)
            seen.update(page.keys)
            yield page

    def whole_pages(self) -> Iterator[Packed]:
        """Yield the pages of this run; note whether they are all there are."""
        self.complete = True
        self.progress = Progress(self.name)
        with contextlib.closing(self.display(self.name, self.logger)) as shown:
            for page in self._pages_there_are():
                yield page
                self.progress.rows += len(page.keys)
                self.progress.pages += 1
                shown.update(self.progress)
        self.logger.info("%s.", self.summary(), extra=fields(self.progress))

    def summary(self) -> str:
        """Say what was read."""
        done = self.progress
        rows, speed = counted(done.rows, "row"), counted(done.rows_per_second, "row")
        return f"{self.name}: {rows}, {counted(done.pages, 'page')} in {done.seconds:.1f} s, {speed}/s"

    def _pages_there_are(self) -> Iterator[Packed]:
        try:
            yield from self.pages()
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise UnexpectedAnswerError(
                f"GET {self.path}: the answer has a shape that ClickSend's have not. Check api_url, and any"
                " proxy in between; if they are right, look for a newer version of singer-clicksend."
            ) from error
        except tuple(self.unavailable) as error:
            self.complete = False
            advice = next(text for kind, text in self.unavailable.items() if isinstance(error, kind))
            self.logger.warning("%s Going on without %s: %s", error, self.name, advice)

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        for page in self.whole_pages():
            yield from page.content

    def write_state(self) -> None:
        """Write the state, after the rows that it stands for."""
        if self._batches:
            self._batches.then(partial(self.tap.state_writer.write_state, deepcopy(self.tap_state)))
        else:
            self.state_manager.is_flushed = False
            self._write_state_message()

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        is_wanted = self.config["emit_activate_version"] and "batch_config" not in self.config
        return self.marks_deleted and is_wanted

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **options: Any) -> None:
        """Log; the SDK's note that something went wrong is said better by what went wrong."""
        is_noise = "unhandled error" in message
        super().log(message, *args, level=logging.DEBUG if is_noise else level, **options)

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Look at the bookmark before the SDK logs it, whatever it is."""
        value = self.stream_state.get("replication_key_value")
        if value and self.replication_method == REPLICATION_INCREMENTAL:
            seconds_of(value, self.name)
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
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write files of rows that went through selection and maps, which the SDK's own way leaves out."""

        def announce(name: str, url: str) -> None:
            self.tap.write_message(SDKBatchMessage(name, batch_config.encoding, [url]))
            self.state_manager.is_flushed = False
            files.increment()

        schemas = {stream_map.stream_alias: stream_map.transformed_schema for stream_map in self.stream_maps}
        self._batches = Batches(batch_config, schemas, announce)
        with self.get_record_counter() as counter, self.get_batch_counter() as files, self.get_sync_timer():
            self._write_starting_replication_value(None)
            if is_unmapped := self._is_unmapped():
                self.form = self._batches.form(self.name)
            for page in self.whole_pages():
                if is_unmapped:
                    self._batches.add(self.name, len(page.keys), page.content)
                else:
                    self._add_mapped(page.content, self._batches)
                counter.increment(len(page.keys))
            self._batches.flush()
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def _add_mapped(self, rows: list[Row], batches: Batches) -> None:
        """Add rows after maps, under each name that these give them."""
        for stream_map in self.stream_maps:
            name = stream_map.stream_alias
            fit = self._fits.get(name)
            mapped = [row for row in map(stream_map.transform, rows) if row is not None]
            batches.add(
                name, len(mapped), batches.form(name).pack_rows(list(map(fit, mapped)) if fit else mapped)
            )

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """Give what a map's expressions made the types that its schema says, which the SDK only guesses."""
        for message in super()._generate_record_messages(record):
            if fit := self._fits.get(message.stream):
                fit(message.record)
            yield message

    @cached_property
    def _fits(self) -> dict[str, Fit]:
        """What makes rows fit, by the name that they go out under."""
        return {
            one.stream_alias: Fit(one.stream_alias, one.transformed_schema)
            for one in self.stream_maps
            if isinstance(one, CustomStreamMap)
        }

    def _writes_pages(self) -> bool:
        is_whole_run = self.ABORT_AT_RECORD_COUNT is None
        return isinstance(self.tap.message_writer, PageWriter) and is_whole_run and self._is_unmapped()

    def _is_unmapped(self) -> bool:
        """Return whether rows go out as they are packed: no map, no flattening."""
        (stream_map, *others) = self.stream_maps
        return type(stream_map) is SameRecordTransform and not (others or stream_map.flattening_enabled)

    def _sync_pages(self) -> None:
        """Do what the SDK's own method does for the rows of this stream, a page at a time."""
        writer = cast("PageWriter", self.tap.message_writer)
        self.form = RecordLines(self.name, self._stream_version)
        with self.get_record_counter() as counter, self.get_sync_timer():
            self._write_starting_replication_value(None)
            for page in self.whole_pages():
                writer.write(page.content)
                self.state_manager.is_flushed = False
                counter.increment(len(page.keys))
        self._finalize_state(self.stream_state)
        self._write_state_message()
