"""Checks that settings in environment variables have reached the config, or are named.

Meltano hands a plugin those settings only that its definition declares, and a command reads variables with
``--config=ENV`` only: a dry run that was asked for, but did not arrive, would send.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from clicksend.config import Schema, kinds, typed, with_defaults
from clicksend.errors import SettingsError
from clicksend.times import parse_iso

OTHERS = {"batchconfig", "catalog", "config", "harddelete", "pipurl", "state"}
"""Names of the SDK and of Meltano, which are not misspelt settings where they are not settings."""
FLAGS = {True: {"true", "1", "yes", "on"}, False: {"false", "0", "no", "off"}}
"""Texts that Meltano takes for true and false, and passes on unchanged."""
NEAR = 0.65
"""How alike a name must be to end a run, of 1: TARGET_CLICKSEND_DRY is, a TARGET_CLICKSEND_PORT is not."""


def check(
    plugin: str,
    given: Mapping[str, Any],
    properties: Mapping[str, Schema],
    env: Mapping[str, str] | None = None,
) -> None:
    """Check that each variable with the plugin's prefix has arrived in its config.

    Names that no setting resembles are named in the log.

    Args:
        plugin: Name of the tap or target.
        given: Its config as it arrived.
        properties: JSON schemas of its settings.
        env: Environment variables, those of the process unless given.

    Raises:
        SettingsError: With a sentence for each variable whose value is not in the config, and for each that
            is a misspelt setting.
    """
    variables = Variables(plugin, given, properties, os.environ if env is None else env)
    if problems := list(variables.problems()):
        raise SettingsError(" ".join(problems))
    if variables.strange:
        logging.getLogger(plugin).warning(
            "Not settings of %s, so they mean nothing to it: %s.", plugin, ", ".join(variables.strange)
        )


class Variables:
    """The environment variables of one plugin.

    Attributes:
        strange: Those that are not settings, nor near one; complete once the problems were looked for.
    """

    def __init__(
        self, plugin: str, given: Mapping[str, Any], properties: Mapping[str, Schema], env: Mapping[str, str]
    ) -> None:
        self.strange: list[str] = []
        self._given = given
        self._config = with_defaults(given, properties)
        self._properties = properties
        self._env = env
        role = "EXTRACTOR" if plugin.startswith("tap") else "LOADER"
        # The name in meltano.yml may be another: Meltano reads, and sets, variables with both prefixes.
        self._meltano = env.get(f"MELTANO_{role}_NAME")
        names = (plugin, self._meltano, env.get(f"MELTANO_{role}_NAMESPACE"))
        self._plugin = self._meltano or plugin
        self._own = _prefix(plugin)
        self._prefixes = sorted({_prefix(name) for name in names if name}, key=len, reverse=True)
        self._names = {_letters(name): name for name in properties}
        self._objects = [name for name, schema in properties.items() if "object" in kinds(schema)]

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each variable that has no effect."""
        for variable, text in sorted(self._env.items()):
            canonical = re.sub(r"[^A-Z0-9]", "_", variable.upper())
            endings = [canonical.removeprefix(one) for one in self._prefixes if canonical.startswith(one)]
            if not text or not endings:
                continue
            known = [ending for ending in endings if ending.lower() in self._properties]
            if known and variable == canonical:
                yield from self._judge(variable, known[0].lower(), text)
            elif nested := self._nested(endings):
                yield from self._judge_nested(variable, *nested, text)
            elif canonical.startswith(self._own):
                yield from self._misspelt(variable, endings[0], text)

    def _judge(self, variable: str, name: str, text: str) -> Iterator[str]:
        if not self._arrived(name, text):
            yield self._sentence(variable, name)

    def _arrived(self, name: str, text: str) -> bool:
        schema, got = self._properties[name], self._config.get(name)
        if (got is not None and text == str(got)) or (
            isinstance(got, bool) and text.strip().lower() in FLAGS[got]
        ):
            return True
        if schema.get("format") == "date-time" and isinstance(got, str):
            # Meltano makes a date of "3 days ago".
            return None in (_moment(text), _moment(got)) or _moment(text) == _moment(got)
        return _within(typed({name: text}, {name: schema}).get(name), got)

    def _nested(self, endings: list[str]) -> tuple[str, str] | None:
        """Return the setting that STREAM_MAPS_ORDERS_ID, say, is a part of, and its path in there."""
        for ending in endings:
            for name in self._objects:
                if ending.startswith(f"{name.upper()}_"):
                    return name, _letters(ending.removeprefix(name.upper()))
        return None

    def _judge_nested(self, variable: str, name: str, path: str, text: str) -> Iterator[str]:
        # A variable for the whole takes the place of its parts, and Meltano goes on to set those.
        if any(self._env.get(f"{prefix}{name.upper()}") for prefix in self._prefixes):
            return
        found = [value for one, value in _nodes(self._config.get(name)) if one == path]
        if not any(_says(text, value) for value in found):
            yield self._sentence(variable, name)

    def _misspelt(self, variable: str, ending: str, text: str) -> Iterator[str]:
        letters = _letters(ending)
        name = self._names.get(letters)
        if name is None:
            # Meltano's own begin with an underscore: TAP_CLICKSEND__SELECT. The SDK reads the other.
            if ending.startswith("_") or ending == "LOGLEVEL":
                return
            name = None if letters in OTHERS else self._near(ending)
        if name is None:
            self.strange.append(variable)
        elif not self._arrived(name, text):
            yield f"{variable} is not a setting: did you mean {self._own}{name.upper()}?"

    def _near(self, ending: str) -> str | None:
        upper = {name.upper(): name for name in self._properties}
        parts = [f"_{name.upper()}_" for name in self._objects]
        if self._meltano and (
            ending.endswith(tuple(f"_{one}" for one in upper)) or any(part in ending for part in parts)
        ):
            return None  # Another plugin's of this project, which inherits from ours.
        if near := difflib.get_close_matches(_letters(ending), self._names, n=1, cutoff=NEAR):
            return self._names[near[0]]
        longer = [name for one, name in upper.items() if ending.startswith(f"{one}_")]
        return max(longer, key=len, default=None)

    def _sentence(self, variable: str, name: str) -> str:
        is_there = self._given.get(name) not in (None, "")
        what = f"another value of {name} arrived" if is_there else f"{name} did not arrive"
        if self._meltano is None:
            return (
                f"{variable} is set, but {what}: variables count with --config=ENV only. Add that, or give"
                f" {name} in the config file and unset the variable."
            )
        return (
            f"{variable} is set, but {what}: Meltano passes on only what the plugin's definition declares."
            f" Under settings of {self._plugin} in meltano.yml add"
            f" {definition(name, self._properties[name])}"
            + (", and give it in one place." if is_there else ", or unset the variable.")
        )


def definition(name: str, schema: Schema) -> str:
    """Return the line that declares a setting to Meltano.

    A number that may have a fraction has no kind: Meltano 4.4 makes a decimal of it that it cannot pass on.
    """
    kind = next((one for one in kinds(schema) if one in ("integer", "boolean", "array", "object")), None)
    if schema.get("format") == "date-time":
        kind = "date_iso8601"
    parts = [f"name: {name}", *([f"kind: {kind}"] if kind else [])]
    return f"- {{{', '.join(parts + ['sensitive: true'] * schema.get('secret', False))}}}"


def _prefix(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_"


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _nodes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of everything in an object, whether its keys are nested or have dots."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            here = path + _letters(str(name))
            yield here, one
            yield from _nodes(one, here)


def _within(wanted: Any, got: Any) -> bool:
    """Return whether a value is the same, or for an object, whether all of it is there."""
    if not isinstance(wanted, Mapping) or not isinstance(got, Mapping):
        return bool(wanted == got) or (wanted in ({}, []) and got is None)
    there = list(_nodes(got))
    return all(
        (path, value) in there
        for path, value in _nodes(wanted)
        if not isinstance(value, Mapping) and value not in (None, "")
    )


def _says(text: str, value: Any) -> bool:
    """Return whether a text is how Meltano writes a value."""
    if isinstance(value, str):
        return text == value
    try:
        return _within(json.loads(text), value)
    except (ValueError, RecursionError):
        return text == str(value)


def _moment(text: str) -> datetime | None:
    try:
        return parse_iso(text)
    except ValueError:
        return None
