"""Phone numbers of rows, and the countries that complete them."""

from __future__ import annotations

from clicksend.countries import code_of
from clicksend.phone import NO_COUNTRY, Reading, read
from target_clicksend.row import Rejected, Values
from target_clicksend.values import read_text


def read_phone(name: str, text: str, country: str | None) -> Reading:
    """Return the phone number that a column holds, and how it was read.

    Args:
        name: The column.
        text: What is in it.
        country: ISO 3166 code for a number without a country code, None for no such numbers.

    Raises:
        Rejected: It is not a phone number.
    """
    try:
        return read(text, country)
    except ValueError as error:
        hint = "; set default_country, or write it like +15551234567" if str(error) == NO_COUNTRY else ""
        raise Rejected(f"{name} {error}{hint}") from None


def read_country(values: Values, *names: str) -> str | None:
    """Return the ISO 3166 code of the country that a row names, in the first of some columns that it fills.

    Raises:
        Rejected: There is no such country.
    """
    for name in names:
        if text := read_text(values, name):
            if code := code_of(text):
                return code
            raise Rejected(
                f"{name} is not a country's two-letter code (ISO 3166, like AU or GB), nor its name"
            )
    return None
