"""The connection settings that tap, target and the ``clicksend`` commands share.

They are JSON schemas, not ``th.Property``: commands that need no Singer must not import the SDK, and a
``th.Property`` that is not required takes null for a value and has no ``minItems``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from clicksend.config import Schema, typed
from clicksend.errors import SettingsError
from clicksend.logs import hide
from clicksend.validation import check

DIRECT_API_URL = "https://rest.clicksend.com/v3"
HUB_URL = "https://api.skillboss.com"
HUB_KEY_PREFIX = "sk-"

PROPERTIES: dict[str, Schema] = {
    "api_key": {
        "type": "string",
        "title": "API key",
        "description": "With a username ClickSend's API key, else the hub's key. Unset: taken from"
        " CLICKSEND_API_KEY (with a username) or SKILLBOSS_API_KEY.",
        "pattern": r"^[!-~]+(?![\s\S])",
        "fits": "must have no blanks, line breaks or other characters than ASCII's",
        "secret": True,
        "writeOnly": True,
    },
    "username": {
        "type": "string",
        "title": "Username",
        "description": "ClickSend username: direct access with HTTP Basic. Unset (and no"
        " CLICKSEND_USERNAME): Bearer access through the hub.",
    },
    "api_url": {
        "type": "string",
        "title": "API URL",
        "description": "Base of the v3 API. Unset: ClickSend's own with a username, else the hub's.",
    },
    "hub_url": {
        "type": "string",
        "title": "Hub URL",
        "description": "Base of the hub's own calls (/v1/run).",
        "default": HUB_URL,
    },
    "timeout": {
        "type": "number",
        "title": "Timeout",
        "description": "Seconds to wait for a connection and for each part of an answer.",
        "exclusiveMinimum": 0,
        "maximum": 86_400,
        "default": 30,
    },
    "max_retries": {
        "type": "integer",
        "title": "Retries",
        "description": "How often a failed read is made again.",
        "minimum": 0,
        "default": 5,
    },
    "max_concurrency": {
        "type": "integer",
        "title": "Concurrency",
        "description": "Most requests under way at once; up to it the best number is found.",
        "minimum": 1,
        "maximum": 64,
        "default": 64,
    },
    "rate_limit_share": {
        "type": "number",
        "title": "Share of the rate limit",
        "description": "Share of ClickSend's rate limit (of its headers) to use; the rest is left to others.",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 0.8,
    },
    "requests_per_minute": {
        "type": "integer",
        "title": "Requests per minute",
        "description": "Ceiling on all requests together. Unset: ClickSend's own rate-limit headers decide.",
        "minimum": 1,
    },
    "user_agent": {
        "type": "string",
        "title": "User agent",
        "description": "User-Agent header. Unset: singer-clicksend and its version.",
        "pattern": r"^[ -~]+(?![\s\S])",
        "fits": "must have no line breaks or other characters than ASCII's",
    },
}

COUNTRY: Schema = {
    "type": "string",
    "title": "Default country",
    "description": "Country (like US) of phone numbers without a country code. Unset: the account's.",
    "pattern": r"^[A-Z]{2}(?![\s\S])",
    "fits": "must be two capital letters, like US",
}
"""Schema of default_country.

Its pattern has no ``$``, behind which Python allows a line break.
"""


@dataclass(frozen=True)
class Settings:
    """A checked connection.

    Attributes:
        api_key: Key sent to ``api_url``; never shown.
        username: ClickSend username, None when access goes through the hub.
        hub_key: Key for the hub's own calls, None without one; never shown.
        timeout: Seconds.
    """

    api_key: str = field(repr=False)
    username: str | None
    api_url: str
    hub_url: str
    hub_key: str | None = field(repr=False)
    timeout: float
    max_retries: int
    max_concurrency: int
    rate_limit_share: float
    requests_per_minute: int | None
    user_agent: str

    @property
    def through_hub(self) -> bool:
        """Whether the v3 API is reached through the hub."""
        return self.username is None

    @classmethod
    def from_config(cls, config: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> Settings:
        """Check the connection settings of a config and fill in keys from the environment.

        Args:
            config: Settings by name; names of other parts (a tap's streams, say) are left alone.
            env: Environment variables.

        Raises:
            SettingsError: A setting is missing or wrong.
        """
        given = typed({name: config[name] for name in PROPERTIES if name in config}, PROPERTIES)
        check(given, PROPERTIES)
        chosen: dict[str, Any] = {name: schema.get("default") for name, schema in PROPERTIES.items()} | given
        username = chosen["username"] or env.get("CLICKSEND_USERNAME") or None
        api_key = _api_key(chosen["api_key"], username, env)
        hub_url = _url("hub_url", chosen["hub_url"])
        hide(api_key, env.get("SKILLBOSS_API_KEY"))
        return cls(
            api_key=api_key,
            username=username,
            api_url=_url(
                "api_url", chosen["api_url"] or (DIRECT_API_URL if username else f"{hub_url}/clicksend/v3")
            ),
            hub_url=hub_url,
            hub_key=env.get("SKILLBOSS_API_KEY") if username else api_key,
            timeout=chosen["timeout"],
            max_retries=chosen["max_retries"],
            max_concurrency=chosen["max_concurrency"],
            rate_limit_share=chosen["rate_limit_share"],
            requests_per_minute=chosen["requests_per_minute"],
            user_agent=chosen["user_agent"] or f"singer-clicksend/{metadata.version('singer-clicksend')}",
        )


def _api_key(given: str | None, username: str | None, env: Mapping[str, str]) -> str:
    hub_key = env.get("SKILLBOSS_API_KEY")
    if username is None:
        if key := given or hub_key:
            return key
        raise SettingsError(
            "Setting api_key is missing: set SKILLBOSS_API_KEY for access through the hub, or"
            " CLICKSEND_USERNAME and CLICKSEND_API_KEY for direct access to ClickSend."
        )
    key = given or env.get("CLICKSEND_API_KEY")
    if key is None or key == hub_key or key.startswith(HUB_KEY_PREFIX):
        raise SettingsError(
            "Setting username asks for direct access, which needs ClickSend's own key in api_key or"
            " CLICKSEND_API_KEY" + ("" if key is None and not hub_key else ", not the hub's") + "; for the"
            " hub leave username (and CLICKSEND_USERNAME) unset."
        )
    return key


def _url(name: str, value: str) -> str:
    parts = urlsplit(value)
    try:
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.hostname is None:
        raise SettingsError(f"Setting {name} must be a URL that begins with https://.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"Setting {name} must be a plain URL, without credentials, ? or #.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"Setting {name} must use https://: http:// would show the key to the network.")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
