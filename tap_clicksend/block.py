"""Rows column by column: the form in which they are typed, looked at and written.

A stream's rows all have the same columns. Work that is done for a column at once costs a fraction of what it
costs row by row, and Arrow wants columns anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from typing import Any

import msgspec
from singer_sdk.contrib.msgspec import encoder

from tap_clicksend.columns import Row
from tap_clicksend.times import iso


@dataclass(frozen=True)
class Block:
    """Some rows.

    Attributes:
        columns: The values of every column, as many in each as there are rows.
        times: Names of the columns that hold Unix seconds.
    """

    columns: Mapping[str, Sequence[Any]]
    times: frozenset[str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    def get(self, name: str) -> Sequence[Any]:
        """Return a column, None for each row where there is no such column."""
        return self.columns.get(name) or [None] * len(self)

    def where(self, wanted: Iterable[bool]) -> Block:
        """Return the rows that are wanted; says so for each."""
        flags = list(wanted)
        columns = {name: list(compress(values, flags)) for name, values in self.columns.items()}
        return replace(self, columns=columns)

    def changed(self, columns: Mapping[str, Sequence[Any]]) -> Block:
        """Return the same rows with other values in some columns."""
        return replace(self, columns={**self.columns, **columns})

    @property
    def _spelled(self) -> Block:
        """The same rows as people and JSON write them."""
        return self.changed(
            {name: [None if time is None else iso(time) for time in self[name]] for name in self.times}
        )

    def rows(self) -> list[Row]:
        """Return each row by itself, times as ISO 8601."""
        columns = self._spelled.columns
        names = tuple(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def lines(self) -> bytes:
        """Return a line of JSON for each row, times as ISO 8601."""
        columns = self._spelled.columns
        return encoder.encode_lines(list(map(_row_type(tuple(columns)), *columns.values())))


@lru_cache
def _row_type(names: tuple[str, ...]) -> Callable[..., msgspec.Struct]:
    """Return what msgspec makes and writes in half a dictionary's time."""
    fields = {f"column_{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Row", fields, rename=fields, gc=False)
