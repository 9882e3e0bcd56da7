"""A tap with nothing in it: what starting up costs whoever uses the SDK."""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import Stream, Tap


class Nothing(Stream):
    """No rows."""

    name = "nothing"
    primary_keys = ("id",)
    schema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {"id": {"type": "string"}}}

    def get_records(self, context):  # noqa: ARG002
        """Return no rows."""
        return ()


class BareTap(Tap):
    """One stream, one setting."""

    name = "tap-bare"
    package_name = "singer-sdk"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"api_key": {"type": "string"}},
    }

    def discover_streams(self):
        """Return the stream."""
        return [Nothing(self)]


if __name__ == "__main__":
    BareTap.cli()
