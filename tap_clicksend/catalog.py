"""What a catalog makes of a stream's columns: left out, as they are, converted exactly, or refused.

A loader goes by the SCHEMA message, and that is the catalog's: what it does not allow must not go out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from singer_sdk.contrib.msgspec import encoder

from clicksend.errors import SettingsError
from tap_clicksend.block import Block
from tap_clicksend.times import iso

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


@dataclass(frozen=True)
class Outgoing:
    """Columns as a catalog wants them.

    Attributes:
        schema: JSON schema of a row.
        converters: For each column that goes out what turns a value that is not null into the catalog's; None
            where it is that already.
        times: Columns that stay times.
    """

    schema: Schema
    converters: Mapping[str, Callable[[Any], str] | None]
    times: frozenset[str]

    def __call__(self, block: Block) -> Block:
        """Return the same rows as they go out."""
        columns = {
            name: block[name]
            if convert is None
            else [None if value is None else convert(value) for value in block[name]]
            for name, convert in self.converters.items()
        }
        return Block(columns, self.times)


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

    def outgoing(self, given: Schema, selected: Collection[str], *, mapped: bool) -> Outgoing:
        """Return how rows go out under a catalog.

        Args:
            given: The catalog's schema of a row.
            selected: Columns that are selected.
            mapped: Whether stream maps or flattening follow. The SDK's break on a column that says its type
                in an unusual way: such a column gets the type that goes out.

        Raises:
            SettingsError: It asks for something else than the columns can be.
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
                converters[name] = None if goes["type"] == kind else SPELLED[kind]
        return Outgoing({**given, "properties": properties}, converters, frozenset(times))

    def strangers(self, given: Schema) -> list[str]:
        """Return the columns of a catalog that the stream does not have."""
        return sorted(given["properties"].keys() - self._own.keys())

    def _check_row(self, given: Schema, selected: Collection[str]) -> None:
        for keyword, said in given.items():
            if not _is_annotation(keyword) and not _suits_rows(keyword, said):
                raise SettingsError(
                    f"The catalog says {_quoted({keyword: said})} of the rows of {self._stream}, which are"
                    f" objects with these columns: {ADVICE}"
                )
        there = given.get("properties", {}).keys() & self._own.keys()
        for name in self._needed:
            if name not in there or name not in selected:
                raise SettingsError(
                    f"The catalog leaves out {self._stream}.{name}, which the rows are told apart or read by:"
                    f" select it, or {ADVICE}"
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
    return {keyword: said for keyword, said in column.items() if _is_annotation(keyword)}


def _kind(own: Schema) -> dict[str, Any]:
    """Return what a column of ours is when it is not null."""
    return {"type": own["type"][0]} | {word: own[word] for word in ("format", "items") if word in own}


def _types(column: Schema) -> set[str]:
    """Return the types that a schema names, beside null."""
    said = column.get("type", [])
    return {said} - {"null"} if isinstance(said, str) else set(said) - {"null"}


def _is_usual(column: Schema) -> bool:
    """Return whether the SDK's maps and flattening understand what a schema says."""
    types = _types(column)
    return bool(types) and "anyOf" not in column and (len(types) == 1 or types.isdisjoint(NESTED))


def _suits_rows(keyword: str, said: Any) -> bool:
    if keyword == "required":
        return isinstance(said, list)
    return keyword in ("properties", "additionalProperties") or (
        keyword == "type" and _keyword_allows(keyword, said, {"type": "object"})
    )


def _allows(schema: Any, kind: Schema) -> bool:
    """Return whether a JSON schema surely allows all values of a kind: a type, with format or items."""
    return isinstance(schema, dict) and all(
        _is_annotation(keyword) or _keyword_allows(keyword, said, kind) for keyword, said in schema.items()
    )


def _keyword_allows(keyword: str, said: Any, kind: Schema) -> bool:
    of_type = kind["type"]
    if keyword == "type":
        types = said if isinstance(said, list) else [said]
        return all(one in TYPES for one in types) and (
            of_type in types or (of_type == "integer" and "number" in types)
        )
    if keyword == "anyOf":
        return isinstance(said, list) and any(_allows(part, kind) for part in said)
    if keyword == "format":
        return of_type == "null" or bool(said == kind.get("format"))
    if keyword == "items":
        return of_type != "array" or _allows(said, kind["items"])
    if keyword == "additionalProperties":
        return of_type != "object" or said is True or said == {}
    return keyword == "properties" and bool(said == {})


def _quoted(schema: Any) -> str:
    """Return a schema without annotations as an error shows it."""
    shown = schema
    if isinstance(schema, dict):
        shown = {keyword: said for keyword, said in schema.items() if not _is_annotation(keyword)}
    spelled = json.dumps(shown)
    return spelled if len(spelled) <= QUOTED else f"{spelled[:QUOTED]}..."


def plain_number(value: Any) -> str:
    """Return a number in digits, without exponent."""
    return format(value, "f")


def json_text(value: Any) -> str:
    """Return a value as JSON."""
    return encoder.encode(value).decode()


SPELLED: Mapping[str, Callable[[Any], str]] = {
    "number": plain_number,
    "integer": str,
    "array": json_text,
    "object": json_text,
}
"""What makes text of a value exactly, by type."""
