"""Catalogs as people and tools change them: columns left out, deselected, of another type, and new ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

from tap_clicksend.rows.schema import StreamSchema
from tap_clicksend.streams import ALL
from tap_clicksend.streams.outcomes import Outcomes

Schema = dict[str, Any]

STREAMS = {stream.name: stream for stream in (*ALL, Outcomes)}
SCHEMAS: dict[str, Schema] = {
    name: StreamSchema(stream.columns, stream.primary_keys).json_schema for name, stream in STREAMS.items()
}
COLUMNS = [(stream, column) for stream, schema in SCHEMAS.items() for column in schema["properties"]]
ABSENT, DESELECTED = "absent", "deselected"


def own(stream: str, column: str) -> Schema:
    """Return the schema of a column as the tap discovers it."""
    return copy.deepcopy(SCHEMAS[stream]["properties"][column])


def is_needed(stream: str, column: str) -> bool:
    """Return whether a column is part of the key or the replication key."""
    kind = STREAMS[stream]
    return column in (*kind.primary_keys, kind.replication_key)


def plain(schema: Schema) -> Schema:
    """Return what a column is, without null and descriptions."""
    kind, *_ = schema["type"]
    return {"type": kind} | {name: schema[name] for name in ("format", "items") if name in schema}


TEXT = {"type": ["string", "null"]}

FITTING: dict[str, Callable[[Schema], Schema | str]] = {
    "as it is": lambda schema: schema,
    ABSENT: lambda _: ABSENT,
    DESELECTED: lambda _: DESELECTED,
    "annotated": lambda schema: (
        schema
        | {"title": "T", "default": 7, "examples": [1], "x-sql-datatype": "text", "x-any": {}, "secret": True}
        | {"$comment": "C", "deprecated": True}
    ),
    "empty": lambda _: {},
    "described only": lambda _: {"description": "D", "title": "T"},
    "text": lambda _: TEXT,
    "text by anyOf": lambda _: {"anyOf": [{"type": "null"}, {"type": "string"}]},
    "number": lambda schema: {"type": ["number", "null"]} if schema["type"][0] == "integer" else schema,
    "anyOf": lambda schema: {"anyOf": [plain(schema), {"type": "null", "title": "none"}]},
    "anyOf with a stranger": lambda schema: {
        "description": "D",
        "anyOf": [{"type": "boolean"}, {"type": ["null", "boolean"]}, plain(schema)],
    },
    "many types": lambda schema: (
        plain(schema) | {"type": ["null", "boolean", "object", "array", "string", "number", "integer"]}
    ),
    "some types": lambda schema: (
        plain(schema) | {"type": [*dict.fromkeys(["null", *schema["type"], "string", "integer"])]}
    ),
    "without format and items": lambda schema: {"type": schema["type"]},
    "items of any type": lambda schema: schema | {"items": {}},
}
"""What may become of a column of any type."""

REFUSED: dict[str, Callable[[Schema], Any]] = {
    "boolean": lambda _: {"type": ["boolean", "null"]},
    "integer": lambda schema: {
        "type": ["boolean" if schema["type"][0] in ("integer", "number") else "integer", "null"]
    },
    "no null": lambda schema: (
        {"type": "string", "enum": ["x"]} if "null" not in schema["type"] else plain(schema)
    ),
    "another format": lambda _: {"type": ["string", "null"], "format": "date"},
    "unknown format": lambda _: {"type": ["string", "null"], "format": "uuid"},
    "enum": lambda schema: schema | {"enum": ["sent", None]},
    "pattern": lambda schema: schema | {"pattern": "^x"},
    "maxLength": lambda schema: schema | {"maxLength": 3},
    "minimum": lambda schema: schema | {"minimum": 0},
    "multipleOf": lambda schema: schema | {"multipleOf": 0.01},
    "const": lambda schema: schema | {"const": 1},
    "oneOf": lambda schema: {"oneOf": [plain(schema), {"type": "null"}]},
    "allOf": lambda schema: {"allOf": [schema]},
    "not": lambda schema: schema | {"not": {"type": "boolean"}},
    "$ref": lambda _: {"$ref": "#/definitions/x"},
    "properties": lambda schema: schema | {"properties": {"a": {"type": "string"}}},
    "no such type": lambda _: {"type": ["text", "null"]},
    "no type at all": lambda _: {"type": []},
    "anyOf of nothing": lambda _: {"anyOf": []},
    "anyOf without one that fits": lambda _: {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    "anyOf beside a type": lambda schema: {"type": "boolean", "anyOf": [plain(schema), {"type": "null"}]},
    "a keyword nobody knows": lambda schema: schema | {"minContains": 1},
}
"""What may not become of a column, whatever its type."""


def changed(catalog: dict[str, Any], stream: str, column: str, schema: Any) -> None:
    """Give a column of a catalog another schema, deselect it or leave it out."""
    (entry,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    if schema == ABSENT:
        del entry["schema"]["properties"][column]
    elif schema == DESELECTED:
        (one,) = (one for one in entry["metadata"] if one["breadcrumb"] == ["properties", column])
        one["metadata"]["selected"] = False
    else:
        entry["schema"]["properties"][column] = schema


def treated(catalog: dict[str, Any], treatments: Iterable[str]) -> dict[tuple[str, str], Schema | str]:
    """Treat every column of every stream in turn, and return what became of each."""
    given: dict[tuple[str, str], Schema | str] = {}
    for (stream, column), treatment in zip(COLUMNS, cycle(treatments), strict=False):
        schema = FITTING[treatment](own(stream, column))
        if schema in (ABSENT, DESELECTED) and is_needed(stream, column):
            schema = own(stream, column)
        changed(catalog, stream, column, schema)
        given[stream, column] = schema
    return given
