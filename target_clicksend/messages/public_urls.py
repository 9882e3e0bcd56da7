"""Is a URL one that anybody can fetch? ClickSend and the recipient's carrier must be able to."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv6Network, ip_address
from urllib.parse import urlsplit

PRIVATE_NAMES = re.compile(
    r"(.*\.)?(local|localhost|localdomain|internal|intranet|lan|home|corp|private|test|invalid|home\.arpa)"
)
"""Names that no public DNS has."""
LABEL = re.compile(r"[\w-]{1,63}")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
"""The last label of what browsers and libc read as an IPv4 address: 127.1, 0x7f.0.0.1, 2130706433."""
IPV6_UNICAST = IPv6Network("2000::/3")

NO_URL = "must be a public URL that begins with https://"
NOT_SECURE = f"{NO_URL}; http:// can be read and changed on its way"
HAS_PASSWORD = "must be a URL without a user name or password: whoever gets the message would see them"  # noqa: S105
NOT_PUBLIC = "must be a URL with a public host: nobody else can fetch from this machine or a private network"


def wrong_url(url: str) -> str | None:
    """Return what is wrong with a URL, None when anybody can fetch from its host by https."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return NO_URL
    if parts.scheme == "http":
        return NOT_SECURE
    if parts.scheme != "https" or not parts.hostname or not url.isprintable() or re.search(r"[\s\\]", url):
        return NO_URL
    if "@" in parts.netloc:
        return HAS_PASSWORD
    return None if _is_public(parts.hostname) else NOT_PUBLIC


def _is_public(host: str) -> bool:
    if ":" in host:
        return _is_public_address(host)
    # As IDNA does it: full-width letters and dots are others' spelling of the same name.
    name = re.sub("[\u3002\uff0e\uff61]", ".", unicodedata.normalize("NFKC", host)).lower().removesuffix(".")
    labels = name.split(".")
    if NUMBER.fullmatch(labels[-1]):
        return _is_public_address(name)
    is_name = len(labels) > 1 and all(map(LABEL.fullmatch, labels))
    return is_name and not PRIVATE_NAMES.fullmatch(name)


def _is_public_address(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    # Of IPv6 all else can hold an IPv4 address: mapped, NAT64, 6to4.
    return address.version == 4 or (address in IPV6_UNICAST and address.sixtofour is None)  # noqa: PLR2004
