"""A stream's rows as Arrow, in types that come from its JSON schema and never from the rows.

Two files of one stream therefore always have the same columns, also when one of them is empty, and whatever
stream maps, flattening or selection made of the schema:

==================================  ======================================================================
JSON schema                         Arrow
==================================  ======================================================================
string                              string
string, format date-time            timestamp[us, UTC]; microseconds, since parquet has no seconds
integer                             int64
number                              decimal128(38, 9): exact, up to 29 digits before the point and 9 after
boolean                             bool
array of strings                    list<string>
object, and whatever else there is  string that holds JSON: an object's fields differ from row to row, so a
                                    struct type would have to be inferred, and would change from file to file
==================================  ======================================================================

A value that its column cannot hold never costs its row: a number with more than 9 decimals is rounded, any
other is left null, and a warning names the column and counts them.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from itertools import islice
from typing import IO, Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.json as pj  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from singer_sdk.contrib.msgspec import encoder

from clicksend.times import parse_iso
from tap_clicksend.rows.batches import EXTRACTION
from tap_clicksend.rows.columns import Row
from tap_clicksend.rows.encode import json_text
from tap_clicksend.rows.schema import RecordBatch

PAGES = 100
"""Pages that are converted at once."""

ROW_GROUP = 50_000
"""Rows of a Parquet file that are skipped or read as one, by the times in them."""

SMALLEST = Decimal("1e-9")
EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)

_decoder = msgspec.json.Decoder(dict[str, list[Any]], float_hook=Decimal)
_digits = Context(prec=38)
_logger = logging.getLogger("tap-clicksend")


@dataclass(frozen=True)
class Kind:
    """How a column's values become Arrow.

    Attributes:
        arrow: The Arrow type.
        fit: Turns a value that Arrow does not read by itself into one that it does; raises ``ValueError`` or
            ``ArithmeticError`` where there is none.
    """

    arrow: pa.DataType
    fit: Callable[[Any], Any]


class ArrowColumns:
    """The columns of a stream in Arrow, and the encoder for them.

    They are made of JSON, each page an object of columns: Arrow's reader is exact, refuses what does not fit,
    and lets Python's other threads run meanwhile, which no conversion of Python objects does. In it times are
    microseconds since 1970, which Arrow need not parse.

    Attributes:
        schema: Their Arrow schema. All are nullable, keys too, so that files can always be read together.
    """

    def __init__(self, json_schema: Mapping[str, Any]) -> None:
        self._kinds = {name: _kind(column) for name, column in json_schema["properties"].items()}
        self._nested = [name for name, kind in self._kinds.items() if kind is JSON]
        self._times = [name for name, kind in self._kinds.items() if kind is TIME]
        self._decimals = [name for name, kind in self._kinds.items() if kind is NUMBER]
        self.schema = pa.schema([(name, kind.arrow) for name, kind in self._kinds.items()])
        given = {name: pa.int64() if kind is TIME else kind.arrow for name, kind in self._kinds.items()}
        lists = pa.schema([(name, pa.list_(type_)) for name, type_ in given.items()])
        self._parsing = pj.ParseOptions(explicit_schema=lists, unexpected_field_behavior="ignore")

    def encode(self, batch: RecordBatch) -> bytes:
        """Return a line with an object of the rows' columns; where types vary, text that holds JSON."""
        times = {name: [time and time * 1_000_000 for time in batch[name]] for name in self._times}
        return self._line({**batch.columns, **times})

    def encode_rows(self, rows: list[Row]) -> bytes:
        """Return rows that maps have made as ``encode`` returns others; they may lack columns."""
        columns = {name: [row.get(name) for row in rows] for name in self._kinds}
        return self._line(columns | {name: list(map(_microseconds, columns[name])) for name in self._times})

    def _line(self, columns: dict[str, Sequence[Any]]) -> bytes:
        nested = [name for name in self._nested if columns[name].count(None) < len(columns[name])]
        texts = {name: list(map(_json_or_none, columns[name])) for name in nested}
        return encoder.encode(columns | texts) + b"\n"

    def select(self, content: bytes, indices: Collection[int]) -> bytes:
        """Return the rows at these indices of what ``encode`` returned."""
        columns = _decoder.decode(content)
        selected = {name: [values[index] for index in indices] for name, values in columns.items()}
        return encoder.encode(selected) + b"\n"

    def table(self, pages: Iterable[bytes]) -> pa.Table:
        """Return encoded pages as a table with exactly ``schema``."""
        return pa.Table.from_batches(self.batches(pages), self.schema)

    def batches(self, pages: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        """Yield encoded pages as Arrow batches with exactly ``schema``, as soon as there are ``PAGES``."""
        ahead = iter(pages)
        while some := list(islice(ahead, PAGES)):
            yield from self.part(b"".join(some)).to_batches()

    def part(self, content: bytes) -> pa.Table:
        """Return encoded pages, at least one, as a table with exactly ``schema``."""
        # This takes a quarter of the time of what stands below, which is for pages that Arrow refuses.
        with suppress(pa.ArrowInvalid):
            # In one block: further threads would compete with those that read, and further calls of Arrow's
            # for their lock. flatten(), for values, would import pyarrow.compute first.
            reading = pj.ReadOptions(use_threads=False, block_size=len(content))
            [lists] = pj.read_json(pa.BufferReader(content), reading, self._parsing).to_batches()
            arrays = {name: lists.column(name).values for name in self._kinds}
            times = {name: arrays[name].view(TIME.arrow) for name in self._times}
            table = pa.Table.from_arrays([*{**arrays, **times}.values()], schema=self.schema)
            for name in self._decimals:
                # The reader lets a digit too many pass.
                table.column(name).validate(full=True)
            return table
        pages = _decoder.decode_lines(content)
        columns = [
            _array(name, kind, [value for page in pages for value in page[name]])
            for name, kind in self._kinds.items()
        ]
        return pa.Table.from_arrays(columns, schema=self.schema)


class Parquet(ArrowColumns):
    """Parquet files of a stream, with the columns ``EXTRACTION`` beside those of the rows.

    The rows of a file are sorted by the first column of times, which of messages is their date: who asks for
    a month reads the groups of rows that have some of it, by their least and greatest times.
    """

    suffix = "parquet"

    def __init__(self, json_schema: Mapping[str, Any], *, zipped: bool, began: datetime) -> None:
        own = {name: one for name, one in json_schema["properties"].items() if name not in EXTRACTION}
        super().__init__({"properties": own})
        self._compression = "gzip" if zipped else "snappy"
        sequence = (began - EPOCH) // MILLISECOND
        values = zip(EXTRACTION.items(), (sequence * 1000, sequence), strict=True)
        self._extraction = [(name, _kind(column).arrow, value) for (name, column), value in values]

    def write(self, file: IO[bytes], parts: list[pa.Table]) -> None:
        """Write a file."""
        table = pa.concat_tables([pa.Table.from_batches([], self.schema), *parts])
        if self._times and not _is_sorted(table.column(self._times[0])):
            table = table.take(pc.sort_indices(table, [(self._times[0], "ascending")]))
        for name, type_, value in self._extraction:
            # Of a Python object Arrow could only make it with pandas imported, which takes 40 MB.
            data = pa.py_buffer(array("q", [value]) * table.num_rows)
            column = pa.Array.from_buffers(type_, table.num_rows, [None, data])
            table = table.append_column(name, column)
        # To a Python file every small write would wait for its turn among the threads.
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression=self._compression, row_group_size=ROW_GROUP)
        file.write(buffer.getvalue())


def _is_sorted(times: pa.ChunkedArray) -> bool:
    """Return whether rows need not be copied to be sorted: histories come in order."""
    return not times.null_count and pc.all(pc.less_equal(times[:-1], times[1:])).as_py() is not False


def _array(name: str, kind: Kind, values: list[Any]) -> pa.Array:
    """Convert values one by one: some do not fit, and Arrow does not say which."""
    fitting = [_fit(kind, value) for value in values]
    if misfits := sum(map(_differs, values, fitting)):
        _logger.warning(
            "Column %s: %d of %d values do not fit %s; too many decimals were rounded, others left null.",
            name,
            misfits,
            len(values),
            kind.arrow,
        )
    return pa.array(fitting, kind.arrow)


def _fit(kind: Kind, value: Any) -> Any:
    try:
        return None if value is None else kind.fit(value)
    except (ValueError, ArithmeticError):
        return None


def _differs(value: Any, fit: Any) -> bool:
    """Return whether fitting a value lost something of it."""
    if fit is None:
        return value is not None
    return isinstance(fit, Decimal) and fit != _number(value)


def _number(value: Any) -> Decimal:
    number = Decimal(int(value)) if isinstance(value, bool) else Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _decimal(value: Any) -> Decimal:
    return _number(value).quantize(SMALLEST, context=_digits)


def _integer(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value() or not -(2**63) <= number < 2**63:
        raise ValueError
    return int(number)


def _boolean(value: Any) -> bool:
    lowered = str(value).lower()
    if lowered not in ("true", "false", "1", "0"):
        raise ValueError
    return lowered in ("true", "1")


def _time(value: Any) -> datetime:
    if not isinstance(value, int):
        raise ValueError
    return EPOCH + value * MICROSECOND


def _microseconds(value: Any) -> int | str | None:
    """Return a time as pages have it, text that is not a valid time as it is."""
    if value is None:
        return None
    try:
        return (parse_iso(str(value)) - EPOCH) // MICROSECOND
    except ValueError:
        return str(value)


def _json_or_none(value: Any) -> str | None:
    return None if value is None else json_text(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else _json_or_none(value)


def _texts(value: Any) -> list[str | None]:
    parts = value if isinstance(value, list) else [value]
    return [_text(part) for part in parts]


TEXT = Kind(pa.string(), _text)
TIME = Kind(pa.timestamp("us", "UTC"), _time)
INTEGER = Kind(pa.int64(), _integer)
NUMBER = Kind(pa.decimal128(38, 9), _decimal)
BOOLEAN = Kind(pa.bool_(), _boolean)
TEXTS = Kind(pa.list_(pa.string()), _texts)
JSON = Kind(pa.string(), _text)


def _kind(column: Mapping[str, Any]) -> Kind:
    types = _types(column)
    if types == {"array"}:
        return TEXTS if _types(column.get("items", {})) == {"string"} else JSON
    if types == {"string"}:
        return TIME if column.get("format") == "date-time" else TEXT
    if types == {"integer"}:
        return INTEGER
    if types == {"boolean"}:
        return BOOLEAN
    return NUMBER if types and types <= {"integer", "number"} else JSON


def _types(column: Mapping[str, Any]) -> set[str]:
    """Return the types that a JSON schema allows beside null."""
    declared = column.get("type", ())
    return {declared} if isinstance(declared, str) else set(declared) - {"null"}
