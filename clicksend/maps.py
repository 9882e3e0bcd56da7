"""The setting ``stream_maps``, checked: the SDK's own schema for it is broken, its errors quote values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

REMOVED = (None, "__NULL__")
"""What stands for a stream or column that is left out."""


def wrong_maps(maps: Any) -> Iterator[str]:
    """Yield a sentence for each entry that is wrong."""
    if not isinstance(maps, dict):
        yield "Setting stream_maps must be of type object."
        return
    for stream, stream_map in maps.items():
        if stream == "__else__" or not isinstance(stream_map, dict):
            if stream_map not in REMOVED:
                allowed = "null" if stream == "__else__" else "an object or null"
                yield f"Setting stream_maps.{stream} must be {allowed}."
        elif stream.startswith("__"):
            yield f"Setting stream_maps.{stream} is no name of a stream."
        else:
            for name, value in stream_map.items():
                if must := _must(name, value):
                    yield f"Setting stream_maps.{stream}.{name} must be {must}."


def _must(name: str, value: Any) -> str | None:
    """Return what an entry of a stream map must be, None when it is that."""
    if name == "__else__":
        return None if value in REMOVED else "null"
    if name == "__key_properties__":
        is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if value is None or is_list else "a list of columns"
    if name in ("__alias__", "__source__"):
        return None if isinstance(value, str) else "the name of a stream"
    return None if (name != "__filter__" and value in REMOVED) or is_expression(value) else "an expression"


def is_expression(value: Any) -> bool:
    """Return whether a value is one that the SDK's stream maps can evaluate, as far as its form says."""
    try:
        return isinstance(value, str) and isinstance(ast.parse(value).body[0], ast.Expr)
    except (SyntaxError, ValueError, IndexError):
        return False
