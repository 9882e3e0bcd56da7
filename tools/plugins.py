"""Writes the plugin definitions in ``plugins/`` from what tap and target say of themselves.

``python tools/plugins.py`` writes, for each connector, ``<name>.yml`` in the form of Meltano's hub, for
``meltano add --from-ref``, and ``<name>--<variant>.lock``, which this project's own ``meltano.yml`` goes by:
Meltano reads it instead of asking its hub.
"""

from __future__ import annotations

import json
import tomllib
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from singer_sdk.plugin_base import PluginBase

from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend

ROOT = Path(__file__).parent.parent
VARIANT = "singer-clicksend"
FRACTION = "a number that may have a fraction"
"""Stands for the kind ``string`` until the file is written; a comment there says why it is not a number."""
HEAD = "# Made by tools/plugins.py. Into a project of yours: docs/meltano.md\n"
NOT_IN_LOCKS = ("keywords", "maintenance_status")
"""What Meltano would take for settings."""
COMMANDS = {"ledger": {"executable": "clicksend", "args": "ledger"}}
"""``meltano invoke target-clicksend:ledger list``."""


def setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a setting as Meltano declares it, from its JSON schema in ``--about``."""
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    kind = next(kind for kind in types if kind != "null")
    if schema.get("format") == "date-time":
        kind = "date_iso8601"
    elif "enum" in schema:
        kind = "options"
    elif "number" in types:
        kind = FRACTION
    declared = {"name": name, "label": schema["title"], "description": schema["description"], "kind": kind}
    if schema.get("secret"):
        declared["sensitive"] = True
    if "enum" in schema:
        declared["options"] = [{"label": one.capitalize(), "value": one} for one in schema["enum"]]
    if "default" in schema:
        declared["value"] = schema["default"]
    return declared


def definition(plugin: type[PluginBase]) -> dict[str, Any]:
    """Return a connector's definition, from what its ``--about --format=json`` shows."""
    with redirect_stdout(StringIO()) as printed:
        plugin.print_about("json")
    about = json.loads(printed.getvalue())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    commands = {"commands": COMMANDS} if plugin is TargetClickSend else {}
    return {
        "name": plugin.name,
        "namespace": plugin.name.replace("-", "_"),
        "variant": VARIANT,
        "label": "ClickSend",
        "description": about["description"],
        # Its extra is the driver of a ledger that several machines share.
        "pip_url": f"{project['name']}[postgres]",
        "executable": plugin.name,
        "keywords": ["clicksend", "sms", "mms", "voice"],
        "maintenance_status": "beta",
        "capabilities": about["capabilities"],
        **commands,
        "settings_group_validation": [["username", "api_key"], ["api_key"]],  # ClickSend itself, the hub
        "settings": [setting(*one) for one in about["settings"]["properties"].items()],
    }


def files() -> dict[Path, str]:
    """Return the text of each file, by its path from the checkout."""
    written = {}
    for kind, plugin in (("extractors", TapClickSend), ("loaders", TargetClickSend)):
        about = definition(plugin)
        folder = Path("plugins") / kind
        text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=110)
        why = "string  # may have a fraction; Meltano 4.4 cannot pass on a decimal from the environment"
        written[folder / f"{plugin.name}.yml"] = HEAD + text.replace(f"kind: {FRACTION}", f"kind: {why}")
        lock = {key: value for key, value in about.items() if key not in NOT_IN_LOCKS}
        text = json.dumps({"plugin_type": kind, **lock}, indent=2, ensure_ascii=False) + "\n"
        written[folder / f"{plugin.name}--{VARIANT}.lock"] = text.replace(f'"{FRACTION}"', '"string"')
    return written


if __name__ == "__main__":
    for path, content in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
