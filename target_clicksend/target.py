"""The target: its settings, and which sink writes which stream."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from typing_extensions import override

from clicksend.errors import SettingsError
from clicksend.settings import PROPERTIES as CONNECTION
from clicksend.text import escaped
from target_clicksend import settings
from target_clicksend.report import PLUGIN
from target_clicksend.run import Run
from target_clicksend.sdk import ClickSendTarget
from target_clicksend.settings import NAMES, SINKS
from target_clicksend.sinks.base import Sink


def sink_class(name: str) -> type[Sink]:
    """Return the class of a sink."""
    kind: type[Sink] = resolve_name(f"target_clicksend.sinks.{SINKS[name]}")
    return kind


class TargetClickSend(ClickSendTarget):
    """Writes rows of upstream tables into ClickSend: contacts, lists, templates, messages."""

    name = PLUGIN
    package_name = "singer-clicksend"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {**CONNECTION, **settings.PROPERTIES},
    }
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.run = Run(self.config)
        self.report = self.run.report

    @override
    def check_settings(self) -> None:
        settings.check(self.config, self.config_jsonschema["properties"])

    @override
    def sink_of(self, stream: str) -> Sink:
        """Return the sink that writes a stream.

        Raises:
            SettingsError: There is none.
        """
        name = self.config["streams"].get(stream, stream)
        if name not in SINKS:
            raise SettingsError(
                f"There is no sink for stream {escaped(stream)}: name one of {', '.join(NAMES)} for it in the"
                " setting streams, or deselect it."
            )
        if name not in self.run.sinks:
            self.run.sinks[name] = self.make_sink(name)
        return self.run.sinks[name]

    def make_sink(self, name: str) -> Sink:
        """Return a new sink."""
        return sink_class(name)(self.run)

    @override
    def finish(self) -> None:
        active = [self.run.sinks[name] for name in SINKS if name in self.run.sinks]
        for sink in active:
            sink.process_batch()
        for sink in reversed(active):
            sink.clean_up()
