"""What a catalog makes of a stream's columns: left out, as they are, converted exactly, or refused.

A loader goes by the SCHEMA message, and that is the catalog's: what it does not allow must not go out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from clicksend.config import json_object
from clicksend.errors import SettingsError
from tap_clicksend.rows.columns import iso
from tap_clicksend.rows.encode import json_text, plain_number
from tap_clicksend.rows.schema import RecordBatch

Schema = Mapping[str, Any]

ANNOTATIONS = frozenset(
    {
        *("$comment", "$id", "$schema", "default", "deprecated", "description", "examples"),
        *("readOnly", "secret", "title", "writeOnly"),
    }
)
"""Keywords that allow every value; so do those that begin with ``x-``."""

NULL = {"type": "null"}
TEXT = {"type": "string"}
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
NESTED = {"array", "object"}
ADVICE = "make the catalog again with --discover, or remove the override of its schema."
QUOTED = 200
"""Characters of a catalog's schema that an error quotes."""


def checked_catalog(file: IO[str]) -> IO[str]:
    """Return a catalog file as the SDK reads it.

    Raises:
        SettingsError: It does not hold a valid catalog.
    """
    catalog = json_object(file, "--catalog")
    streams = catalog.get("streams")
    if not isinstance(streams, list) or not streams or not all(map(_is_stream, streams)):
        raise SettingsError("The file given with --catalog is not a valid catalog: make one with --discover.")
    return io.StringIO(json.dumps(catalog))


def _is_stream(entry: Any) -> bool:
    parts = {"tap_stream_id": str, "schema": dict, "metadata": list}
    is_entry = isinstance(entry, dict) and all(
        isinstance(entry.get(name), kind) for name, kind in parts.items()
    )
    return is_entry and _is_schema(entry["schema"])


def _is_schema(schema: Any) -> bool:
    """Return whether the SDK can read a JSON schema: neither ``true`` nor a list of items."""
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties", {})
    items = [schema["items"]] if "items" in schema else []
    return isinstance(properties, dict) and all(map(_is_schema, [*properties.values(), *items]))


@dataclass(frozen=True)
class Selection:
    """The columns that a catalog selects, in the types that its schema gives them.

    Attributes:
        schema: JSON schema of a row.
        converters: For each column that goes out a function that turns a value that is not null into the
            catalog's type; None where it has that type already.
        times: Columns that stay times.
    """

    schema: Schema
    converters: Mapping[str, Callable[[Any], str] | None]
    times: frozenset[str]

    def __call__(self, batch: RecordBatch) -> RecordBatch:
        """Return the same rows as they go out."""
        columns = {
            name: batch[name]
            if convert is None
            else [None if value is None else convert(value) for value in batch[name]]
            for name, convert in self.converters.items()
        }
        return RecordBatch(columns, self.times)


class Columns:
    """The columns of a stream as a catalog changes them."""

    def __init__(self, stream: str, schema: Schema, needed: Iterable[str]) -> None:
        """Prepare.

        Args:
            stream: Its name.
            schema: The stream's own JSON schema.
            needed: Columns that a catalog must have: key and replication key.
        """
        self._stream = stream
        self._own: Mapping[str, Schema] = schema["properties"]
        self._needed = tuple(needed)

    def select(self, given: Schema, selected: Collection[str], *, mapped: bool) -> Selection:
        """Return how rows go out under a catalog.

        Args:
            given: The catalog's schema of a row.
            selected: Columns that are selected.
            mapped: Whether stream maps or flattening follow. The SDK's break on a column that says its type
                in an unusual way: such a column gets the type that goes out.

        Raises:
            SettingsError: It asks for a type that a column cannot be converted to, or leaves out a key.
        """
        self._check_row(given, selected)
        properties = {name: column for name, column in given["properties"].items() if name in self._own}
        converters: dict[str, Callable[[Any], str] | None] = {}
        times = set()
        for name, own in self._own.items():
            if name not in properties or name not in selected:
                continue
            column = properties[name]
            goes = self._type_going_out(name, column)
            if mapped and not _is_usual(column):
                nullable = ["null"] if _allows(column, NULL) else []
                column = _annotations(column) | {**goes, "type": [goes["type"], *nullable]}
                properties[name] = column
            if "format" in own:
                stays = column.get("format") == own["format"] and _types(column) == {"string"}
                converters[name] = None if stays else iso
                times.update([name] if stays else [])
            else:
                kind = _kind(own)["type"]
                converters[name] = None if goes["type"] == kind else TO_TEXT[kind]
        return Selection({**given, "properties": properties}, converters, frozenset(times))

    def unknown(self, given: Schema) -> list[str]:
        """Return the columns of a catalog that the stream does not have."""
        return sorted(given["properties"].keys() - self._own.keys())

    def _check_row(self, given: Schema, selected: Collection[str]) -> None:
        for keyword, value in given.items():
            if not _is_annotation(keyword) and not _suits_rows(keyword, value):
                raise SettingsError(
                    f"The catalog says {_quoted({keyword: value})} of the rows of {self._stream}, which are"
                    f" objects with these columns: {ADVICE}"
                )
        there = given.get("properties", {}).keys() & self._own.keys()
        for name in self._needed:
            if name not in there or name not in selected:
                raise SettingsError(
                    f"The catalog leaves out {self._stream}.{name}, which belongs to its key or is its"
                    f" replication key: select it, or {ADVICE}"
                )
        for name in given.get("required", ()):
            if name not in there:
                raise SettingsError(
                    f"The catalog requires {self._stream}.{name}, which its rows do not have: {ADVICE}"
                )

    def _type_going_out(self, name: str, column: Any) -> Schema:
        """Return what values of a column go out as, without null.

        Raises:
            SettingsError: There is nothing that the catalog allows.
        """
        own = self._own[name]
        if "null" not in own["type"] or _allows(column, NULL):
            for goes in (_kind(own), TEXT):
                if _allows(column, goes):
                    return goes
        raise SettingsError(
            f"The catalog says {_quoted(column)} of {self._stream}.{name}, which is {_quoted(own)}: {ADVICE}"
        )


def _is_annotation(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def _annotations(column: Schema) -> dict[str, Any]:
    return {keyword: value for keyword, value in column.items() if _is_annotation(keyword)}


def _kind(own: Schema) -> dict[str, Any]:
    """Return what a column of ours is when it is not null."""
    return {"type": own["type"][0]} | {word: own[word] for word in ("format", "items") if word in own}


def _types(column: Schema) -> set[str]:
    """Return the types that a schema names, beside null."""
    value = column.get("type", [])
    return {value} - {"null"} if isinstance(value, str) else set(value) - {"null"}


def _is_usual(column: Schema) -> bool:
    """Return whether the SDK's maps and flattening understand a schema."""
    types = _types(column)
    return bool(types) and "anyOf" not in column and (len(types) == 1 or types.isdisjoint(NESTED))


def _suits_rows(keyword: str, value: Any) -> bool:
    if keyword == "required":
        return isinstance(value, list)
    return keyword in ("properties", "additionalProperties") or (
        keyword == "type" and _keyword_allows(keyword, value, {"type": "object"})
    )


def _allows(schema: Any, kind: Schema) -> bool:
    """Return whether a JSON schema surely allows all values of a kind: a type, with format or items."""
    return isinstance(schema, dict) and all(
        _is_annotation(keyword) or _keyword_allows(keyword, value, kind) for keyword, value in schema.items()
    )


def _keyword_allows(keyword: str, value: Any, kind: Schema) -> bool:
    of_type = kind["type"]
    if keyword == "type":
        types = value if isinstance(value, list) else [value]
        return all(one in TYPES for one in types) and (
            of_type in types or (of_type == "integer" and "number" in types)
        )
    if keyword == "anyOf":
        return isinstance(value, list) and any(_allows(part, kind) for part in value)
    if keyword == "format":
        return of_type == "null" or bool(value == kind.get("format"))
    if keyword == "items":
        return of_type != "array" or _allows(value, kind["items"])
    if keyword == "additionalProperties":
        return of_type != "object" or value is True or value == {}
    return keyword == "properties" and bool(value == {})


def _quoted(schema: Any) -> str:
    """Return a schema without annotations as an error shows it."""
    shown = schema
    if isinstance(schema, dict):
        shown = {keyword: value for keyword, value in schema.items() if not _is_annotation(keyword)}
    quoted = json.dumps(shown)
    return quoted if len(quoted) <= QUOTED else f"{quoted[:QUOTED]}..."


TO_TEXT: Mapping[str, Callable[[Any], str]] = {
    "number": plain_number,
    "integer": str,
    "array": json_text,
    "object": json_text,
}
"""Functions that turn a value into text without loss, by type."""
