"""The tap: its settings and its streams."""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from typing_extensions import override

from clicksend.settings import PROPERTIES as CONNECTION
from tap_clicksend import settings, streams
from tap_clicksend.sdk import ClickSendStream, ClickSendTap, PageWriter
from tap_clicksend.streams.outcomes import Outcomes


class TapClickSend(ClickSendTap):
    """Streams ClickSend's SMS, MMS and voice history, receipts, replies, lists and contacts."""

    name = "tap-clicksend"
    package_name = "singer-clicksend"
    message_writer_class = PageWriter
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {**CONNECTION, **settings.PROPERTIES},
    }
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @override
    def check_settings(self) -> None:
        settings.check(self.config, self.config_jsonschema["properties"])

    @override
    def discover_streams(self) -> list[ClickSendStream]:
        kinds: list[type[ClickSendStream]] = list(streams.ALL)
        if self.config.get("ledger_url"):
            kinds.append(Outcomes)
        return [stream(self) for stream in kinds]
