"""Where the made-up people live: numbering, senders and prices of a few countries.

Prefixes are real mobile ranges, so that every generated number is valid E.164 (a test asks ``phonenumbers``).
Prices are invented, in the style of the recorded ones ("0.0792" to Australia).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from random import Random
from typing import NamedTuple, TypeVar

from clicksend.sandbox.world.profiles import NETWORKS

T = TypeVar("T")


class Place(NamedTuple):
    """One country's mobile numbering and market.

    Attributes:
        code: ISO 3166-1 alpha-2.
        share: Part of the traffic, in percent; the shares add up to 100.
        prefixes: Beginnings of mobile numbers, in digits with the country code.
        digits: How many digits follow a prefix; the first of them is never 0 or 1.
        sms_price: Price of one part.
        senders: Each as often as it is used.
    """

    code: str
    share: int
    prefixes: tuple[str, ...]
    digits: int
    sms_price: str
    senders: tuple[str, ...]
    cities: tuple[str, ...]

    def number(self, rng: Random) -> str:
        """Draw a mobile number in E.164."""
        low = 2 * 10 ** (self.digits - 1)
        span = 8 * 10 ** (self.digits - 1)
        return f"+{pick(rng, self.prefixes)}{low + int(rng.random() * span)}"


def pick(rng: Random, choices: Sequence[T]) -> T:
    """Draw one of ``choices``; several times faster than ``Random.choice``."""
    return choices[int(rng.random() * len(choices))]


_ALPHA = "ACME"
PLACES = (
    Place("US", 26, ("1201", "1213", "1312", "1415", "1512", "1646", "1801"), 7, "0.0225",
          (*("+18335550142", "+12018957310") * 15, _ALPHA),
          ("Austin", "Salt Lake City")),
    Place("AU", 24, ("6141", "6142", "6143"), 7, "0.0792",
          ("+61447254068", "+61447238703", _ALPHA),
          ("Perth", "Wagga Wagga")),
    Place("GB", 12, ("44734", "44771", "44785"), 7, "0.0561",
          ("+447908661155", _ALPHA),
          ("London", "Llandudno")),
    Place("NZ", 6, ("6421", "6422"), 7, "0.1132",
          ("+64211555021", _ALPHA),
          ("Auckland", "Whangārei")),
    Place("CA", 6, ("1416", "1514", "1604"), 7, "0.0257",
          ("+14165550171",),
          ("Montréal", "Vancouver")),
    Place("DE", 5, ("491512", "49160"), 7, "0.1056",
          ("+4915125550193", _ALPHA),
          ("Köln", "München")),
    Place("FR", 4, ("3361", "3367"), 7, "0.0732",
          ("+33755534018", _ALPHA),
          ("Orléans", "Nîmes")),
    Place("ES", 3, ("3461", "3465"), 7, "0.0840",
          (_ALPHA,),
          ("A Coruña", "Málaga")),
    Place("IN", 3, ("9198", "9199"), 8, "0.0912",
          (_ALPHA,),
          ("Pune", "Kochi")),
    Place("SG", 3, ("658",), 7, "0.0480",
          ("+6591255501", _ALPHA),
          ("Singapore",)),
    Place("IE", 2, ("35385", "35387"), 7, "0.0861",
          (_ALPHA,),
          ("Dún Laoghaire",)),
    Place("ZA", 2, ("2782", "2783"), 7, "0.0282",
          ("+27820055501",),
          ("Gqeberha", "Durban")),
    Place("PL", 2, ("4860", "4869"), 7, "0.0434",
          (_ALPHA,),
          ("Łódź", "Wrocław")),
    Place("SE", 2, ("4670", "4673"), 7, "0.0710",
          (_ALPHA,),
          ("Malmö", "Örebro")),
)  # fmt: skip
_BY_SHARE = tuple(place for place in PLACES for _ in range(place.share))
_BY_CODE = {place.code: place for place in PLACES}
_CARRIERS = {
    country: tuple(one.name for one in networks for _ in range(one.share))
    for country, networks in NETWORKS.items()
}
_ELSEWHERE = Decimal("0.1000")
SHARED_NUMBER = "+61447254068"
"""The sender where a country has no number of its own, and where answers go when the sender was a name."""
_PRICES = {place.code: Decimal(place.sms_price) for place in PLACES}
_CHANNEL_FACTOR = {"sms": Decimal(1), "mms": Decimal(6), "voice": Decimal("1.5")}


def any_place(rng: Random) -> Place:
    """Draw a country by its share of the traffic."""
    return pick(rng, _BY_SHARE)


@cache
def price(channel: str, country: str, parts: int) -> str:
    """Price a message: a decimal string with six places, as the history has it."""
    return f"{_PRICES.get(country, _ELSEWHERE) * _CHANNEL_FACTOR[channel] * parts:.6f}"


@cache
def millionths(amount: str) -> int:
    """Read an amount of money exactly, in millionths."""
    return int(Decimal(amount) * 1_000_000)


@cache
def sender(country: str) -> str:
    """Return the shared number that messages to a country come from when they name no sender."""
    senders = _BY_CODE[country].senders if country in _BY_CODE else ()
    return next((one for one in senders if one.startswith("+")), SHARED_NUMBER)


def carrier(country: str, number: str) -> str:
    """Name the carrier of a number, which its last two digits tell; "" where none is known."""
    carriers = _CARRIERS.get(country)
    return carriers[int(number[-2:])] if carriers else ""


@cache
def country_name(code: str) -> str:
    """Name a country in English."""
    return dict(countries())[code]


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Return all ISO 3166-1 countries: (alpha-2 code, English name), after the tz database's iso3166.tab."""
    text = files(__package__).joinpath("countries.csv").read_text(encoding="utf-8")
    return tuple((code, name) for code, _, name in (line.partition(",") for line in text.splitlines()))
