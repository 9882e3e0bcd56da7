"""Shortened links in texts, and who opened them.

Both follow from the message alone, so that nothing else of the world depends on them: every second link of
the made-up texts is short, and every second recipient opens it, within three days.
"""

from __future__ import annotations

import re
from hashlib import md5
from random import Random
from typing import NamedTuple

from clicksend.sandbox.world.rows import Message

SOURCE = "quick_sms"
"""The only source of links that is documented: messages that were sent through the API."""
_LONG = re.compile(r"https://example\.com/\S+")
_SHORT = re.compile(r"https://smsu\.io/\w+")
_ON_ITS_WAY = frozenset({"200", "201"})
_HOUR = 3600
_LATEST = 70 * _HOUR
_TYPICAL = 12 * _HOUR
_TIMES_OPENED = (0, 0, 0, 0, 1, 1, 2, 5)
_DEVICES = (
    ("mobile", "chrome", "android"),
    ("mobile", "safari", "ios"),
    ("tablet", "safari", "ios"),
    ("desktop", "firefox", "windows"),
)
_REGIONS = ("western_australia", "île-de-france", "kōrero", "")


class Opened(NamedTuple):
    """How a recipient opened a link: when (Unix seconds, oldest first), where and with what."""

    times: list[int]
    region: str
    device: str
    browser: str
    system: str


def shortened(body: str, message_id: str) -> str:
    """Shorten the link of a text, if it has one and the message is one of those."""
    if int(message_id[-1], 16) % 2:
        return body
    return _LONG.sub(f"https://smsu.io/{message_id[-6:]}", body)


def link_of(message: Message) -> str | None:
    """Return the id of a message's short link (source, message, hash of the link), None when it has none."""
    found = _SHORT.search(message.body) if message.direction == "out" else None
    if found is None:
        return None
    digest = md5(found[0].encode(), usedforsecurity=False).hexdigest()
    return f"{SOURCE}-{message.message_id.lower()}-{digest}"


def opened(message: Message, now: int) -> Opened:
    """Return how the recipient has opened the link so far."""
    rng = Random(f"link {message.message_id}")
    sent = message.schedule or message.date
    count = rng.choice(_TIMES_OPENED)
    times = sorted(sent + 60 + min(_LATEST, int(rng.expovariate(1 / _TYPICAL))) for _ in range(count))
    reached = message.delivery.code in _ON_ITS_WAY
    return Opened([at for at in times if at <= now and reached], rng.choice(_REGIONS), *rng.choice(_DEVICES))
