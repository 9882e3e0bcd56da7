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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]

from tap_clicksend.columns import Row

BATCH_ROWS = 10_000
SMALLEST = Decimal("1e-9")

_json = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_digits = Context(prec=38)
_logger = logging.getLogger("tap-clicksend")


@dataclass(frozen=True)
class Kind:
    """How a column's values become Arrow.

    Attributes:
        arrow: The Arrow type.
        plain: Python types that Arrow reads rightly by itself. It must not see others: it makes 1.5 the
            integer 1, and "ab" the list of "a" and "b".
        fit: Turns any other value into one that Arrow reads; raises ``ValueError`` or ``ArithmeticError``
            where there is none.
    """

    arrow: pa.DataType
    plain: frozenset[type]
    fit: Callable[[Any], Any]


class ArrowColumns:
    """The columns of a stream in Arrow.

    Attributes:
        schema: Their Arrow schema. All are nullable, keys too, so that files can always be read together.
    """

    def __init__(self, json_schema: Mapping[str, Any]) -> None:
        self._kinds = {name: _kind(column) for name, column in json_schema["properties"].items()}
        self.schema = pa.schema([(name, kind.arrow) for name, kind in self._kinds.items()])

    def batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Return rows as one batch with exactly ``schema``."""
        arrays = [_array(name, kind, [row.get(name) for row in rows]) for name, kind in self._kinds.items()]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def batches(self, rows: Iterable[Row]) -> Iterator[pa.RecordBatch]:
        """Yield rows in batches of ``BATCH_ROWS``; none when there are no rows."""
        ahead = iter(rows)
        while chunk := list(islice(ahead, BATCH_ROWS)):
            yield self.batch(chunk)

    def table(self, rows: Iterable[Row]) -> pa.Table:
        """Return rows as a table with exactly ``schema``."""
        return pa.Table.from_batches(self.batches(rows), self.schema)


def _array(name: str, kind: Kind, values: list[Any]) -> pa.Array:
    if kind.plain.issuperset(map(type, values)):
        try:
            return _plain_array(values, kind.arrow)
        except (pa.ArrowException, ValueError, OverflowError):
            pass  # One value does not fit; which one, Arrow does not say.
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


def _plain_array(values: list[Any], arrow: pa.DataType) -> pa.Array:
    """Convert values; times are strings, which Arrow parses only in a cast."""
    if pa.types.is_timestamp(arrow):
        return pa.array(values, pa.string()).cast(arrow)
    return pa.array(values, arrow)


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
    spelled = str(value).lower()
    if spelled not in ("true", "false", "1", "0"):
        raise ValueError
    return spelled in ("true", "1")


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json_text(value: Any) -> str:
    return _json.encode(value).decode()


def _text(value: Any) -> str:
    """Return text as it is, without lone surrogates, which are no Unicode; anything else as JSON."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else _json_text(value)


def _texts(value: Any) -> list[str | None]:
    parts = value if isinstance(value, list) else [value]
    return [None if part is None else _text(part) for part in parts]


NOTHING = type(None)
TEXT = Kind(pa.string(), frozenset({str, NOTHING}), _text)
TIME = Kind(pa.timestamp("us", "UTC"), frozenset({str, NOTHING}), _time)
INTEGER = Kind(pa.int64(), frozenset({int, NOTHING}), _integer)
NUMBER = Kind(pa.decimal128(38, 9), frozenset({Decimal, int, NOTHING}), _decimal)
BOOLEAN = Kind(pa.bool_(), frozenset({bool, NOTHING}), _boolean)
TEXTS = Kind(pa.list_(pa.string()), frozenset({list, NOTHING}), _texts)
JSON = Kind(pa.string(), frozenset({NOTHING}), _json_text)


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
