r"""The gate for length: parts that a text is billed as, and texts that ClickSend would cut.

Known: GSM 03.38 text has 160 characters in one part, 153 in each of several; any other character makes
all of it Unicode, with 70 and 67 UTF-16 units (documented). A line break counts as two characters (help).
Not known: whether the extension characters count as two or make a text Unicode, and whether ``\r\n`` is
one line break. ``Parts.count`` takes the likelier, ``Parts.most`` the larger; the gate goes by ``most``.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
import smsutil  # type: ignore[import-untyped]
from smsutil.codecs import GSM_BASIC_CHARSET, GSM_EXT_CHARSET  # type: ignore[import-untyped]

from target_clicksend.messages.message import Channel, Message
from target_clicksend.row import Rejected

_BASIC = re.escape("".join(set(GSM_BASIC_CHARSET) - set("\r\n\x1b")))
_EXTENDED = re.escape(GSM_EXT_CHARSET)
ONE_UNIT = re.compile(f"[{_BASIC}]*")
GSM = re.compile(f"[{_BASIC}{_EXTENDED}\r\n]*")
EXTENDED = re.compile(f"[{_EXTENDED}]")
GSM_PAIR, UNICODE_PAIR = "€", "\U0001f600"
"""Characters of two units, which stand for a line break where units are counted."""

Encoding = Literal["GSM-7", "UCS-2"]
SIZES: dict[Channel, dict[Encoding, tuple[int, int]]] = {
    "sms": {"GSM-7": (160, 153), "UCS-2": (70, 67)},
    "mms": {"GSM-7": (1500, 1500), "UCS-2": (500, 500)},
    "voice": {"GSM-7": (300, 300), "UCS-2": (150, 150)},
}
"""Units in a text of one part, and in each of several (documented)."""
MOST_PARTS = {"mms": 1, "voice": 4}
LONGEST_SUBJECT = 20
UNICODE_HINT = "characters outside GSM 03.38, perhaps also ^{}[]\\~|€, make it Unicode, which takes more room"


class Parts(msgspec.Struct, frozen=True, gc=False):
    """Length of a text in parts.

    Attributes:
        most: What ``count`` may be if ClickSend counts otherwise.
    """

    encoding: Encoding
    count: int
    most: int


def count_parts(text: str, channel: Channel = "sms") -> Parts:
    """Return how many parts a text takes."""
    sizes = SIZES[channel]
    if ONE_UNIT.fullmatch(text):
        count = _split(text, "GSM-7", len(text), sizes)
        return Parts("GSM-7", count, count)
    encoding: Encoding = "GSM-7" if GSM.fullmatch(text) else "UCS-2"
    count = _count(text.replace("\r\n", "\n"), encoding, sizes)
    if EXTENDED.search(text):
        # Unicode never takes fewer parts than GSM.
        return Parts(encoding, count, _count(text, "UCS-2", sizes))
    return Parts(encoding, count, _count(text, encoding, sizes) if "\r" in text else count)


def check_length(message: Message, account_limit: int) -> Parts:
    """Return the parts of a message that ClickSend sends whole.

    Args:
        message: The message.
        account_limit: Most parts of an SMS: ``setting_sms_message_char_limit`` of ``GET /account``.

    Raises:
        Rejected: It would be cut.
    """
    parts = count_parts(message.body, message.channel)
    limit = account_limit if message.channel == "sms" else MOST_PARTS[message.channel]
    if parts.most > limit:
        size = (
            "more than 1,500 characters (500 of Unicode)"
            if message.channel == "mms"
            else f"up to {parts.most} parts, and {limit} are the most"
        )
        raise Rejected(f"its text takes {size}: shorten it ({UNICODE_HINT})")
    if (length := _unicode_units(message.subject)) > LONGEST_SUBJECT:
        raise Rejected(f"subject has {length} characters; {LONGEST_SUBJECT} are the most")
    return parts


def _count(text: str, encoding: Encoding, sizes: dict[Encoding, tuple[int, int]]) -> int:
    pair = GSM_PAIR if encoding == "GSM-7" else UNICODE_PAIR
    text = text.replace("\r", pair).replace("\n", pair)
    if encoding == "GSM-7":
        return _split(text, encoding, len(text) + sum(map(text.count, GSM_EXT_CHARSET)), sizes)
    return _split(text, encoding, _unicode_units(text), sizes)


def _split(text: str, encoding: Encoding, units: int, sizes: dict[Encoding, tuple[int, int]]) -> int:
    """Return the number of parts; a character of two units is never divided between two."""
    single, several = sizes[encoding]
    if units <= single:
        return 1
    # Each part but the last may leave one unit empty. Only where that may matter is the text really split.
    fewest, most = -(-units // several), -(-units // (several - 1))
    if fewest == most or units == len(text):
        return fewest
    if encoding == "GSM-7":
        return len(smsutil.gsm_split(text, several, single).parts)
    return len(smsutil.unicode_split(text, 2 * several, 2 * single).parts)


def _unicode_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
