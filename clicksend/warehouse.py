"""Frames out of a warehouse, with the types that ``clicksend.read`` gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from clicksend.errors import SettingsError
from clicksend.extras import to_install

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import pyarrow as pa  # type: ignore[import-untyped]

CATEGORIES = frozenset(
    {"channel", "country", "direction", "error_group", "fate", "outcome", "status", "what_became"}
)
"""Columns of few different words, repeated in every row."""
SMALLEST = Decimal("1e-9")


def read_sql(
    query: str,
    url: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    categories: bool = True,
    money: Literal["exact", "float"] = "exact",
) -> pd.DataFrame:
    """Return the rows of a query, in types that come from its columns and never from the rows.

    Text is ``str``, integers are ``Int64`` (null is ``<NA>``), times ``datetime64[us, UTC]``, also those that
    the loader has stored without a zone, dates ``datetime64[us]``, objects JSON text: as ``clicksend.read``
    has them.

    Args:
        query: SQL, with ``%s`` or ``%(name)s`` for parameters.
        url: PostgreSQL database, ``postgresql://user:password@host:5432/database``.
        parameters: Values for those.
        categories: Whether columns such as status, fate, country and channel are categories.
        money: ``exact`` is ``decimal.Decimal``, whose sums and groups are exact; ``float`` is for charts and
            statistics.

    Raises:
        SettingsError: ``money`` is neither of them.
        ModuleNotFoundError: The extras ``arrow`` and ``postgres`` are not installed.
        psycopg.Error: The database cannot be read.
    """
    try:
        import psycopg  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        hint = f"{missing.name} is missing: {to_install('arrow', 'postgres')}"
        raise ModuleNotFoundError(hint, name=missing.name) from missing
    with psycopg.connect(url, options="-c timezone=UTC") as database:
        cursor = database.execute(query.encode(), parameters)
        columns = cursor.description or []
        rows = cursor.fetchall()
    arrays = {}
    for place, column in enumerate(columns):
        type_, read = _kind(column.type_code)
        values = [row[place] for row in rows]
        arrays[column.name] = pa.array(values if read is None else map(read, values), type_)
    return frame_of(pa.table(arrays), categories=categories, money=money)


def frame_of(table: pa.Table, *, categories: bool, money: Literal["exact", "float"]) -> pd.DataFrame:
    """Return an Arrow table as a frame; see ``read_sql``."""
    if money not in ("exact", "float"):
        raise SettingsError(f"money must be exact or float, not {money!r}.")
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    if money == "float":
        floats = [pa.float64() if pa.types.is_decimal(field.type) else field.type for field in table.schema]
        table = table.cast(pa.schema(zip(table.column_names, floats, strict=True)))
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get)
    few = CATEGORIES & set(frame.columns) if categories else ()
    return frame.astype(dict.fromkeys(few, "category"))


def _kind(oid: int) -> tuple[pa.DataType, Callable[[Any], Any] | None]:
    """Return the Arrow type for a type of PostgreSQL's, and what must be done to a value first."""
    import pyarrow as pa  # noqa: PLC0415
    from psycopg.postgres import types  # noqa: PLC0415

    moment = pa.timestamp("us", "UTC")
    kinds: dict[str, tuple[pa.DataType, Callable[[Any], Any] | None]] = {
        **dict.fromkeys(("int2", "int4", "int8"), (pa.int64(), None)),
        **dict.fromkeys(("float4", "float8"), (pa.float64(), None)),
        **dict.fromkeys(("timestamp", "timestamptz"), (moment, None)),
        **dict.fromkeys(("json", "jsonb"), (pa.string(), _json_or_none)),
        "bool": (pa.bool_(), None),
        "numeric": (pa.decimal128(38, 9), _rounded),
        "date": (pa.timestamp("us"), _midnight),
    }
    known = types.get(oid)
    if known and known.name == "text" and known.array_oid == oid:
        return pa.list_(pa.string()), None
    return kinds.get(known.name if known else "", (pa.string(), _text))


def _rounded(value: Decimal | None) -> Decimal | None:
    return value if value is None else value.quantize(SMALLEST)


def _midnight(value: date | None) -> datetime | None:
    return value if value is None else datetime.combine(value, time())


def _json_or_none(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
