"""Message identifiers in ClickSend's manner: 36 characters, upper case."""

from __future__ import annotations

from random import Random

_GREGORIAN_OFFSET = 0x01B21DD213814000  # 100 ns steps from 1582-10-15 to 1970-01-01


def time_uuid(rng: Random, at: int) -> str:
    """Make a UUID version 6 whose embedded time is ``at`` to the second: those of text messages are such."""
    ticks = at * 10_000_000 + int(rng.random() * 10_000_000) + _GREGORIAN_OFFSET
    tail = rng.getrandbits(62)
    return (
        f"{ticks >> 28:08X}-{ticks >> 12 & 0xFFFF:04X}-{0x6000 | ticks & 0xFFF:04X}"
        f"-{0x8000 | tail >> 48:04X}-{tail & 0xFFFFFFFFFFFF:012X}"
    )


def message_uuid(rng: Random, channel: str, at: int) -> str:
    """Make the identifier of a message that enters its channel ``at`` a time."""
    return time_uuid(rng, at) if channel == "sms" else random_uuid(rng)


def random_uuid(rng: Random) -> str:
    """Make a UUID version 4: those of picture messages and calls are such."""
    bits = rng.getrandbits(122)
    return (
        f"{bits >> 90:08X}-{bits >> 74 & 0xFFFF:04X}-{0x4000 | bits >> 62 & 0xFFF:04X}"
        f"-{0x8000 | bits >> 48 & 0x3FFF:04X}-{bits & 0xFFFFFFFFFFFF:012X}"
    )
