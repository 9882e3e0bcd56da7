"""What tap and target do otherwise than the Singer SDK's plugins; the only file here that imports the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import click
from singer_sdk.about import AboutInfo
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import PluginBase, _ConfigInput
from typing_extensions import override

from clicksend import variables
from clicksend.config import Schema, read_config, with_defaults
from clicksend.meter import Traffic
from clicksend.report import RunReport


class ClickSendPlugin(PluginBase):
    """A tap or target whose settings are checked by us; each private method says why.

    Attributes:
        report: What it reports of its run.
    """

    report: RunReport
    _current: ClassVar[ClickSendPlugin | None] = None
    """The run that the process's command has begun."""

    @property
    def traffic(self) -> Traffic:
        """What the run has asked of ClickSend."""
        raise NotImplementedError

    @classmethod
    def end_report(cls, exit_code: int, error: str | None) -> None:
        """Write the report of the command's run, if it began one and that has not written just this.

        Args:
            exit_code: What the process ends with.
            error: The sentence that was logged.
        """
        plugin, ClickSendPlugin._current = ClickSendPlugin._current, None
        if plugin is not None:
            plugin.report.end(plugin.config.get("report_path"), plugin.traffic, exit_code, error)

    def check_settings(self) -> None:
        """Check the config, defaults included.

        Raises:
            SettingsError: A setting is missing, unknown or wrong.
        """
        raise NotImplementedError

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults, and leave the check to ``check_settings``.

        The SDK's messages quote values, a mistyped API key's too.
        """
        self.append_builtin_config(self.config_jsonschema)
        properties = self.config_jsonschema["properties"]
        self.report = RunReport(self.name)
        # Only a command's config comes from files and variables.
        context = click.get_current_context(silent=True)
        if context and context.command.name == self.name:
            ClickSendPlugin._current = self if raise_errors else None
            variables.check(self.name, self._config, properties)
        self._config = with_defaults(self._config, properties)
        if raise_errors:
            self.check_settings()
        return []

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """Take settings from the environment as text, which ``with_defaults`` reads.

        The SDK's way knows no numbers with a fraction, and ends in a traceback that names no setting.
        """
        properties = cls.config_jsonschema["properties"]
        texts = {"properties": {name: {"type": "string"} for name in properties}}
        return parse_environment_config(texts, cls._env_var_prefix)

    @override
    @classmethod
    def _get_about_info(cls) -> AboutInfo:
        info = super()._get_about_info()
        properties = _declared(info.settings["properties"])
        return replace(info, settings={**info.settings, "properties": properties})

    @override
    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read each file once, where the SDK would read it again for itself."""
        config: dict[str, Any] = {}
        for path in value:
            config |= {} if path == "ENV" else read_config(path)
        return _ConfigInput(config, parse_env="ENV" in value)


def _declared(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas as ``--about`` shows them: a number that may have a fraction can be text.

    Who makes a Meltano definition of them must not make it a decimal, which Meltano 4.4 reads from the
    environment and then fails to pass on.
    """
    return {
        name: schema | {"type": ["string", "number"]} if schema.get("type") == "number" else schema
        for name, schema in properties.items()
    }
