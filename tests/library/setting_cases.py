"""Every setting of tap and target with values, and each value in every spelling."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from clicksend.config import kinds
from clicksend.validation import LIMITS, Validator
from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend

NUMBERS = (0, 0.1, 0.5, 1, 2.5, 3, 50, 1000)
EXAMPLES: dict[str, Any] = {
    "batch_config": {
        "encoding": {"format": "jsonl"},
        "storage": {"root": "file:///tmp"},
        "batch_size": 500,
    },
    "clear_keys": ["campaign"],
    "custom_fields": {"plan": "custom_1"},
    "faker_config": {"seed": 7},
    "ignored_columns": ["colour"],
    "list_ids": [1, 2],
    "match_on": ["email"],
    "opt_out_keywords": ["STOP"],
    "quiet_hours": {"start": "21:00", "end": "08:00"},
    "stream_map_config": {"share": 0.5},
    "stream_maps": {"a": {"b": "c"}, "d": None},
    "streams": {"people": "contacts"},
}
COMPANIONS: dict[str, dict[str, Any]] = {
    "flattening_enabled": {"flattening_max_depth": 1},
    "max_row_age_hours": {"created_at_column": "made"},
}


def settings():
    for plugin in (TapClickSend, TargetClickSend):
        plugin.append_builtin_config(plugin.config_jsonschema)
        for name, schema in plugin.config_jsonschema["properties"].items():
            yield plugin, name, schema | LIMITS.get(name, {})


def is_a(schema, *types):
    return {*types} & {*kinds(schema)}


def spellings(value):
    """Yield (value, literal in a file, text in the environment), each None where there is no such thing."""
    if isinstance(value, dict | list):
        text = json.dumps(value)
        yield value, text, text
        yield text, json.dumps(text), None
    elif isinstance(value, bool):
        yield value, json.dumps(value), json.dumps(value)
        yield str(value), json.dumps(str(value)), str(value)
    else:
        texts = {str(value), f"{value:.3f}", f" {value} ", f"{value:e}"}
        yield value, None, None
        yield float(value), None, None
        for text in texts:
            yield text, json.dumps(text), text
            yield Decimal(text.strip()), text, None


def good(schema):
    if is_a(schema, "number", "integer"):
        return [value for value in NUMBERS if Validator(schema).is_valid(value)]
    return [True, False]
