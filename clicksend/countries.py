"""Countries by their codes and names, for the phone numbers in them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

ALIASES = {
    "UK": "GB",
    "USA": "US",
    "America": "US",
    "United States of America": "US",
    "Britain": "GB",
    "Great Britain": "GB",
    "England": "GB",
    "Scotland": "GB",
    "Wales": "GB",
    "Northern Ireland": "GB",
    "Holland": "NL",
    "Czechia": "CZ",
    "UAE": "AE",
    "Kosovo": "XK",
}
"""What people write that the library's lists of names lack."""
UNCLEAR = frozenset({"congo"})
"""Names that two countries go by."""
REFERENCE = "*"
"""What a name of the library's begins with that is another language's."""


@lru_cache(maxsize=1024)
def code_of(name: str) -> str | None:
    """Return the ISO 3166 code of a country that has phone numbers, None where it is not known.

    Args:
        name: Its code or its name, in one of the world's larger languages.
    """
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415, slow, and many commands need none of it

    code = name.strip().upper()
    return code if code in SUPPORTED_REGIONS else _names().get(_folded(name))


@cache
def _names() -> dict[str, str]:
    """Return the codes of countries by their names; what names two countries names none."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415
    from phonenumbers.geodata.locale import LOCALE_DATA  # noqa: PLC0415, half a second

    codes: dict[str, set[str]] = {}
    for code, names in LOCALE_DATA.items():
        for name in set(names.values()):
            if not name.startswith(REFERENCE):
                codes.setdefault(_folded(name), set()).add(code)
    known = {name: next(iter(found)) for name, found in codes.items() if len(found) == 1}
    known |= {_folded(name): code for name, code in ALIASES.items()}
    return {name: code for name, code in known.items() if code in SUPPORTED_REGIONS and name not in UNCLEAR}


def _folded(name: str) -> str:
    """Return a name without what people leave out: case, accents, dots, hyphens, "the"."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    words = re.sub(r"[^\w\s]|_", " ", plain.casefold().replace(".", "")).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)
