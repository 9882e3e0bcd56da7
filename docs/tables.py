"""Writes the tables of README.md from the code: ``python docs/tables.py``."""

from __future__ import annotations

import re
from pathlib import Path

from clicksend.errors import BY_CODE, BY_STATUS, ApiError, ServerError
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend

README = Path(__file__).parent.parent / "README.md"


def streams() -> str:
    """Return the table of streams, from the catalog and the classes."""
    paths = {stream.name: stream.path for stream in ALL}
    lines = ["| stream | endpoint | key | read | what |", "|---|---|---|---|---|"]
    for entry in TapClickSend(validate_config=False).catalog_dict["streams"]:
        stream = next(kind for kind in ALL if kind.name == entry["stream"])
        keys = ", ".join(f"`{key}`" for key in entry["key_properties"])
        read = f"new since `{entry['replication_key']}`" if "replication_key" in entry else "all"
        what = f"{stream.__doc__}" + (" Vanished rows are marked." if stream.marks_deleted else "")
        what += "" if stream.selected_by_default else " Off unless selected."
        lines.append(f"| `{stream.name}` | `{paths[stream.name]}` | {keys} | {read} | {what} |")
    return "\n".join(lines)


def settings() -> str:
    """Return the table of settings, as ``--about`` shows them."""
    TapClickSend.append_builtin_config(TapClickSend.config_jsonschema)
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, schema in TapClickSend.config_jsonschema["properties"].items():
        default = f"`{schema['default']}`" if "default" in schema else ""
        lines.append(f"| `{name}` | {default} | {schema.get('description', '')} |")
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


def with_tables(text: str) -> str:
    """Return a README with its tables made anew."""
    for name, table in (("streams", streams()), ("settings", settings()), ("errors", errors())):
        block = f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        text = re.sub(
            rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL
        )
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
