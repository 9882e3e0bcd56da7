"""How long a text is: in the parts that are billed, and how much of it is sent.

GSM 03.38: 160 units in one part, 153 in each of several; Unicode: 70 and 67 units of UTF-16. As documented, a
line break is two units. Nobody says whether the characters of the GSM extension are two units, as networks
count them, or make the whole text Unicode.
"""

from __future__ import annotations

from typing import NamedTuple

_GSM = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\r\n"
)
_EXTENSION = frozenset("^{}[]\\~|€")
_EXTENDED = _GSM | _EXTENSION
_WIDE = _EXTENSION | {"\n"}
_LAST_OF_ONE_UNIT = "\uffff"


class _Coding(NamedTuple):
    """Units in one part, in each of several, and the letters of a text that are two units."""

    one: int
    many: int
    wide: frozenset[str]


_SPOKEN_GSM, _SPOKEN_UNICODE, _SPOKEN_PARTS = 300, 150, 4
_PICTURE_GSM, _PICTURE_UNICODE = 1500, 500


def parts(body: str, extension: str = "two_units") -> int:
    """Count the parts of a text message; ``extension`` says what the characters of the GSM extension do.

    A character of two units is never torn apart, so a part may end one unit early.
    """
    coding = _coding(frozenset(body), extension)
    units = len(body) + sum(map(body.count, coding.wide))
    if units <= coding.one:
        return 1
    return len(_ends(body, coding)) if coding.wide else -(-units // coding.many)


def cut(body: str, most: int, extension: str = "two_units") -> str:
    """Return what is sent of a text message that may have ``most`` parts."""
    if parts(body, extension) <= most:
        return body
    coding = _coding(frozenset(body), extension)
    if most == 1:
        coding = coding._replace(many=coding.one)
    return body[: _ends(body, coding)[most - 1]]


def picture_text(body: str) -> str:
    """Return what is sent of the text of a picture message: 1500 characters, or 500 in Unicode."""
    return body[: _PICTURE_GSM if set(body) <= _EXTENDED else _PICTURE_UNICODE]


def spoken(body: str) -> tuple[str, int]:
    """Return what is spoken of a text, four parts at most, and how many it has: 300 characters, or 150."""
    size = _SPOKEN_GSM if set(body) <= _EXTENDED else _SPOKEN_UNICODE
    said = body[: size * _SPOKEN_PARTS]
    return said, max(1, -(-len(said) // size))


def _coding(letters: frozenset[str], extension: str) -> _Coding:
    if letters <= (_EXTENDED if extension == "two_units" else _GSM):
        return _Coding(160, 153, letters & _WIDE)
    return _Coding(70, 67, frozenset(one for one in letters if one > _LAST_OF_ONE_UNIT))


def _ends(body: str, coding: _Coding) -> list[int]:
    """Return where each of several parts ends."""
    ends, used = [], 0
    for place, character in enumerate(body):
        units = 1 + (character in coding.wide)
        used += units
        if used > coding.many:
            ends.append(place)
            used = units
    return [*ends, len(body)]
