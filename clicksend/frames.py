"""``clicksend.read``: any stream of the tap as rows, frames, Arrow or Parquet files, without a warehouse.

Not named ``clicksend.read``: a module of that name would take the function's place in the package.
"""

from __future__ import annotations

import difflib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from clicksend.config import Schema, typed
from clicksend.errors import SettingsError
from clicksend.extras import to_install
from clicksend.settings import PROPERTIES as CONNECTION
from clicksend.times import parse_iso
from clicksend.validation import check

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import pyarrow as pa  # type: ignore[import-untyped]
    from upath import UPath

    from tap_clicksend.progress import Display
    from tap_clicksend.readers.history import History
    from tap_clicksend.rows.encode import Encoder
    from tap_clicksend.sdk import ClickSendStream
    from tap_clicksend.tap import TapClickSend

TAP_SETTINGS = ("page_size", "list_ids", "pii", "pii_key", "ledger_url")
"""Settings of the tap that hold here too. Maps, say, do not: refused, they cannot be silently left out."""

ROWS_IN_A_FILE = 25_000

ROWS_IN_A_WINDOW = 50_000
"""Rows that a process reads in some seconds, so that a window that has to be read again costs little."""

FEWEST_WINDOWS = 4

StreamName = Literal[
    "account",
    "account_usage",
    "contacts",
    "countries",
    "delivery_issues",
    "email_addresses",
    "link_clicks",
    "lists",
    "mms_campaigns",
    "mms_history",
    "mms_receipts",
    "numbers",
    "outcomes",
    "sms_campaigns",
    "sms_history",
    "sms_inbound",
    "sms_receipts",
    "sms_templates",
    "statistics_sms",
    "statistics_voice",
    "subaccounts",
    "transactions",
    "voice_history",
    "voice_languages",
    "voice_receipts",
]
"""Names of the streams, so that editors complete them and type checkers reject others."""

Row = dict[str, Any]
Moment = str | date | timedelta
"""A point in time; numpy's ``datetime64`` is one too, but numpy need not be there."""


def streams() -> dict[StreamName, str]:
    """Return what there is to read: the name of each stream, and what it holds."""
    from tap_clicksend.streams import ALL  # noqa: PLC0415
    from tap_clicksend.streams.outcomes import Outcomes  # noqa: PLC0415

    kinds: list[type[ClickSendStream]] = [*ALL, Outcomes]
    # The SDK declares name for instances; ours have it in the class.
    told = {str(kind.name): (kind.__doc__ or "").partition("\n")[0] for kind in kinds}  # type: ignore[misc]
    return {cast("StreamName", name): told[name] for name in sorted(told)}


def read(
    stream: StreamName, *, since: Moment | None = None, until: Moment | None = None, **connection: Any
) -> Rows:
    """Read a stream of the tap.

    Args:
        stream: Its name, like ``sms_history``; ``streams()`` has all.
        since: For histories: the oldest moment to read: ISO 8601, a date or time of Python, pandas or numpy
            (UTC where it names no zone), or a timedelta, which is so long ago. None: the oldest that
            ClickSend still has.
        until: For histories: read only what lies before this moment. None: all.
        connection: Settings of the connection, and ``page_size``, ``list_ids``, ``pii``, ``pii_key`` and, for
            outcomes, ``ledger_url``, as the tap has them. Keys come from SKILLBOSS_API_KEY, or
            CLICKSEND_USERNAME and CLICKSEND_API_KEY, where none are given.

    Returns:
        The rows. Nothing is requested until they are iterated or converted.

    Raises:
        SettingsError: The stream is unknown, a span is given for one that is not a history, or a setting is
                missing or wrong.
    """
    config = typed(connection, properties())
    check(config, properties())
    tap = _tap(config)
    if stream == "outcomes" and stream not in tap.streams:
        raise SettingsError("outcomes needs ledger_url, the URL of target-clicksend's ledger.")
    if stream not in tap.streams:
        near = difflib.get_close_matches(stream, tap.streams, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SettingsError(f"There is no stream {stream}: {hint}the streams are {', '.join(tap.streams)}.")
    now = _now()
    span = _span(_moment("since", since, now), _moment("until", until, now), now)
    if span and not _is_history(tap.streams[stream]):
        histories = ", ".join(name for name, kind in tap.streams.items() if _is_history(kind))
        raise SettingsError(f"since and until are for {histories}; {stream} can only be read whole.")
    return Rows(stream, config | span, tap.streams[stream].schema)


class Rows:
    """The rows of one stream; each iteration and each conversion reads them anew.

    A progress bar shows in a notebook and on a terminal, nothing where stderr is piped. All methods raise
    ``ClickSendError`` where ClickSend cannot be read.

    Attributes:
        schema: JSON schema of a row, with a description of each column.
    """

    def __init__(self, stream: str, config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._stream = stream
        self._config = config

    def __repr__(self) -> str:
        return f"<rows of {self._stream}: iterate them, or call to_pandas(), to_arrow(), to_batches()>"

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows as the tap writes them: times as ISO 8601 text, prices as ``Decimal``."""
        for page in self._pages():
            yield from page

    def _pages(self, encoder: Encoder | None = None) -> Iterator[Any]:
        """Yield the rows page by page, as an encoder makes them; as dictionaries where none is given."""
        from tap_clicksend.rows.encode import PlainRows  # noqa: PLC0415

        with self._stream_to_read() as stream:
            for page in stream.read(encoder or PlainRows(), _bar):
                yield page.content

    @contextmanager
    def _stream_to_read(self, **settings: Any) -> Iterator[ClickSendStream]:
        """Make a tap of its own for each: it remembers in its state what it has read."""
        tap = _tap({**self._config, **settings})
        try:
            stream = cast("ClickSendStream", tap.streams[self._stream])
            # Else a history would write its bookmarks, as Singer messages, to stdout.
            stream.forced_replication_method = "FULL_TABLE"
            yield stream
        finally:
            tap.client.close()

    def to_arrow(self) -> pa.Table:
        """Return a table whose types come from ``schema``, not from rows; see ``tap_clicksend.rows.arrow``.

        Raises:
            ModuleNotFoundError: The extra ``arrow`` is not installed.
        """
        with _extra():
            from tap_clicksend.rows.arrow import ArrowColumns  # noqa: PLC0415
        columns = ArrowColumns(self.schema)
        return columns.table(self._pages(columns))

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow has them; nothing is requested.

        Raises:
            ModuleNotFoundError: The extra ``arrow`` is not installed.
        """
        with _extra():
            from tap_clicksend.rows.arrow import ArrowColumns  # noqa: PLC0415
        return ArrowColumns(self.schema).schema

    def windows(self, count: int | None = None) -> list[tuple[str | None, str | None]]:
        """Cut a history into equal spans of time, which several processes may read at once.

        One request says how much there is. The last window ends where the server's clock is now, so that each
        of them holds the same whenever it is read.

        Args:
            count: How many at most. None: one for every ``ROWS_IN_A_WINDOW`` rows, and four where there are
                that many pages.

        Returns:
            What to give ``read`` as ``since`` and ``until``: each row lies in one of them. Of any other
            stream, and of a history that the account may not see, one that is everything.

        Raises:
            ClickSendError: ClickSend did not answer.
        """
        from clicksend.paging import LARGEST_PAGE, read_page  # noqa: PLC0415
        from tap_clicksend.readers.windows import Span  # noqa: PLC0415
        from tap_clicksend.rows.columns import iso  # noqa: PLC0415

        ends = self._config.get("start_date"), self._config.get("end_date")
        since, until = (moment and int(parse_iso(moment).timestamp()) for moment in ends)
        with self._stream_to_read() as stream:
            history = cast("History", stream)
            if not _is_history(stream):
                return [ends]
            filters = {"date_from": since and since - 1, "date_to": until and until + 1}
            given = {name: moment for name, moment in filters.items() if moment}
            try:
                path = history.listing or history.path
                page = read_page(history.tap.client, path, history.page_params | given)
            except tuple(history.unavailable):
                return [ends]
            dates = history.parse_messages(page.rows)[str(history.replication_key)]
        end = min(filter(None, [until, int(page.date.timestamp()) + 1]))
        if since is not None and since >= end:
            return [ends]
        total = LARGEST_PAGE * FEWEST_WINDOWS if page.total is None else page.total
        wanted = max(-(-total // ROWS_IN_A_WINDOW), min(FEWEST_WINDOWS, -(-total // LARGEST_PAGE)), 1)
        oldest = min((date for date in dates if date is not None), default=end)
        spans = Span(since, end).parts(count or wanted, oldest)
        return [(None if span.since is None else iso(span.since), iso(span.until)) for span in spans]

    def to_batches(self) -> pa.RecordBatchReader:
        """Return the rows as Arrow batches of some thousand, read as they are asked for, in bounded memory.

        The reader is iterated once. DuckDB and pyarrow take it as a table.

        Raises:
            ModuleNotFoundError: The extra ``arrow`` is not installed.
        """
        with _extra():
            import pyarrow as pa  # noqa: PLC0415

            from tap_clicksend.rows.arrow import ArrowColumns  # noqa: PLC0415
        columns = ArrowColumns(self.schema)
        return pa.RecordBatchReader.from_batches(columns.schema, columns.batches(self._pages(columns)))

    def to_parquet(self, folder: str | os.PathLike[str] | UPath) -> Path | UPath:
        """Write the rows into Parquet files, as the tap's ``batch_config`` does, in bounded memory.

        Args:
            folder: On this machine, or on S3 (``s3://bucket/folder``) with the extra ``s3``, and credentials
                from the standard variables of AWS.

        Returns:
            The folder of these files, ``folder/<stream>/extracted=<time>``; each call makes a new one. On S3
            a ``UPath``.

        Raises:
            ModuleNotFoundError: The extra ``arrow`` is not installed.
            SettingsError: The extra ``s3`` is not, where it is needed.
        """
        with _extra():
            import pyarrow as pa  # noqa: F401, PLC0415
        from tap_clicksend.rows.batches import Batches, extraction_folder  # noqa: PLC0415

        place, began = _place(folder), _now()
        with self._stream_to_read(batch_config=_parquet_in(place)) as stream:
            config: Any = stream.get_batch_config(stream.config)
            batches = Batches(config, {self._stream: self.schema}, lambda *_: None, began)
            # Also where there is no row: whoever reads the folder finds the columns.
            batches.begin(self._stream)
            for _ in stream.write_files(batches, _bar):
                pass
        return place / extraction_folder(self._stream, began)

    def to_pandas(
        self, *, categories: bool = False, money: Literal["exact", "float"] = "exact"
    ) -> pd.DataFrame:
        """Return a frame with the same types whatever the rows hold, those of ``warehouse.read_sql``.

        Text is ``str``, times are ``datetime64[us, UTC]``, integers ``Int64`` (null is ``<NA>``). Prices are
        objects, ``decimal.Decimal`` or None: sums and groups stay exact, and ``astype(float)`` is there for
        plots and statistics; pandas' Arrow decimals fail in describe() and in arithmetic. Lists are arrays;
        objects, such as ``extra``, are JSON text.

        Args:
            categories: Whether columns such as status, direction and country are categories, which takes less
                memory; frames that are put together lose them.
            money: ``exact``, or ``float`` for charts and statistics.

        Raises:
            SettingsError: ``money`` is neither of them.
            ModuleNotFoundError: The extra ``arrow`` is not installed.
        """
        with _extra():
            import pandas as pd  # noqa: F401, PLC0415 - before all is read
        from clicksend.warehouse import frame_of  # noqa: PLC0415

        return frame_of(self.to_arrow(), categories=categories, money=money)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"{missing.name} is missing: {to_install('arrow')}", name=missing.name
        ) from missing


def _place(folder: str | os.PathLike[str] | UPath) -> Path | UPath:
    from upath import UPath  # noqa: PLC0415

    return UPath(folder) if "://" in str(folder) else Path(str(folder))


def _parquet_in(folder: Path | UPath) -> dict[str, Any]:
    storage = {"root": str(folder.absolute())}
    return {"encoding": {"format": "parquet"}, "storage": storage, "batch_size": ROWS_IN_A_FILE}


def _bar(stream: str, _: logging.Logger) -> Display:
    from tap_clicksend.progress import Bar  # noqa: PLC0415

    return Bar(stream, stays=True)


def properties() -> dict[str, Schema]:
    """Return the schemas of the settings that ``read`` takes."""
    from tap_clicksend.settings import PROPERTIES  # noqa: PLC0415

    return CONNECTION | {name: PROPERTIES[name] for name in TAP_SETTINGS}


def _tap(config: Mapping[str, Any]) -> TapClickSend:
    from tap_clicksend.tap import TapClickSend  # noqa: PLC0415

    with _signal_handlers_kept():
        return TapClickSend(config=dict(config))


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Undo what the SDK does to Ctrl-C: it would end a notebook's kernel and print a Singer state."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_history(stream: object) -> bool:
    from tap_clicksend.readers.history import History  # noqa: PLC0415

    return isinstance(stream, History)


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(name: str, value: object, now: datetime) -> datetime | None:
    """Return a point in time as UTC, None where none is given.

    Raises:
        SettingsError: It is none.
    """
    if value is None:
        return None
    numpy = sys.modules.get("numpy")
    if numpy and isinstance(value, numpy.datetime64):
        value = value.astype("datetime64[us]").item()
    try:
        if isinstance(value, timedelta):
            return now - value
        return parse_iso(value.isoformat() if isinstance(value, date) else cast("str", value))
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(
            f"{name} must be a date, or ISO 8601 like 2026-10-01 or 2026-10-01T00:00:00Z, or a timedelta: for"
            " a week ago write datetime.timedelta(days=7)."
        ) from None


def _span(since: datetime | None, until: datetime | None, now: datetime) -> dict[str, str]:
    """Return the tap's settings for a span of time."""
    if since and since > now:
        raise SettingsError("since lies in the future: there is nothing to read yet.")
    if since and until and since >= until:
        raise SettingsError("since must lie before until.")
    ends = {"start_date": since, "end_date": until}
    return {name: moment.isoformat() for name, moment in ends.items() if moment}
