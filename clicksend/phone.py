"""Phone numbers in E.164, the form that ClickSend stores and that we compare and hash.

Text that could mean two numbers is refused: a wrong number is somebody else's, a rejected row is corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from clicksend.phone_text import (
    HINT,
    NOT_VALID,
    TWO,
    ZERO,
    cleaned,
    digits_of,
    may_be_meant,
    plain_sign,
    written,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

E164 = re.compile(r"\+[1-9]\d{6,14}")
NO_COUNTRY = f"{NOT_VALID} with a country code"
LENGTH = "has too few or too many digits for its country"
UNFIT = f"is not a valid number of its country: {HINT}"
UNCLEAR = f"could be one of several numbers: {HINT}"

AS_WRITTEN = "as written"
FLOAT = "float text"
LEFT_OUT = "without its trunk prefix"

LONGEST_PREFIX = 8
"""Digits that stand for a plus; no country has more."""
HIDDEN = 5
"""Digits at the end of a masked number that do not show."""
LONGEST_SAMPLE = 30
SHORTEST = 5
"""Digits; what has fewer is not one of two numbers in a cell."""


class Reading(NamedTuple):
    """A number, and how it was read.

    Attributes:
        number: E.164.
        how: For a person: ``as written``, ``float text``, ``completed with AU``, ``00 is a plus``,
            ``without its plus``, or two of them.
    """

    number: str
    how: str


def to_e164(number: str, country: str | None = None) -> str:
    """Return a phone number as ``+15551234567``; arguments and errors are those of ``read``."""
    return read(number, country).number


def read(number: str, country: str | None = None) -> Reading:
    """Return a phone number, and how it was read.

    Args:
        number: As people, spreadsheets and programs write it.
        country: ISO 3166 code of the country that a number without a country code belongs to.

    Raises:
        ValueError: It is not a number, or could be several; the text says why and never quotes it.
    """
    if _is_e164(number):
        return Reading(number, AS_WRITTEN)
    text, was_float = written(number)
    found = _with_plus(text) if text.startswith("+") else _completed(text, country, was_float=was_float)
    if _may_be_two(text, found.number):
        raise ValueError(TWO)
    if was_float:
        return Reading(found.number, FLOAT if found.how == AS_WRITTEN else f"{FLOAT}, {found.how}")
    return found


def may_mean(number: str, country: str | None = None) -> set[str]:
    """Return all E.164 numbers that a text may stand for; for people who must not be written to.

    Args:
        number: As people, spreadsheets and programs write it; several numbers, too.
        country: ISO 3166 code of the country that a number without a country code may belong to.
    """
    if _is_e164(number):
        return {number}
    found: set[str] = set()
    for text in may_be_meant(number):
        digits = digits_of(text)
        international = _parsed(f"+{digits}")
        as_it_is = {_format(international)} if international and _is_possible(international) else set()
        found |= as_it_is
        if not (as_it_is and text.startswith("+")):
            readings = _readings(digits, country, was_float=True)
            found |= {_format(parsed) for parsed, _ in readings if _is_possible(parsed)}
    return {one for one in found if E164.fullmatch(one)}


def plain(number: str) -> str:
    """Return the text of a cell in plain characters; a float's as the integer that it stands for."""
    try:
        return written(number).text
    except ValueError:
        return cleaned(number)


def mask(number: str) -> str:
    """Return an E.164 number with its end hidden, like ``+614111*****``: country and area show."""
    return number[:-HIDDEN] + "*" * min(HIDDEN, len(number))


def sample(cell: str, number: str) -> str:
    """Return a cell and its number with the ends hidden, like ``0412 3** *** -> +614123*****``.

    Args:
        cell: The text.
        number: E.164.
    """
    left = len(digits_of(plain(cell))) - HIDDEN
    shown = ""
    for character in cell[:LONGEST_SAMPLE]:
        if character.isdecimal():
            shown += character if left > 0 else "*"
            left -= 1
        elif character == " " or (character.isprintable() and plain_sign(character).strip()):
            shown += character
        else:
            shown += character.encode("unicode_escape").decode()
    return f"{shown} -> {mask(number)}"


def _with_plus(text: str) -> Reading:
    """Return a number with its country code: possible is enough, unless the library changed its digits.

    Raises:
        ValueError: It is not a phone number.
    """
    parsed = _parsed("+" + digits_of(text))
    if parsed is None:
        raise ValueError(NOT_VALID)
    if not _is_possible(parsed):
        raise ValueError(LENGTH)
    number = _format(parsed)
    written_digits = "+" + digits_of(text)
    is_as_written = number in {written_digits, "+" + digits_of(ZERO.sub("", text))}
    if is_as_written and not _has_trunk_prefix(parsed):
        return Reading(number, AS_WRITTEN)
    # The library leaves out what is dialled within the country only, and now and then knows what is missing.
    if len(number) > len(written_digits) or not _is_valid(parsed):
        raise ValueError(UNFIT)
    return Reading(number, AS_WRITTEN if number == written_digits else LEFT_OUT)


def _has_trunk_prefix(parsed: PhoneNumber) -> bool:
    """Return whether a number begins with what is dialled within its country only, like a 0."""
    import phonenumbers  # noqa: PLC0415

    country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    prefix = phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True)
    return prefix is not None and phonenumbers.national_significant_number(parsed).startswith(prefix)


def _completed(text: str, country: str | None, *, was_float: bool) -> Reading:
    """Return a number whose country code is not behind a plus.

    Raises:
        ValueError: It is not a phone number, or could be several.
    """
    digits = digits_of(text)
    if not (digits.startswith("00") or _is_known(country)):
        raise ValueError(NO_COUNTRY)
    readings = list(_readings(digits, country, was_float=was_float))
    found = [(_format(parsed), how) for parsed, how in readings if _is_valid(parsed)]
    if len({number for number, _ in found}) > 1:
        raise ValueError(UNCLEAR)
    if found:
        return Reading(*found[0])
    raise ValueError(UNFIT if any(_is_possible(parsed) for parsed, _ in readings) else LENGTH)


def _readings(
    digits: str, country: str | None, *, was_float: bool = False
) -> Iterator[tuple[PhoneNumber, str]]:
    """Yield what digits may mean, valid or not: 00 is a plus, a plus is left out, or they are local."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415

    metadata = PhoneMetadata.metadata_for_region(country, None) if country else None
    abroad = re.compile((metadata and metadata.international_prefix) or "00")
    for end in range(1, min(len(digits), LONGEST_PREFIX + 1)):
        if digits[:end] == "00" or abroad.fullmatch(digits, 0, end):
            yield from _named(_parsed("+" + digits[end:]), f"{digits[:end]} is a plus")
    if metadata is None or country is None or metadata.country_code is None:
        return
    code = metadata.country_code
    if digits.startswith(str(code)):
        yield from _named(_parsed(f"+{digits}"), "without its plus")
    # Where a 0 in front is part of the number, as in Italy, a float has lost it.
    for local in [digits, f"0{digits}"] if was_float else [digits]:
        yield from _named(_local(local, country, code), f"completed with {country}")


def _named(parsed: PhoneNumber | None, how: str) -> Iterator[tuple[PhoneNumber, str]]:
    if parsed is not None:
        yield parsed, how


def _local(digits: str, country: str, code: int) -> PhoneNumber | None:
    """Return digits as a number within a country."""
    from phonenumbers import CountryCodeSource  # noqa: PLC0415

    parsed = _parsed(digits, country)
    # The library itself takes the country's own code, or what stands for a plus, off the front.
    if parsed is None or parsed.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return _parsed(f"+{code}{digits}")
    return parsed


def _may_be_two(text: str, number: str) -> bool:
    """Return whether what was read as one number is two of its country, with nothing but a gap between."""
    from phonenumbers import region_code_for_country_code  # noqa: PLC0415

    for gap in re.finditer(r"[ ./-]+", text):
        first, second = text[: gap.start()], digits_of(text[gap.end() :])
        is_again = digits_of(first).endswith(second.lstrip("0"))
        if min(len(digits_of(first)), len(second)) < SHORTEST or not (is_again or second[0] == "0"):
            continue
        parsed = _parsed(number)
        country = region_code_for_country_code((parsed and parsed.country_code) or 0)
        one, other = _valid_ones(first, country), _valid_ones(second, country)
        if digits_of(first) == second or one & other or (second[0] == "0" and one and other):
            return True
    return False


def _valid_ones(text: str, country: str) -> set[str]:
    """Return the valid numbers that a part of a text may be."""
    digits = digits_of(text)
    whole = _named(_parsed(f"+{digits}"), "") if text[0] == "+" else _readings(digits, country)
    return {_format(parsed) for parsed, _ in whole if _is_valid(parsed)}


def _parsed(text: str, country: str | None = None) -> PhoneNumber | None:
    import phonenumbers  # noqa: PLC0415, slow, and many commands need none of it

    try:
        return phonenumbers.parse(text, country, keep_raw_input=country is not None)
    except phonenumbers.NumberParseException:
        return None


def _is_known(country: str | None) -> bool:
    if country is None:
        return False
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415

    return country in SUPPORTED_REGIONS


def _is_possible(parsed: PhoneNumber) -> bool:
    """Return whether a number has a length of its country's; one without its area code has not."""
    from phonenumbers import ValidationResult, is_possible_number_with_reason  # noqa: PLC0415

    return bool(is_possible_number_with_reason(parsed) == ValidationResult.IS_POSSIBLE)


def _is_valid(parsed: PhoneNumber) -> bool:
    from phonenumbers import is_valid_number  # noqa: PLC0415

    return bool(is_valid_number(parsed))


def _format(parsed: PhoneNumber) -> str:
    from phonenumbers import PhoneNumberFormat, format_number  # noqa: PLC0415

    return str(format_number(parsed, PhoneNumberFormat.E164))


def _is_e164(number: str) -> bool:
    """Return whether a text is a possible number in E.164 for certain; the library takes long to say so."""
    if E164.fullmatch(number) is None or not number.isascii():
        return False
    for digits in (1, 2, 3):
        if lengths_and_prefix := _plan(int(number[1 : 1 + digits])):
            lengths, prefix = lengths_and_prefix
            national = number[1 + digits :]
            return len(national) in lengths and not (prefix and prefix.match(national))
    return False


@cache
def _plan(country_code: int) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Return how long numbers of a country code are, and what may come before them within the country."""
    import phonenumbers  # noqa: PLC0415

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(country_code)
    if regions is None:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    local = frozenset(metadata.general_desc.possible_length_local_only)
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(metadata.general_desc.possible_length) - local
    return lengths, re.compile(prefix) if prefix else None
